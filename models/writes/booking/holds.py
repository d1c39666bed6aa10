"""Holds: a time kept for a few minutes, for whoever presents its id."""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.calendar import look_around, time_refusal
from models.reads.booking.waitlist import own_offer
from models.tables.booking.occupied_time import OccupiedTime, is_overlap
from models.tables.booking.therapist import Therapist
from models.writes.locks import lock_holds_of, lock_therapist
from rules.accounts.caller import Caller
from rules.booking import availability as slots
from rules.enums import AppointmentType, Role
from rules.refusals import Problem, Refusal

MOST_HOLDS_OF_A_PERSON = 5
MOST_HOLDS_OF_A_PROGRAM = 200


async def put_hold(
    session: AsyncSession,
    *,
    hold_id: UUID,
    slug: str,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
    hold_ttl: timedelta,
) -> OccupiedTime | Refusal | None:
    """Hold a time for ``hold_ttl``: the hold, why it cannot be, or None for an unknown therapist.

    Locks the therapist. The same ``hold_id`` again is the same hold. The caller commits.
    """
    found = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == slug))).first()
    if found is None:
        return None
    therapist = await lock_therapist(session, found)
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    known = await session.get(OccupiedTime, hold_id)
    if known is not None:
        return known
    offered = await _offered_to(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
    if offered is not None:
        return offered
    refusal, ends_at = await _refuse_slot(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
    refusal = refusal or await _refuse_more_holds(session, by=by, now=now)
    if refusal is not None:
        return refusal
    hold = OccupiedTime(
        id=hold_id,
        therapist_id=therapist.id,
        type=type,
        starts_at=starts_at,
        ends_at=ends_at,
        made_by=by.actor,
        made_at=now,
        expires_at=now + hold_ttl,
    )
    try:
        async with session.begin_nested():
            session.add(hold)
    except IntegrityError as error:
        # Written past the therapist's lock, and not to be seen before: it is there now, and can be told.
        refusal, _ = await _refuse_slot(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
        if refusal is None or not is_overlap(error):
            raise
        return refusal
    return hold


async def _offered_to(
    session: AsyncSession,
    therapist: Therapist,
    *,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
) -> OccupiedTime | None:
    """What the waitlist holds for this client already, if that is the very time they ask for."""
    if by.client_id is None:
        return None
    offer = await own_offer(session, client_id=UUID(by.client_id), therapist_id=therapist.id, type=type, now=now)
    same = offer is not None and offer.starts_at == starts_at
    return await session.get(OccupiedTime, offer.id) if offer is not None and same else None


async def _refuse_more_holds(session: AsyncSession, *, by: Caller, now: datetime) -> Refusal | None:
    """Counted with all therapists, whose rows others lock: so whoever asks is locked too."""
    await lock_holds_of(session, by.actor)
    live = (col(OccupiedTime.made_by) == by.actor, col(OccupiedTime.expires_at) > now)
    statement = select(func.count(), func.min(OccupiedTime.expires_at)).where(*live)
    number, next_end = (await session.exec(statement)).one()
    most = MOST_HOLDS_OF_A_PERSON if by.role is Role.CLIENT else MOST_HOLDS_OF_A_PROGRAM
    if number < most or next_end is None:
        return None
    return Refusal(
        name=Problem.RATE_LIMITED,
        detail=f"At most {most} times can be held at once. Book or release one of them first.",
        data={"retry_after": max(1, ceil((next_end - now).total_seconds()))},
    )


async def _refuse_slot(
    session: AsyncSession,
    therapist: Therapist,
    *,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
) -> tuple[Refusal | None, datetime]:
    around = await look_around(
        session,
        therapist,
        client_id=UUID(by.client_id) if by.client_id is not None else None,
        type=type,
        starts_at=starts_at,
        until=starts_at,
        now=now,
        beside_own_offer=True,
    )
    ends_at = starts_at + timedelta(minutes=around.availability.settings[type].duration)
    problem = slots.check_slot(
        availability=around.availability,
        type=type,
        starts_at=starts_at,
        busy=around.busy,
        now=now,
        practice=by.is_practice,
        client_busy=around.client_busy,
    )
    if problem is None:
        return None, ends_at
    return time_refusal(problem, around, type=type, near=starts_at, now=now), ends_at


async def use_hold(session: AsyncSession, hold_id: UUID | None, *, therapist_id: UUID) -> None:
    """A booking uses up the hold it presents, whatever time of that therapist it holds.

    It goes first, so that the constraint sees one row at a time.
    """
    if hold_id is not None:
        await drop_hold(session, hold_id, therapist_id=therapist_id)


async def drop_hold(session: AsyncSession, hold_id: UUID, *, therapist_id: UUID) -> bool:
    """Free a held time of this therapist, who is locked. False if there is none: it may be gone since it was seen."""
    held = delete(OccupiedTime).where(
        col(OccupiedTime.id) == hold_id,
        col(OccupiedTime.therapist_id) == therapist_id,
        col(OccupiedTime.expires_at).is_not(None),
    )
    return (await session.exec(held)).rowcount > 0


async def drop_expired_holds(session: AsyncSession, *, therapist_id: UUID, now: datetime) -> None:
    """Delete this therapist's holds whose time is over, so that the constraint no longer sees them."""
    await session.exec(
        delete(OccupiedTime).where(col(OccupiedTime.therapist_id) == therapist_id, col(OccupiedTime.expires_at) <= now)
    )
