"""May this client book, and what stands in the way: asked by a booking, and by whoever is told beforehand."""

from datetime import datetime

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.budgets import NETWORKS_MOST, CountedFor, refuse_above
from rules.accounts.caller import Caller
from rules.booking.eligibility import missing_details, refuse_booking
from rules.enums import AppointmentStatus, AppointmentType
from rules.journey.stage import JourneyFacts
from rules.policy import JourneyPolicy
from rules.refusals import Refusal

_NO_INTRO_RULE = Therapist.model_fields["intro_calls"].default


def refuse_to_book(
    client: Client,
    therapist: Therapist | None,
    facts: JourneyFacts,
    *,
    type: AppointmentType,
    weeks: int,
    by: Caller,
    details_come: bool = False,
) -> Refusal | None:
    """Why so many appointments of this type may not be booked by this caller, or None; everything but the slot. The
    ``facts`` are of this moment. ``details_come``: what is not known of the person yet will come with the booking."""
    return refuse_booking(
        type=type,
        facts=facts,
        missing=() if details_come else missing_details(client.details()),
        enabled=client.portal_settings.get("schedule_appointments", True),
        intro_calls=therapist.intro_calls if therapist else _NO_INTRO_RULE,
        weeks=weeks,
        by_practice=by.is_practice,
        by_pass=by.by_pass,
    )


def counted_when_booking(client: Client, whom: CountedFor | None, *, by: Caller) -> CountedFor | None:
    """For whom a booking of this client's counts, or None: what the practice books counts for nobody, nor does what is
    booked by whoever has an account."""
    return None if client.account_active or by.is_practice else whom


async def refuse_unconfirmed(
    session: AsyncSession, whom: CountedFor, *, policy: JourneyPolicy, now: datetime
) -> Refusal | None:
    """Whether one more booking that nobody has confirmed by activating an account is too many for these."""
    theirs = [
        and_(column.is_not(None), column == mark)
        for column, mark in ((col(Appointment.visitor), whom.who), (col(Appointment.network), whom.network))
    ]
    is_open = (
        col(Appointment.status) == AppointmentStatus.SCHEDULED,
        col(Appointment.ends_at) > now,
        col(Client.account_active).is_(False),
    )
    counted = (
        select(Appointment.ends_at, Appointment.visitor, Appointment.network).join(Client).where(or_(*theirs), *is_open)
    )
    rows = (await session.exec(counted)).all()
    most = policy.unconfirmed_bookings_per_visitor
    own = [ends_at for ends_at, visitor, _ in rows if whom.who is not None and visitor == whom.who]
    near = [ends_at for ends_at, _, network in rows if whom.network is not None and network == whom.network]
    return refuse_above(own, most=most, what="booked times can wait for an activated account", now=now) or refuse_above(
        near, most=most * NETWORKS_MOST, what="of them can be from one network", now=now
    )
