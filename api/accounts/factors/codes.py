"""What is shown beside a password: each code works once, and what does not fit is counted (rate limiting).

Who guesses codes has shown something else before: a password, a known device, a mailed link, a sign-in. Wrong codes
are counted for each of these apart, so that somebody who has stolen one leaves the owner's others alone. Six digits are
few, so that they are counted over a day, and not over a quarter of an hour as passwords are.
"""

import secrets
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.factors.mails import mail_change
from api.accounts.factors.opening import secret_of
from api.accounts.factors.showing import Proof, Showing, ShownPasskey
from api.accounts.factors.totp import step_of
from api.problems import Refused, refuse
from models.database import Sessions
from models.reads.accounts.second_factors import codes_possible, factors_in_force
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.writes.accounts.budgets import give_back, use
from models.writes.accounts.second_factors import tell_client, use_passkey, use_recovery_code, use_step
from rules.accounts.budgets import Budget, BudgetKind, counted_under
from rules.accounts.second_factors import (
    ALPHABET,
    CODES_WITHIN,
    MOST_CODES,
    RECOVERY_CODES,
    RECOVERY_LETTERS,
    CodeKind,
    FactorChange,
    FactorKind,
    in_groups,
    normal_code,
    recovery_hash,
)
from rules.refusals import Problem


async def admit_code(sessions: Sessions, account_id: UUID, *, shown: str, now: datetime) -> Budget:
    """Count a code or a passkey as wrong, until `restore_code`. ``shown``: what was shown before it. Raises Refused."""
    key = counted_under(BudgetKind.CODES_OF_ACCOUNT, str(account_id), shown)
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


async def use_proof(session: AsyncSession, account: Account, proof: Proof, *, showing: Showing) -> CodeKind | None:
    """What kind this is of, which is used up by it; None if it fits none. Of a recovery code its owner is told. The
    account is locked, and its client."""
    if proof.code is None:
        fits = proof.passkey is not None and await use_shown(session, account, proof.passkey, showing=showing)
        return CodeKind.PASSKEY if fits else None
    code = normal_code(proof.code)
    for factor in await factors_in_force(session, account.id):
        step = shown_step(factor, code, showing=showing)
        if step is not None and await use_step(session, factor, step, at=showing.now):
            return CodeKind.TOTP
    if not await use_recovery_code(session, recovery_hash(account.id, code), at=showing.now):
        return None
    await tell_client(session, account, FactorChange.CODE_USED, at=showing.now)
    await mail_change(session, account, FactorChange.CODE_USED, reason=str(showing.request_id), at=showing.now)
    return CodeKind.RECOVERY_CODE


async def use_shown(session: AsyncSession, account: Account, shown: ShownPasskey, *, showing: Showing) -> bool:
    """Whether this passkey is the account's, which is locked, and in force still; it is used by that."""
    return shown.account_id == account.id and await use_passkey(
        session, shown.factor_id, sign_count=shown.sign_count, backed_up=shown.backed_up, at=showing.now
    )


def shown_step(factor: SecondFactor, code: str, *, showing: Showing) -> int | None:
    """The time step whose code, in its normal form, this is by the factor's app; whether it was used is not asked."""
    if factor.kind is not FactorKind.TOTP:
        return None
    secret = secret_of(factor)
    return step_of(secret, code, at=showing.real) if secret is not None else None


async def must_show_factor(
    session: AsyncSession, account: Account, proof: Proof, *, showing: Showing
) -> CodeKind | None:
    """Beside whatever else was shown, where the account, which is locked, has a second factor; answers what was used.
    Raises Refused."""
    possible = await codes_possible(session, account.id)
    if not possible:
        return None
    kind = await use_proof(session, account, proof, showing=showing)
    if kind is None:
        raise factor_required(possible, proof)
    return kind


def new_recovery_codes() -> tuple[str, ...]:
    """As they are shown, once."""
    return tuple(
        in_groups("".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LETTERS))) for _ in range(RECOVERY_CODES)
    )


def hashes_of(account_id: UUID, codes: tuple[str, ...]) -> list[str]:
    """Under which they are kept."""
    return [recovery_hash(account_id, normal_code(code)) for code in codes]


def factor_required(possible: tuple[CodeKind, ...], proof: Proof) -> Refused:
    """The password is right, and something else is needed. A ``proof`` that was given does not fit."""
    if not proof.given:
        detail = "A code is needed as well."
        if CodeKind.PASSKEY in possible:
            detail = "A passkey or a code is needed as well."
    elif proof.code is not None:
        detail = "This code does not fit, or was used before."
    else:
        detail = "This passkey does not fit, or was asked too long ago."
    return refuse(Problem.SECOND_FACTOR_REQUIRED, detail, factors=[kind.value for kind in possible])
