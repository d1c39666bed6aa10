"""Second factors: set up, put in force, used, and ended. The account is locked; the caller commits."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.second_factors import factor_being_set_up, factors_in_force
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import RecoveryCode, SecondFactor
from models.writes.accounts.tokens import end_sign_ins, revoke_sessions
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.second_factors import FactorChange, FactorKind
from rules.timeline import FactKind

_TOLD: dict[FactorChange, tuple[FactKind, str]] = {
    FactorChange.ADDED: (FactKind.SECOND_FACTOR_ADDED, "The client set up a second factor to sign in with."),
    FactorChange.REMOVED: (FactKind.SECOND_FACTOR_REMOVED, "The client removed a second factor."),
    FactorChange.TAKEN_AWAY: (FactKind.SECOND_FACTOR_REMOVED, "The client's second factors were taken away."),
    FactorChange.CODES_MADE: (FactKind.RECOVERY_CODES_MADE, "The client made new recovery codes."),
    FactorChange.CODE_USED: (FactKind.RECOVERY_CODE_USED, "The client used a recovery code."),
}


async def set_up(session: AsyncSession, account: Account, *, id: UUID, secret: str, at: datetime) -> SecondFactor:
    """One that waits to be confirmed. The one that waited before ends."""
    former = await factor_being_set_up(session, account.id)
    if former is not None:
        end(session, former, by="another one", at=at)
        await session.flush()
    row = SecondFactor(id=id, account_id=account.id, kind=FactorKind.TOTP, secret=secret, made_at=at)
    session.add(row)
    return row


async def put_in_force(
    session: AsyncSession, account: Account, factor: SecondFactor, *, step: int, at: datetime, but: str
) -> None:
    """With the time step of the code that confirmed it, which is used by this. Every sign-in ends ``but`` the one with
    this hash."""
    await tell_client(session, account, FactorChange.ADDED, at=at)
    factor.confirmed_at, factor.last_step = at, step
    session.add(factor)
    await revoke_sessions(session, account.id, at=at, but=but)


async def use_step(session: AsyncSession, factor: SecondFactor, step: int) -> bool:
    """Whether the code of this time step is used for the first time, and no later one was."""
    is_new = or_(col(SecondFactor.last_step).is_(None), col(SecondFactor.last_step) < step)
    used = update(SecondFactor).where(col(SecondFactor.id) == factor.id, is_new).values(last_step=step)
    return (await session.exec(used.returning(col(SecondFactor.id)))).first() is not None


async def use_recovery_code(session: AsyncSession, code_hash: str, *, at: datetime) -> bool:
    """Whether it is one that was not used; it is now."""
    good = (
        col(RecoveryCode.hash) == code_hash,
        col(RecoveryCode.used_at).is_(None),
        col(RecoveryCode.ended_at).is_(None),
    )
    used = update(RecoveryCode).where(*good).values(used_at=at)
    return (await session.exec(used.returning(col(RecoveryCode.hash)))).first() is not None


async def replace_recovery_codes(
    session: AsyncSession, account: Account, hashes: Collection[str], *, at: datetime
) -> None:
    """These are good from now on, and no others."""
    live = (
        col(RecoveryCode.account_id) == account.id,
        col(RecoveryCode.used_at).is_(None),
        col(RecoveryCode.ended_at).is_(None),
    )
    await session.exec(update(RecoveryCode).where(*live).values(ended_at=at))
    session.add_all(RecoveryCode(hash=hash, account_id=account.id, made_at=at) for hash in hashes)


def end(session: AsyncSession, factor: SecondFactor, *, by: str, at: datetime) -> None:
    """Its secret goes with it."""
    factor.ended_at, factor.ended_by, factor.secret = at, by, None
    session.add(factor)


async def remove(session: AsyncSession, account: Account, factor: SecondFactor, *, by: str, at: datetime) -> None:
    """By its owner. With the last one go the recovery codes."""
    await tell_client(session, account, FactorChange.REMOVED, at=at)
    end(session, factor, by=by, at=at)
    await session.flush()
    if not await factors_in_force(session, account.id):
        await replace_recovery_codes(session, account, (), at=at)


async def take_away(session: AsyncSession, account: Account, *, by: str, at: datetime) -> bool:
    """From somebody who has lost everything: every factor and recovery code, and every sign-in, known device and link.
    False, and nothing ends, where none is in force."""
    if not await factors_in_force(session, account.id):
        return False
    await tell_client(session, account, FactorChange.TAKEN_AWAY, at=at, by=by)
    await end_factors(session, account, by=by, at=at)
    await end_sign_ins(session, account.id, at=at)
    return True


async def end_factors(session: AsyncSession, account: Account, *, by: str, at: datetime) -> None:
    """All of them, those that are being set up too, and the recovery codes."""
    theirs = update(SecondFactor).where(
        col(SecondFactor.account_id) == account.id, col(SecondFactor.ended_at).is_(None)
    )
    await session.exec(theirs.values(ended_at=at, ended_by=by, secret=None))
    await replace_recovery_codes(session, account, (), at=at)


async def tell_client(
    session: AsyncSession, account: Account, change: FactorChange, *, at: datetime, by: str | None = None
) -> None:
    """In the timeline of a client's account; of the practice's people nothing is told here. The client is locked."""
    if account.client_id is None:
        return
    client = await lock_client(session, account.client_id)
    kind, text = _TOLD[change]
    tell(session, client, kind, at=at, by=by or f"client:{client.id}", text=text)
