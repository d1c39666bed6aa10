"""Every exception of a period, in one list: from the facts of all timelines, by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.clients.timeline import told_of
from models.tables.accounts.opening import Opening
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.remark import Remark
from rules.clients.exceptions import ExceptionKind, exception_in, facts_of, tells_of_one


@dataclass(frozen=True, kw_only=True)
class ExceptionRow:
    """A fact that tells of an exception, whose it is, and ``why``: what whoever did it said."""

    kind: ExceptionKind
    fact: Fact
    client: Client
    why: str | None


async def list_exceptions(
    session: AsyncSession,
    *,
    first: datetime,
    end: datetime,
    kind: ExceptionKind | None,
    test: bool,
    page: Page,
) -> Sequence[ExceptionRow]:
    """The newest first; one more than the page holds, if there are more. Two statements. ``test``: those of test
    clients, instead of all others."""
    statement: Any = (
        sa.select(Fact, col(Remark.words), Client)
        .join(Client, col(Client.id) == col(Fact.client_id))
        .join(Remark, col(Remark.hash) == col(Fact.hash), isouter=True)
        .where(
            sa.text(f"({tells_of_one()})"),
            col(Fact.at) >= first,
            col(Fact.at) < end,
            col(Client.test).is_(test),
        )
        .order_by(col(Fact.at).desc(), col(Fact.hash).desc())
    )
    if kind is not None:
        statement = statement.where(col(Fact.kind).in_([fact.value for fact in facts_of(kind)]))
    found: Sequence[Any] = await one_page(session, statement, page, Fact.at, Fact.hash, descending=True)
    reasons = await _reasons(session, [fact for fact, _, _ in found])
    return [
        ExceptionRow(
            kind=exception_in(fact.kind),
            fact=fact,
            client=client,
            why=told_of(session, fact, words).shown or reasons.get(fact.data.get("opening_id", "")),
        )
        for fact, words, client in found
    ]


async def _reasons(session: AsyncSession, facts: Sequence[Fact]) -> dict[str, str]:
    """Of openings, by id: their facts name the row that has the reason."""
    ids = [UUID(fact.data["opening_id"]) for fact in facts if "opening_id" in fact.data]
    rows = await session.exec(select(Opening).where(col(Opening.id).in_(ids)))
    return {str(opening.id): opening.reason for opening in rows}
