"""Codes that are shown beside a password: each works once, and wrong ones are counted (rate limiting).

Who guesses codes has shown something else before: a password, a known device, a mailed link, a sign-in. Wrong codes
are counted for each of these apart, so that somebody who has stolen one leaves the owner's others alone. Six digits are
few, so that they are counted over a day, and not over a quarter of an hour as passwords are.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.factors.mails import mail_change
from api.accounts.factors.totp import secret_of, step_of
from api.problems import Refused, refuse
from models.database import Sessions
from models.reads.accounts.second_factors import codes_possible, factors_in_force
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.writes.accounts.budgets import give_back, use
from models.writes.accounts.second_factors import tell_client, use_recovery_code, use_step
from rules.accounts.budgets import Budget, BudgetKind, counted_for
from rules.accounts.second_factors import (
    ALPHABET,
    CODES_WITHIN,
    MOST_CODES,
    RECOVERY_CODES,
    RECOVERY_LETTERS,
    CodeKind,
    FactorChange,
    in_groups,
    normal_code,
    recovery_hash,
)
from rules.refusals import Problem


@dataclass(frozen=True, kw_only=True)
class Showing:
    """By what a code is looked at. ``real`` is the world's time, by which apps make their codes; ``now`` the product's.
    ``request_id``: the request in which it is shown."""

    real: datetime
    now: datetime
    request_id: UUID


async def admit_code(sessions: Sessions, account_id: UUID, *, shown: str, now: datetime) -> Budget:
    """Count a code as wrong, until `restore_code`. ``shown``: what was shown before it. Raises Refused."""
    key = counted_for(BudgetKind.CODES_OF_ACCOUNT, str(account_id), shown)
    tried = Budget(key=key, most=MOST_CODES, within=CODES_WITHIN)
    async with sessions() as session:
        free_at = await use(session, tried, at=now)
        await session.commit()
    if free_at is not None:
        raise refuse(
            Problem.RATE_LIMITED,
            "Too many codes were wrong. Please wait.",
            retry_after=max(1, round((free_at - now).total_seconds())),
        )
    return tried


async def restore_code(sessions: Sessions, tried: Budget, *, now: datetime) -> None:
    """It was not wrong after all, or was not looked at."""
    async with sessions() as session:
        await give_back(session, tried, at=now)
        await session.commit()


async def use_code(session: AsyncSession, account: Account, typed: str, *, showing: Showing) -> CodeKind | None:
    """What kind of code this is, which is used up by it; None if it fits none. Of a recovery code its owner is told.
    The account is locked, and its client."""
    code = normal_code(typed)
    for factor in await factors_in_force(session, account.id):
        step = shown_step(factor, code, showing=showing)
        if step is not None and await use_step(session, factor, step):
            return CodeKind.TOTP
    if not await use_recovery_code(session, recovery_hash(account.id, code), at=showing.now):
        return None
    await tell_client(session, account, FactorChange.CODE_USED, at=showing.now)
    await mail_change(session, account, FactorChange.CODE_USED, reason=str(showing.request_id), at=showing.now)
    return CodeKind.RECOVERY_CODE


def shown_step(factor: SecondFactor, code: str, *, showing: Showing) -> int | None:
    """The time step whose code, in its normal form, this is by the factor's app; whether it was used is not asked."""
    secret = secret_of(factor)
    return step_of(secret, code, at=showing.real) if secret is not None else None


async def must_show_factor(
    session: AsyncSession, account: Account, typed: str | None, *, showing: Showing
) -> CodeKind | None:
    """Beside whatever else was shown, where the account, which is locked, has a second factor; answers what was used.
    Raises Refused."""
    possible = await codes_possible(session, account.id)
    if not possible:
        return None
    kind = await use_code(session, account, typed, showing=showing) if typed is not None else None
    if kind is None:
        raise factor_required(possible, given=typed is not None)
    return kind


def new_recovery_codes() -> tuple[str, ...]:
    """As they are shown, once."""
    return tuple(
        in_groups("".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LETTERS))) for _ in range(RECOVERY_CODES)
    )


def hashes_of(account_id: UUID, codes: tuple[str, ...]) -> list[str]:
    """Under which they are kept."""
    return [recovery_hash(account_id, normal_code(code)) for code in codes]


def factor_required(possible: tuple[CodeKind, ...], *, given: bool) -> Refused:
    """The password is right, and something else is needed. ``given``: there was a code, and it does not fit."""
    detail = "This code does not fit, or was used before." if given else "A code is needed beside the password."
    return refuse(Problem.SECOND_FACTOR_REQUIRED, detail, factors=[kind.value for kind in possible])
