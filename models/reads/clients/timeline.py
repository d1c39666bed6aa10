"""A client's timeline."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.fact import Fact
from rules.timeline import Link


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


def link_of(fact: Fact) -> Link:
    """The stored fact as a link of the chain, for verification."""
    return Link(
        client_id=str(fact.client_id),
        seq=fact.seq,
        at=fact.at,
        actor=fact.actor,
        kind=fact.kind,
        text=fact.text,
        data=fact.data,
        previous_hash=fact.previous_hash,
        hash=fact.hash,
    )
