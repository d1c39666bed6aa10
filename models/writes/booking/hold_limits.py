"""Whether one more time may be held: live holds are counted, under locks that whoever else counts them needs too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.occupied_time import OccupiedTime
from models.writes.locks import lock_counting
from rules.accounts.budgets import CountedFor, refuse_above
from rules.accounts.caller import Caller
from rules.booking.hold_limits import MOST_HOLDS_OF_THE_PRACTICE, MostHolds
from rules.refusals import Refusal

_HOLDS = "holds"


async def refuse_more_holds(
    session: AsyncSession, therapist_id: UUID, *, by: Caller, whom: CountedFor, most: MostHolds, now: datetime
) -> Refusal | None:
    """The therapist, who is locked, is counted for all; whoever asks holds times of other therapists too."""
    live = col(OccupiedTime.expires_at) > now
    if by.is_practice:
        await lock_counting(session, _HOLDS, by.actor)
        own = select(OccupiedTime.expires_at).where(live, col(OccupiedTime.made_by) == by.actor)
        ends = [at for at in await session.exec(own) if at is not None]
        return refuse_above(ends, most=MOST_HOLDS_OF_THE_PRACTICE, what="times can be held at once", now=now)
    await lock_counting(session, _HOLDS, whom.who, whom.network)
    counted = select(
        OccupiedTime.expires_at, OccupiedTime.visitor, OccupiedTime.network, OccupiedTime.therapist_id
    ).where(
        live,
        or_(
            and_(col(OccupiedTime.visitor).is_not(None), col(OccupiedTime.visitor) == whom.who),
            and_(
                col(OccupiedTime.network).is_not(None),
                or_(col(OccupiedTime.network) == whom.network, col(OccupiedTime.therapist_id) == therapist_id),
            ),
        ),
    )
    rows = [(at, visitor, network, whose) for at, visitor, network, whose in await session.exec(counted) if at]
    own_ends = [at for at, visitor, _, _ in rows if visitor == whom.who and whom.who is not None]
    refusal = refuse_above(own_ends, most=most.of_visitor, what="times can be held at once", now=now)
    if refusal is not None or whom.network is None:
        return refusal
    near = [at for at, _, network, _ in rows if network == whom.network]
    beside = [at for at, _, network, whose in rows if network is not None and whose == therapist_id]
    refusal = refuse_above(near, most=most.of_network, what="times can be held at once from one network", now=now)
    if refusal is not None or not beside:
        return refusal  # the first hold of a calendar always is within its share, which takes a while to count
    return refuse_above(beside, most=most.of_calendar, what="times of this calendar can be held at once", now=now)
