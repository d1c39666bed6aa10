"""Savings of a card that were left half-way: told once for each way in which one stands."""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.ports import SetupIntent
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.writes.timeline import tell
from rules.accounts.caller import STRIPE
from rules.timeline import FactKind

_TEXTS = {
    "requires_payment_method": "A card was tried and not saved: the bank said no. One saved before stays.",
    "requires_action": "A card is not saved yet: the bank waits for the client.",
    "canceled": "The saving of a card was given up.",
}


async def tell_unfinished_setup(session: AsyncSession, client: Client, setup: SetupIntent, *, at: datetime) -> bool:
    """Tell how a setup that has not saved a card stands. False where that is nothing to tell, or was told before. The
    client is locked."""
    waits_untried = setup.status == "requires_payment_method" and setup.error is None
    text = _TEXTS.get(setup.status)
    if text is None or waits_untried:
        return False
    data = {"setup_intent": setup.id, "status": setup.status, **({"code": setup.error} if setup.error else {})}
    before = (
        select(Fact)
        .where(
            col(Fact.client_id) == client.id,
            col(Fact.kind) == FactKind.CARD_SETUP_UNFINISHED,
            col(Fact.data)["setup_intent"].astext == setup.id,
        )
        .order_by(col(Fact.seq).desc())
        .limit(1)
    )
    last = (await session.exec(before)).first()
    if last is not None and last.data == data:
        return False
    tell(session, client, FactKind.CARD_SETUP_UNFINISHED, at=at, by=STRIPE, text=text, data=data)
    return True
