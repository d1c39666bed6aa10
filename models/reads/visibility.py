"""Who may see a row: the conditions that every scoped query has in it. What a caller may not see is not found.

The care team and admins see every client. A client sees only their own, a therapist only the clients matched with
them now, and appointments of their own besides. Who has a client's pass sees the appointments that were booked with
one. The booking site by itself sees nobody.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, true
from sqlmodel import col, select

from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import Role


def therapist_of(caller: Caller) -> ColumnElement[UUID]:
    return select(Therapist.id).where(col(Therapist.slug) == caller.therapist).scalar_subquery()


def may_see_client(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Client`` for this caller."""
    if caller.is_staff:
        return true()
    one_record = col(Client.joined_into).is_(None)  # what was joined into another is left to staff
    if caller.role is Role.CLIENT and caller.client_id:
        return and_(col(Client.id) == UUID(caller.client_id), one_record)
    if caller.role is Role.THERAPIST:
        return and_(col(Client.therapist_id) == therapist_of(caller), one_record)
    return false()


def may_see_appointment(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Appointment``: those of the clients one sees, and a therapist's own."""
    clients = exists().where(col(Client.id) == col(Appointment.client_id), may_see_client(caller))
    if caller.role is Role.THERAPIST:
        return or_(col(Appointment.therapist_id) == therapist_of(caller), clients)
    if caller.by_pass:
        return and_(col(Appointment.booked_by) == caller.actor, clients)
    return clients
