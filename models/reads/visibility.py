"""Who may see a row: the conditions that every scoped query has in it. What a caller may not see is not found.

The care team sees every client. A client sees only their own, a therapist only the clients matched with them now, and
of former ones the appointments of their own. Who has a client's pass sees the appointments that were booked with one.
The booking site by itself sees nobody, and an admin sees nobody either: admins are told who looked at whom
(`may_oversee_client`).

What a role does not show of a client, who sees the client sees through an opening of their own (`opened`).
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, true
from sqlmodel import col, select

from models.tables.accounts.account import Account
from models.tables.accounts.opening import Opening
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, needs_opening
from rules.enums import Role


def therapist_of(caller: Caller) -> ColumnElement[UUID]:
    return select(Therapist.id).where(col(Therapist.slug) == caller.therapist).scalar_subquery()


def may_see_client(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Client`` for this caller."""
    if caller.is_care_team:
        return true()
    if caller.role is Role.CLIENT and caller.client_id:
        return is_own_record(UUID(caller.client_id))
    if caller.role is Role.THERAPIST:
        return and_(col(Client.therapist_id) == therapist_of(caller), _one_record())
    return false()


def is_own_record(client_id: UUID) -> ColumnElement[bool]:
    """The condition on ``Client`` for the very client whose id this is."""
    return and_(col(Client.id) == client_id, _one_record())


def _one_record() -> ColumnElement[bool]:
    return col(Client.joined_into).is_(None)  # what was joined into another is left to the care team


def may_oversee_client(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Client`` for what is told of who looked, and for openings: of the clients one sees, and for an
    admin of all."""
    return true() if caller.role is Role.ADMIN else may_see_client(caller)


def may_see_appointment(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Appointment``: those of the clients one sees, and a therapist's own."""
    clients = exists().where(col(Client.id) == col(Appointment.client_id), may_see_client(caller))
    if caller.role is Role.THERAPIST:
        return or_(col(Appointment.therapist_id) == therapist_of(caller), clients)
    if caller.by_pass:
        return and_(col(Appointment.booked_by) == caller.actor, clients)
    return clients


def opened(caller: Caller, what: OpeningKind, client_id: object, *, now: datetime) -> ColumnElement[bool]:
    """Whether this of a client is open to the caller: by their role, or by an opening. ``client_id``: an id, or the
    column that has it. Whether they see the client is another question."""
    return in_force(caller, what, client_id, now=now) if needs_opening(caller, what) else true()


def in_force(caller: Caller, what: OpeningKind, client_id: object, *, now: datetime) -> ColumnElement[bool]:
    """Whether the caller has an opening in force. Another person's is none, nor is one in another of their roles."""
    return exists().where(
        col(Opening.client_id) == client_id,
        col(Opening.what) == what,
        col(Opening.opened_by) == caller.actor,
        col(Opening.ends_at) > now,
        col(Opening.closed_at).is_(None),
    )


def has_left(therapist_id: object) -> ColumnElement[bool]:
    """Whether a therapist, by id or by the column that has it, has left the practice: the account that acted for the
    profile has ended, and no other acts for it. A therapist who never had an account has not: an invitation that was
    revoked was nobody's."""
    theirs = exists().where(col(Account.therapist_id) == therapist_id)
    acted = (col(Account.activated_at).is_not(None), col(Account.deactivated_at).is_not(None))
    return and_(theirs.where(*acted), ~theirs.where(col(Account.deactivated_at).is_(None)))
