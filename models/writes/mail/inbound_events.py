"""The inbox of webhooks: what vendors send is stored once by its id, and marked once it is handled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.mail.inbound_event import InboundEvent


async def store_events(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store these events (columns by name); those that are there already stay as they are. The caller commits."""
    # Row by row in one go: a statement with thousands of rows in it takes seconds to put together.
    await (await session.connection()).execute(insert(InboundEvent).on_conflict_do_nothing(), rows)


async def store_event(session: AsyncSession, row: dict[str, Any]) -> bool:
    """The same of one; whether it is a new one."""
    stored = insert(InboundEvent).values(row).on_conflict_do_nothing().returning(col(InboundEvent.id))
    return (await session.exec(stored)).first() is not None


async def mark_handled(session: AsyncSession, event_id: str, *, outcome: str, at: datetime) -> None:
    """Say what became of an event. The caller commits."""
    stored = update(InboundEvent).where(col(InboundEvent.id) == event_id)
    await session.exec(stored.values(handled_at=at, outcome=outcome))
