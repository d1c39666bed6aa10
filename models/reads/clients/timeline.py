"""A client's timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from rules.chain import Entry, Head
from rules.timeline import chain_of, clear_of, content_of


async def facts_of(session: AsyncSession, client_id: UUID, *, after_seq: int, limit: int) -> Sequence[Fact]:
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.seq) > after_seq)
        .order_by(col(Fact.seq))
        .limit(limit)
    )
    return (await session.exec(statement)).all()


async def facts_of_clients(
    session: AsyncSession, *, after: tuple[UUID, int] | None, until: UUID | None, limit: int
) -> Sequence[Fact]:
    """The next facts of all clients up to an id, chain after chain."""
    place = sa.tuple_(col(Fact.client_id), col(Fact.seq))
    statement = select(Fact).order_by(col(Fact.client_id), col(Fact.seq)).limit(limit)
    if after is not None:
        statement = statement.where(place > after)
    if until is not None:
        statement = statement.where(col(Fact.client_id) <= until)
    return (await session.exec(statement)).all()


@dataclass(frozen=True, kw_only=True)
class ChainHead:
    """Where a client's chain ends, as the client's row keeps it."""

    client_id: UUID
    ref: str
    head: Head


async def heads(session: AsyncSession, *, after: UUID | None, limit: int) -> list[ChainHead]:
    """The next clients, in the order of their ids."""
    columns = (Client.id, Client.ref, Client.fact_seq, Client.fact_hash, Client.fact_key_id)
    statement: Any = sa.select(*map(col, columns)).order_by(col(Client.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Client.id) > after)
    return [
        ChainHead(client_id=id, ref=ref, head=Head(seq=seq, hash=hash, key_id=key_id))
        for id, ref, seq, hash, key_id in (await session.exec(statement)).all()
    ]


async def fact_of_request(session: AsyncSession, client_id: UUID, request_id: str) -> Fact | None:
    """The fact that records what this request did, to be shown. What a step does never depends on it."""
    statement = (
        select(Fact)
        .where(col(Fact.client_id) == client_id, col(Fact.data)["request_id"].astext == request_id)
        .order_by(col(Fact.seq))
    )
    return (await session.exec(statement)).first()


def entry_of(fact: Fact) -> Entry:
    """The stored fact as an entry of the client's chain, for verification."""
    return Entry(
        chain=chain_of(fact.client_id),
        seq=fact.seq,
        clear=clear_of(at=fact.at, actor=fact.actor, kind=fact.kind),
        content=content_of(text=fact.text, data=fact.data),
        digest=fact.digest,
        key_id=fact.key_id,
        previous_key_id=fact.previous_key_id,
        previous_hash=fact.previous_hash,
        hash=fact.hash,
    )
