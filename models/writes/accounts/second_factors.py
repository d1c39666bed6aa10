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
    FactorChange.PASSKEY_ADDED: (FactKind.SECOND_FACTOR_ADDED, "The client set up a passkey to sign in with."),
    FactorChange.REMOVED: (FactKind.SECOND_FACTOR_REMOVED, "The client removed a second factor."),
    FactorChange.PASSKEY_REMOVED: (FactKind.SECOND_FACTOR_REMOVED, "The client removed a passkey."),
    FactorChange.TAKEN_AWAY: (FactKind.SECOND_FACTOR_REMOVED, "The client's second factors were taken away."),
    FactorChange.CODES_MADE: (FactKind.RECOVERY_CODES_MADE, "The client made new recovery codes."),
    FactorChange.CODE_USED: (FactKind.RECOVERY_CODE_USED, "The client used a recovery code."),
}


async def set_up(
    session: AsyncSession,
    account: Account,
    kind: FactorKind,
    *,
    id: UUID,
    secret: str | None,
    name: str | None,
    at: datetime,
) -> SecondFactor:
    """One that waits to be confirmed. The one that waited before ends. ``secret``: of an app."""
    former = await factor_being_set_up(session, account.id)
    if former is not None:
        end(session, former, by="another one", at=at)
        await session.flush()
    row = SecondFactor(id=id, account_id=account.id, kind=kind, secret=secret, name=name, made_at=at)
    session.add(row)
    return row


async def put_in_force(
    session: AsyncSession, account: Account, factor: SecondFactor, *, at: datetime, but: str
) -> FactorChange:
    """With what confirmed it, which stands in it already. Every sign-in ends ``but`` the one with this hash. Raises
    IntegrityError for a passkey that there is already."""
    change = FactorChange.PASSKEY_ADDED if factor.kind is FactorKind.PASSKEY else FactorChange.ADDED
    factor.confirmed_at = at
    session.add(factor)
    await session.flush()
    await tell_client(session, account, change, at=at)
    await revoke_sessions(session, account.id, at=at, but=but)
    return change


async def use_step(session: AsyncSession, factor: SecondFactor, step: int, *, at: datetime) -> bool:
    """Whether the code of this time step is used for the first time, and no later one was."""
    is_new = or_(col(SecondFactor.last_step).is_(None), col(SecondFactor.last_step) < step)
    used = update(SecondFactor).where(col(SecondFactor.id) == factor.id, is_new)
    used = used.values(last_step=step, last_used_at=at)
    return (await session.exec(used.returning(col(SecondFactor.id)))).first() is not None


async def use_passkey(
    session: AsyncSession, factor_id: UUID, *, sign_count: int, backed_up: bool, at: datetime
) -> bool:
    """Whether it is in force still, and its counter goes on; authenticators that do not count say 0."""
    count = col(SecondFactor.sign_count)
    goes_on = count == 0 if sign_count == 0 else count < sign_count
    in_force = (col(SecondFactor.id) == factor_id, col(SecondFactor.ended_at).is_(None), goes_on)
    used = update(SecondFactor).where(*in_force)
    used = used.values(sign_count=sign_count, backed_up=backed_up, last_used_at=at)
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


_GONE = {"secret": None, "name": None, "credential_hash": None}


def end(session: AsyncSession, factor: SecondFactor, *, by: str, at: datetime) -> None:
    """Its secret goes with it, and what tells which one it was."""
    for name, value in {"ended_at": at, "ended_by": by, **_GONE}.items():
        setattr(factor, name, value)
    session.add(factor)


async def remove(
    session: AsyncSession, account: Account, factor: SecondFactor, *, by: str, at: datetime
) -> FactorChange:
    """By its owner. With the last one go the recovery codes."""
    change = FactorChange.PASSKEY_REMOVED if factor.kind is FactorKind.PASSKEY else FactorChange.REMOVED
    await tell_client(session, account, change, at=at)
    end(session, factor, by=by, at=at)
    await session.flush()
    if not await factors_in_force(session, account.id):
        await replace_recovery_codes(session, account, (), at=at)
    return change


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
    await session.exec(theirs.values(ended_at=at, ended_by=by, **_GONE))
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
