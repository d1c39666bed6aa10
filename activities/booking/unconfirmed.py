"""Bookings that nobody has confirmed yet by activating an account: few of each visitor are open at a time."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking import may_book
from models.writes.locks import lock_counting
from rules.accounts.budgets import CountedFor
from rules.policy import JourneyPolicy
from rules.refusals import Refusal


async def refuse_unconfirmed(
    session: AsyncSession, whom: CountedFor, *, policy: JourneyPolicy, now: datetime
) -> Refusal | None:
    """Whether one more is too many. Whoever books for other clients at the same moment is counted after the other, in
    transactions that lock for whom they count. Therapist and client are locked before."""
    await lock_counting(session, "unconfirmed bookings", whom.who, whom.network)
    return await may_book.refuse_unconfirmed(session, whom, policy=policy, now=now)
