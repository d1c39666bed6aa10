"""A client's timeline."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealed import UNREADABLE, NotOfThisRow, UnknownRowKey, Unreadable
from models.sealing import opened_value
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.remark import Remark
from rules.chain import Entry, Head
from rules.timeline import chain_of, clear_of, content_of


@dataclass(frozen=True, kw_only=True)
class Told:
    """A fact with the words of whoever did it; ``unreadable`` where those do not open: they were changed, or their key
    is not among the PAYLOAD_KEYS."""

    fact: Fact
    words: str | None = None
    unreadable: bool = False

    @property
    def shown(self) -> str | None:
        """What whoever looks is told of the words."""
        return UNREADABLE if self.unreadable else self.words


async def facts_of(session: AsyncSession, client_id: UUID, *, after_seq: int, limit: int) -> list[Told]:
    statement = (
        _with_words()
        .where(col(Fact.client_id) == client_id, col(Fact.seq) > after_seq)
        .order_by(col(Fact.seq))
        .limit(limit)
    )
    return await _told(session, statement)


async def newest_facts_of(session: AsyncSession, client_id: UUID, *, before_seq: int | None, limit: int) -> list[Told]:
    """The last ones first."""
    statement = _with_words().where(col(Fact.client_id) == client_id).order_by(col(Fact.seq).desc()).limit(limit)
    if before_seq is not None:
        statement = statement.where(col(Fact.seq) < before_seq)
    return await _told(session, statement)


async def facts_of_clients(
    session: AsyncSession, *, after: tuple[UUID, int] | None, until: UUID | None, limit: int
) -> list[Told]:
    """The next facts of all clients up to an id, chain after chain."""
    place = sa.tuple_(col(Fact.client_id), col(Fact.seq))
    statement = _with_words().order_by(col(Fact.client_id), col(Fact.seq)).limit(limit)
    if after is not None:
        statement = statement.where(place > after)
    if until is not None:
        statement = statement.where(col(Fact.client_id) <= until)
    return await _told(session, statement)


def _with_words() -> Any:
    """The words are read as they stand: what does not open must not hide the facts around it."""
    return sa.select(Fact, col(Remark.words)).join(Remark, col(Remark.hash) == col(Fact.hash), isouter=True)


async def _told(session: AsyncSession, statement: Any) -> list[Told]:
    return [told_of(session, fact, words) for fact, words in (await session.exec(statement)).all()]


def told_of(session: AsyncSession, fact: Fact, sealed: bytes | None) -> Told:
    """A fact with its words, which are given as they stand."""
    if sealed is None:
        return Told(fact=fact)
    try:
        words = opened_value(session, Remark, "words", sealed, key=(fact.hash,))
    except (NotOfThisRow, UnknownRowKey):
        return Told(fact=fact, unreadable=True)
    return Told(fact=fact, unreadable=True) if isinstance(words, Unreadable) else Told(fact=fact, words=words)


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


async def fact_of_request(session: AsyncSession, client_id: UUID, request_id: str) -> Told | None:
    """The fact that records what this request did, to be shown. What a step does never depends on it."""
    statement = (
        _with_words()
        .where(col(Fact.client_id) == client_id, col(Fact.data)["request_id"].astext == request_id)
        .order_by(col(Fact.seq))
        .limit(1)
    )
    return next(iter(await _told(session, statement)), None)


def entry_of(told: Told) -> Entry:
    """The stored fact as an entry of the client's chain, for verification. Words that do not open are not those that
    were signed."""
    fact = told.fact
    content = content_of(text=fact.text, data=fact.data, words=told.words)
    return Entry(
        chain=chain_of(fact.client_id),
        seq=fact.seq,
        clear=clear_of(at=fact.at, actor=fact.actor, kind=fact.kind),
        content={**content, "unreadable": True} if told.unreadable else content,
        digest=fact.digest,
        key_id=fact.key_id,
        previous_key_id=fact.previous_key_id,
        previous_hash=fact.previous_hash,
        hash=fact.hash,
    )
