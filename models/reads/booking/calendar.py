"""A therapist's calendar in the database: busy time, and all that stands around a wanted time.

Whoever writes occupied time locks the therapist's row first: what was read then stays true.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, literal, null, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.hours import load_availability
from models.reads.booking.waitlist import own_offer
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.outside_calendar import OutsideBusy
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord
from rules.booking import availability as slots
from rules.booking.availability import Availability, Busy
from rules.booking.eligibility import slot_refusal
from rules.booking.outside_hours import why_outside
from rules.enums import AppointmentStatus, AppointmentType
from rules.refusals import Refusal

_DAY = timedelta(days=1)


def busy_margin(availability: Availability) -> timedelta:
    """How far around a stretch of wanted starts busy time still matters: length, buffers, the day's cap."""
    settings = availability.settings.values()
    longest = max(setting.duration for setting in settings)
    widest = max(max(setting.buffer_before, setting.buffer_after) for setting in settings)
    return timedelta(minutes=longest + widest) + 2 * _DAY


def horizon_end(availability: Availability, *, now: datetime) -> datetime:
    """The last instant for which anything may be booked by the client side."""
    return now + timedelta(days=max(setting.horizon_days for setting in availability.settings.values()))


# Bare columns: hundreds of rows as objects that could be changed would cost more than all the rest.
_BUSY: list[Any] = [OccupiedTime.id, OccupiedTime.type, OccupiedTime.starts_at, OccupiedTime.ends_at]
# What is busy elsewhere is of no type. Both in one statement: a look at a calendar is made many times a second.
_OUTSIDE: list[Any] = [OutsideBusy.id, null(), OutsideBusy.starts_at, OutsideBusy.ends_at]


async def load_busy(
    session: AsyncSession,
    *,
    therapist_id: UUID,
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID] = (),
) -> list[Busy]:
    """A therapist's appointments, live holds and busy times elsewhere that touch the stretch, in order.

    ``leave_out`` names holds being presented and appointments being moved. Make the stretch wider than what
    is wanted by ``busy_margin`` on both sides.
    """
    both = _of_therapist(therapist_id, starts_before, ends_after, now=now, leave_out=leave_out)
    return [_as_busy(*row) for row in await session.exec(_together(*both))]


async def load_busy_of_many(
    session: AsyncSession,
    *,
    therapist_ids: Collection[UUID],
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
) -> dict[UUID, list[Busy]]:
    """`load_busy` for several therapists at once, by id; an empty list for who has nothing."""
    these = any_(literal(list(therapist_ids), ARRAY(Uuid)))
    occupied = select(*[*_BUSY, OccupiedTime.therapist_id]).where(
        col(OccupiedTime.therapist_id) == these, *_touching(starts_before, ends_after, now=now)
    )
    outside = select(*[*_OUTSIDE, OutsideBusy.therapist_id]).where(
        col(OutsideBusy.therapist_id) == these,
        col(OutsideBusy.starts_at) < starts_before,
        col(OutsideBusy.ends_at) > ends_after,
    )
    busy: dict[UUID, list[Busy]] = {therapist_id: [] for therapist_id in therapist_ids}
    for *row, therapist_id in await session.exec(_together(occupied, outside)):
        busy[therapist_id].append(_as_busy(*row))
    return busy


async def load_busy_of_both(
    session: AsyncSession,
    *,
    therapist_id: UUID,
    client_id: UUID,
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID] = (),
) -> tuple[list[Busy], list[Busy]]:
    """`load_busy` of a therapist, and what a client has in that stretch, with whomever."""
    occupied, outside = _of_therapist(therapist_id, starts_before, ends_after, now=now, leave_out=leave_out)
    theirs = _occupied(col(OccupiedTime.client_id) == client_id, starts_before, ends_after, now, leave_out)
    marked = [one.add_columns(literal(of)) for one, of in ((occupied, True), (outside, True), (theirs, False))]
    busy: dict[bool, list[Busy]] = {True: [], False: []}
    for *row, of_therapist in await session.exec(_together(*marked)):
        busy[of_therapist].append(_as_busy(*row))
    return busy[True], busy[False]


def _of_therapist(
    therapist_id: UUID, starts_before: datetime, ends_after: datetime, *, now: datetime, leave_out: Collection[UUID]
) -> tuple[Any, Any]:
    """The two statements of `load_busy`: what is occupied here, and elsewhere."""
    outside = select(*_OUTSIDE).where(
        col(OutsideBusy.therapist_id) == therapist_id,
        col(OutsideBusy.starts_at) < starts_before,
        col(OutsideBusy.ends_at) > ends_after,
    )
    whose = col(OccupiedTime.therapist_id) == therapist_id
    return _occupied(whose, starts_before, ends_after, now, leave_out), outside


def _occupied(
    whose: ColumnElement[bool],
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID],
) -> Any:
    statement = select(*_BUSY).where(whose, *_touching(starts_before, ends_after, now=now))
    return statement.where(col(OccupiedTime.id).not_in(leave_out)) if leave_out else statement


