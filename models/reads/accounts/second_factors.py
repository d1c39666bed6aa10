"""Second factors that are in force, and the recovery codes that are left."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import RecoveryCode, SecondFactor
from rules.accounts.second_factors import CodeKind, FactorKind

_IN_FORCE = (col(SecondFactor.confirmed_at).is_not(None), col(SecondFactor.ended_at).is_(None))


def has_factor() -> ColumnElement[bool]:
    """Whether the account of the same row has one in force."""
    return exists().where(col(SecondFactor.account_id) == col(Account.id), *_IN_FORCE)


async def factors_in_force(session: AsyncSession, account_id: UUID) -> Sequence[SecondFactor]:
    """The oldest first."""
    theirs = select(SecondFactor).where(col(SecondFactor.account_id) == account_id, *_IN_FORCE)
    return (await session.exec(theirs.order_by(col(SecondFactor.confirmed_at), col(SecondFactor.id)))).all()


async def passkeys_of(session: AsyncSession, account_id: UUID) -> Sequence[SecondFactor]:
    """Those in force, the oldest first."""
    return [factor for factor in await factors_in_force(session, account_id) if factor.kind is FactorKind.PASSKEY]


async def passkey_with(session: AsyncSession, credential_hash: str) -> tuple[SecondFactor, Account] | None:
    """The passkey in force (`rules.accounts.passkeys.credential_hash`), and whose it is."""
    found = select(SecondFactor, Account).join(Account, col(Account.id) == col(SecondFactor.account_id))
    return (await session.exec(found.where(col(SecondFactor.credential_hash) == credential_hash, *_IN_FORCE))).first()


async def factor_being_set_up(session: AsyncSession, account_id: UUID) -> SecondFactor | None:
    """The one that is made and not confirmed."""
    waits = (col(SecondFactor.confirmed_at).is_(None), col(SecondFactor.ended_at).is_(None))
    return (await session.exec(select(SecondFactor).where(col(SecondFactor.account_id) == account_id, *waits))).first()


async def recovery_codes_left(session: AsyncSession, account_id: UUID) -> int:
    left = select(func.count()).select_from(RecoveryCode)
    theirs = (col(RecoveryCode.account_id) == account_id, col(RecoveryCode.used_at).is_(None))
    return (await session.exec(left.where(*theirs, col(RecoveryCode.ended_at).is_(None)))).one()


async def codes_possible(session: AsyncSession, account_id: UUID) -> tuple[CodeKind, ...]:
    """What can be shown beside the account's password; nothing where no second factor is in force."""
    kinds = {factor.kind.value for factor in await factors_in_force(session, account_id)}
    if kinds and await recovery_codes_left(session, account_id):
        kinds.add(CodeKind.RECOVERY_CODE.value)
    return tuple(kind for kind in CodeKind if kind.value in kinds)
