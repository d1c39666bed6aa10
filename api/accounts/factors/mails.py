"""The owner of an account is mailed what becomes of its second factors, by whomever."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.practice_mails import order_account_mail
from models.tables.accounts.account import Account
from rules.accounts.second_factors import FactorChange
from rules.mail.kinds import Mail


async def mail_change(
    session: AsyncSession, account: Account, change: FactorChange, *, reason: str, at: datetime
) -> None:
    """In the running transaction. ``reason``: made of stable ids."""
    mail, key = Mail.SECOND_FACTOR_CHANGED, f"{change}:{reason}"
    await order_account_mail(session, mail, account, reason=key, at=at, text=change.value)
