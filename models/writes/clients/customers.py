"""The customer at Stripe that a client is."""

from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client


async def keep_customer(session: AsyncSession, client_id: UUID, made: str) -> str:
    """Which one is the client's: the first that was kept. The caller commits."""
    customer = col(Client.stripe_customer)
    kept = update(Client).where(col(Client.id) == client_id).values(stripe_customer=func.coalesce(customer, made))
    return str((await session.exec(kept.returning(customer))).scalar_one())
