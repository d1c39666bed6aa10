"""Holds: a time kept for a few minutes, for whoever presents its id."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.calendar import Around, look_around, time_refusal
from models.reads.booking.waitlist import own_offer
from models.tables.booking.occupied_time import OccupiedTime, is_overlap
from models.tables.booking.therapist import Therapist
from models.writes.booking.hold_limits import refuse_more_holds
from models.writes.locks import lock_therapist
from rules.accounts.budgets import CountedFor
from rules.accounts.caller import Caller
from rules.booking import availability as slots
from rules.booking.hold_limits import MostHolds
from rules.enums import AppointmentType
from rules.policy import JourneyPolicy
from rules.refusals import Refusal


async def put_hold(
    session: AsyncSession,
    *,
    hold_id: UUID,
    slug: str,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    whom: CountedFor,
    now: datetime,
    policy: JourneyPolicy,
) -> OccupiedTime | Refusal | None:
    """Hold a time for a while: the hold, why it cannot be, or None for an unknown therapist.

    ``whom``: for whom it is counted, unless the practice asks. Locks the therapist. The same ``hold_id`` again is the
    same hold. The caller commits.
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
    around, refusal = await _refuse_slot(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
    if refusal is None:
        most = MostHolds(availability=around.availability, type=type, policy=policy, now=now)
        refusal = await refuse_more_holds(session, therapist.id, by=by, whom=whom, most=most, now=now)
    if refusal is not None:
        return refusal
    ends_at = starts_at + timedelta(minutes=around.availability.settings[type].duration)
    hold = OccupiedTime(
        id=hold_id,
        therapist_id=therapist.id,
        type=type,
        starts_at=starts_at,
        ends_at=ends_at,
        made_by=by.actor,
        made_at=now,
        expires_at=now + policy.hold_ttl,
        visitor=None if by.is_practice else whom.who,
        network=None if by.is_practice else whom.network,
    )
    try:
        async with session.begin_nested():
            session.add(hold)
    except IntegrityError as error:
        # Written past the therapist's lock, and not to be seen before: it is there now, and can be told.
        _, refusal = await _refuse_slot(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
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


async def _refuse_slot(
    session: AsyncSession,
    therapist: Therapist,
    *,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
) -> tuple[Around, Refusal | None]:
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
        return around, None
    return around, time_refusal(problem, around, type=type, near=starts_at, now=now)


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