def _touching(starts_before: datetime, ends_after: datetime, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Appointments, and holds that live, which touch the stretch."""
    return (
        col(OccupiedTime.starts_at) < starts_before,
        col(OccupiedTime.ends_at) > ends_after,
        or_(col(OccupiedTime.expires_at).is_(None), col(OccupiedTime.expires_at) > now),
    )


def _together(occupied: Any, *others: Any) -> Any:
    """What several such statements find, in the order of time: the third column is the start."""
    return occupied.union_all(*others).order_by(text("3"))


def _as_busy(id: UUID, type: AppointmentType | None, starts_at: datetime, ends_at: datetime) -> Busy:
    return Busy(id=str(id), type=type, starts_at=starts_at, ends_at=ends_at)


async def booked_outside_hours(
    session: AsyncSession, therapist: Therapist, availability: Availability, *, now: datetime
) -> dict[UUID, str]:
    """Appointments ahead or running that these hours would not offer: their ids in the order of time, and why."""
    statement = select(Appointment).where(
        col(Appointment.therapist_id) == therapist.id,
        col(Appointment.status) == AppointmentStatus.SCHEDULED,
        col(Appointment.ends_at) > now,
    )
    booked = [
        Busy(id=str(row.id), type=row.type, starts_at=row.starts_at, ends_at=row.ends_at)
        for row in await session.exec(statement.order_by(col(Appointment.starts_at), col(Appointment.id)))
    ]
    outside = why_outside(availability=availability, appointments=booked)
    return {UUID(appointment.id): because for appointment, because in outside if appointment.id}


async def live_hold(session: AsyncSession, *, hold_id: UUID, therapist_id: UUID, now: datetime) -> OccupiedTime | None:
    """The hold of that id, if it is live and this therapist's; whoever presents the id owns it."""
    hold = await session.get(OccupiedTime, hold_id)
    if hold is None or hold.expires_at is None or hold.expires_at <= now:
        return None
    return hold if hold.therapist_id == therapist_id else None


# ---------------------------------------------------------------- one wanted time


@dataclass(frozen=True, kw_only=True)
class Around:
    """What stands around a wanted time.

    ``busy`` leaves out the holds that are presented and the appointments that move; ``held_since`` is when that hold
    was made, from which the notice is measured.
    """

    availability: Availability
    busy: list[Busy]
    client_busy: list[Busy]
    held_since: datetime | None


async def look_around(
    session: AsyncSession,
    therapist: Therapist,
    *,
    client_id: UUID | None,
    type: AppointmentType,
    starts_at: datetime,
    until: datetime,
    now: datetime,
    hold_id: UUID | None = None,
    moving: Collection[UUID] = (),
    beside_own_offer: bool = False,
) -> Around:
    """Hours and busy times from now to ``until`` and the horizon. What a waitlist offers this client is no conflict,
    unless something is wanted ``beside_own_offer``, which it does not use up.

    With the therapist and the client locked, what is seen stays true.
    """
    availability = await load_availability(session, therapist)
    margin = busy_margin(availability)
    hold = None
    if hold_id is not None:
        hold = await live_hold(session, hold_id=hold_id, therapist_id=therapist.id, now=now)
    offer = None
    if client_id is not None and not beside_own_offer:
        offer = await own_offer(session, client_id=client_id, therapist_id=therapist.id, type=type, now=now)
    own = [*moving, *(one.id for one in (hold, offer) if one is not None)]
    stretch: dict[str, Any] = {
        "starts_before": max(until, horizon_end(availability, now=now)) + margin,
        "ends_after": now - margin,
    }
    whose: dict[str, Any] = {"therapist_id": therapist.id, "now": now, "leave_out": own}
    if client_id is None:
        busy, client_busy = await load_busy(session, **whose, **stretch), list[Busy]()
    else:
        busy, client_busy = await load_busy_of_both(session, client_id=client_id, **whose, **stretch)
    return Around(
        availability=availability,
        busy=busy,
        client_busy=client_busy,
        held_since=_held_since(hold, offer, type=type, starts_at=starts_at),
    )


def _held_since(
    hold: OccupiedTime | None, offer: WaitlistOfferRecord | None, *, type: AppointmentType, starts_at: datetime
) -> datetime | None:
    """A hold keeps the notice of its own time; its holder may book another, but as anybody could."""
    if hold is not None and (hold.type, hold.starts_at) == (type, starts_at):
        return hold.made_at
    return offer.made_at if offer is not None and offer.starts_at == starts_at else None


def time_refusal(
    problem: slots.SlotProblem, around: Around, *, type: AppointmentType, near: datetime, now: datetime
) -> Refusal:
    """The refusal of a wanted time, with up to three others that are free."""
    others = slots.alternatives(
        availability=around.availability,
        type=type,
        busy=around.busy,
        now=now,
        near=near,
        client_busy=around.client_busy,
    )
    return slot_refusal(
        taken=problem.kind is slots.SlotProblemKind.TAKEN,
        because=problem.because,
        alternatives=[(slot.starts_at, slot.ends_at) for slot in others],
        closure=named(problem.closure) if problem.closure is not None else None,
    )


def named(closure: slots.ClosedDay) -> dict[str, str]:
    """A closure as it stands in an answer."""
    return {"date": closure.day.isoformat(), "name": closure.name}
