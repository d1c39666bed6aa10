"""Mails about accounts: ordered with the change that causes them, and on their way within seconds (outbox)."""

from dataclasses import replace
from datetime import datetime

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from api.engine import JourneyEngine
from api.problems import EngineUnavailable
from models.tables.accounts.account import Account
from models.writes.outbox import order_practice_mail
from rules.mail.kinds import Mail
from rules.mail.orders import account_mail_order

log = structlog.get_logger(__name__)


async def order_account_mail(
    session: AsyncSession, mail: Mail, account: Account, *, reason: str, at: datetime, text: str = ""
) -> None:
    """In the running transaction. ``reason``: made of stable ids; ``text``: what it is about, if its kind needs it."""
    order = account_mail_order(
        mail,
        key=f"{mail}:{account.id}:{reason}",
        account_id=str(account.id),
        client_id=str(account.client_id) if account.client_id else None,
    )
    await order_practice_mail(session, replace(order, text=text), at=at)


async def have_delivered(engine: JourneyEngine) -> None:
    """Once the order is committed. Where the engine is away, the keeper's next round has it delivered."""
    try:
        await engine.wake_practice_mail()
    except EngineUnavailable:
        log.warning("a mail to whoever has an account waits for the engine")
