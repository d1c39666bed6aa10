"""The owner of an account is mailed what becomes of its second factors, by whomever."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.practice_mails import order_account_mail
from models.database import Sessions
from models.tables.accounts.account import Account
from models.writes.accounts.budgets import use
from rules.accounts.budgets import BudgetKind, budget
from rules.accounts.second_factors import CODES_WITHIN, FactorChange
from rules.mail.kinds import Mail


async def mail_change(
    session: AsyncSession, account: Account, change: FactorChange, *, reason: str, at: datetime
) -> None:
    """In the running transaction. ``reason``: made of stable ids."""
    mail, key = Mail.SECOND_FACTOR_CHANGED, f"{change}:{reason}"
    await order_account_mail(session, mail, account, reason=key, at=at, text=change.value)


async def warn_of_guessing(sessions: Sessions, account: Account, *, request_id: UUID, now: datetime) -> bool:
    """Whoever guesses codes has the password, and its owner is told so, once in the time over which codes are counted.
    Whether they are told by this."""
    return await _warn(sessions, account, FactorChange.GUESSED, whom=str(account.id), request_id=request_id, now=now)


async def warn_of_copy(sessions: Sessions, account: Account, *, request_id: UUID, now: datetime) -> bool:
    """Somebody may have a copy of a passkey; likewise."""
    whom = f"copies of {account.id}"
    return await _warn(sessions, account, FactorChange.COPIED, whom=whom, request_id=request_id, now=now)


async def _warn(
    sessions: Sessions, account: Account, change: FactorChange, *, whom: str, request_id: UUID, now: datetime
) -> bool:
    told = budget(BudgetKind.WARNINGS_OF_ACCOUNT, whom, most=1, within=CODES_WITHIN)
    async with sessions() as session:
        if await use(session, told, at=now) is not None:
            return False
        await mail_change(session, account, change, reason=str(request_id), at=now)
        await session.commit()
    return True
