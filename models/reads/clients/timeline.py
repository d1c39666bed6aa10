"""A client's timeline."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.fact import Fact


async def facts_of(session: AsyncSession, client_id: UUID, *, after_seq: int, limit: int) -> Sequence[Fact]:
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.seq) > after_seq)
        .order_by(col(Fact.seq))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def fact_of_request(session: AsyncSession, client_id: UUID, request_id: str) -> Fact | None:
    """The fact that records what this request did, to be shown. What a step does never depends on it."""
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.data)["request_id"].astext == request_id)
        .order_by(col(Fact.seq))
    )
    return (await session.exec(statement)).first()
