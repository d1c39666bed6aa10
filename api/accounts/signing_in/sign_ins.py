"""Sign-ins that fail slow down (rate limiting), and lock nobody out of their own account.

Counted are the tries of each visitor, whatever the address, and those at each address, whoever makes them. A device
from which its owner has signed in before is counted for itself alone: no stranger can use up what it may. Whoever is
unknown, and finds an address busy, waits a quarter of an hour at most, however many others keep on trying, and then has
one try; or takes the link that is mailed to the address. A try counts before its password is looked at, so that guesses
sent side by side are bounded too, and is given back if it fits. All servers count together, in the database.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.signing_in.passwords import Waiter
from api.accounts.signing_in.sessions import KnownDevice
from api.accounts.visitors import Visitor
from api.problems import Refused, refuse
from models.database import Sessions
from models.writes.accounts.budgets import forget_old_uses, give_back, ready_turn, take_turn, use
from rules.accounts.budgets import Budget, BudgetKind, budget, counted_under, shared_budgets
from rules.accounts.limits import (
    LONGEST_WAIT,
    PASSWORDS_OF_ACCOUNT,
    SIGN_INS_OF_ADDRESS,
    SIGN_INS_OF_DEVICE,
    SIGN_INS_WITHIN,
)
from rules.policy import JourneyPolicy
from rules.refusals import Problem


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A try that may be made: what it has used of which budgets, and where it waits. ``turn``: for which it waited."""

    used: tuple[Budget, ...]
    place: Waiter
    turn: str | None = None


async def admit(
    sessions: Sessions,
    address: str,
    visitor: Visitor,
    device: KnownDevice | None,
    *,
    policy: JourneyPolicy,
    now: datetime,
) -> Admitted:
    """Count a try to sign in as failed, until `restore`. ``address`` says on which side, too. Raises Refused."""
    if device is not None:
        own = budget(BudgetKind.SIGN_INS_OF_DEVICE, device.row.hash, most=SIGN_INS_OF_DEVICE, within=SIGN_INS_WITHIN)
        place = Waiter(who=f"device:{device.row.hash}", known=True)
        return await _admit_one(sessions, own, place=place, now=now)
    of_visitor = _of_visitor(visitor, policy)
    of_address = budget(BudgetKind.SIGN_INS_OF_ADDRESS, address, most=SIGN_INS_OF_ADDRESS, within=SIGN_INS_WITHIN)
    admitted = await _admit_one(sessions, *of_visitor, place=Waiter(who=visitor.mark), now=now)
    async with sessions() as session:
        free_at = await use(session, of_address, at=now)
        await forget_old_uses(session, at=now)
        await session.commit()
    if free_at is None:
        return Admitted(used=(*of_visitor, of_address), place=admitted.place)
    async with sessions() as session:
        turn = counted_under(BudgetKind.TURN, address, visitor.mark)
        turn_at = await take_turn(session, turn, wait=LONGEST_WAIT, at=now)
        if turn_at is not None:
            await give_back(session, *of_visitor, at=now)
        await session.commit()
    if turn_at is not None:
        raise _too_many(min(free_at, turn_at), now=now)
    return Admitted(used=of_visitor, place=admitted.place, turn=turn)


async def admit_unknown(sessions: Sessions, visitor: Visitor, *, policy: JourneyPolicy, now: datetime) -> Admitted:
    """The same where nothing says yet whose sign-in it would be. Raises Refused."""
    return await _admit_one(sessions, *_of_visitor(visitor, policy), place=Waiter(who=visitor.mark), now=now)


def _of_visitor(visitor: Visitor, policy: JourneyPolicy) -> tuple[Budget, ...]:
    most, kind = policy.sign_ins_per_visitor, BudgetKind.SIGN_INS_OF_VISITOR
    return shared_budgets(kind, visitor.counted, most=most, within=SIGN_INS_WITHIN)


async def admit_current(sessions: Sessions, account: str, *, now: datetime) -> Admitted:
    """Count a password that is typed by whoever has signed in already: who found a browser open must not guess on."""
    typed = budget(BudgetKind.PASSWORDS_OF_ACCOUNT, account, most=PASSWORDS_OF_ACCOUNT, within=SIGN_INS_WITHIN)
    return await _admit_one(sessions, typed, place=Waiter(who=f"account:{account}", known=True), now=now)


async def restore(sessions: Sessions, admitted: Admitted, *, now: datetime) -> None:
    """It did not fail after all: it fitted, or was not looked at."""
    async with sessions() as session:
        if admitted.turn is not None:  # before the budgets, as `admit` does it: neither waits for the other
            await ready_turn(session, admitted.turn, at=now)
        await give_back(session, *admitted.used, at=now)
        await session.commit()


async def spend(sessions: Sessions, *used: Budget, now: datetime, unless: Budget | None = None) -> None:
    """For what has a budget and is no sign-in. ``unless``: as in `use`. Raises Refused."""
    if not used:
        return
    async with sessions() as session:
        await spend_in(session, *used, now=now, unless=unless)
        await session.commit()


async def spend_in(session: AsyncSession, *used: Budget, now: datetime, unless: Budget | None = None) -> None:
    """The same in a transaction that the caller commits soon: till then nobody else counts on the same budget. Raises
    Refused."""
    free_at = await use(session, *used, at=now, unless=unless)
    if free_at is not None:
        raise _too_many(free_at, now=now, detail="This was asked for too often. Please wait.")


async def unspend(sessions: Sessions, *used: Budget, at: datetime) -> None:
    """What was spent at this instant came to nothing."""
    if not used:
        return
    async with sessions() as session:
        await give_back(session, *used, at=at)
        await session.commit()


async def _admit_one(sessions: Sessions, *used: Budget, place: Waiter, now: datetime) -> Admitted:
    async with sessions() as session:
        free_at = await use(session, *used, at=now)
        await session.commit()
    if free_at is not None:
        raise _too_many(free_at, now=now)
    return Admitted(used=used, place=place)


_FAILED = "Too many sign-ins have failed. Please wait, or ask for a link by mail to set a new password."


def _too_many(free_at: datetime, *, now: datetime, detail: str = _FAILED) -> Refused:
    return refuse(
        Problem.RATE_LIMITED,
        detail,
        retry_after=max(1, ceil((free_at - now).total_seconds())),
    )
