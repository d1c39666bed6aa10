"""The pass of a client who has just begun a journey, and what is answered beside it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, literal
from sqlalchemy import select as select_columns
from sqlmodel import and_, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.tokens import opens_as_pass
from models.reads.clients.form_words import offered_by_nobody
from models.tables.accounts.token import Token
from models.tables.clients.client import Client
from models.tables.clients.match import FormMatch, Match
from rules.clients.vocabulary import FormPart


@dataclass(frozen=True, kw_only=True)
class AsBegun:
    """``form``: of the client's present match. ``missed``: of what was asked for, what no therapist offers now.
    ``may_have_a_pass``: not a client who has an account by now."""

    may_have_a_pass: bool
    form: FormMatch | None
    missed: frozenset[tuple[FormPart, str]]


async def as_begun(
    session: AsyncSession, client_id: UUID, *, token: Token | None, asked: Collection[tuple[FormPart, str]]
) -> AsBegun:
    """What is answered to whoever has begun a journey, in one statement, which writes down the ``token`` of the pass,
    if there is one and the client may have it. The caller commits."""
    opens = select(Client.id).where(*opens_as_pass(client_id)).exists()
    columns: tuple[Any, ...] = (opens, FormMatch, offered_by_nobody(asked))
    statement: Any = (
        select_columns(*columns)
        .select_from(select(literal(1)).subquery())
        .join(Match, and_(col(Match.client_id) == client_id, col(Match.ended_at).is_(None)), isouter=True)
        .join(FormMatch, col(FormMatch.match_id) == col(Match.id), isouter=True)
    )
    if token is not None:
        values = {name: value for name, value in token.model_dump().items() if value is not None}
        table = Token.__table__  # type: ignore[attr-defined]
        given = select_columns(*(literal(value, table.c[name].type) for name, value in values.items())).where(opens)
        made = insert(Token).from_select(list(values), given)
        statement = statement.add_cte(made.cte("made"))
    may, form, missed = (await session.exec(statement)).one()
    return AsBegun(may_have_a_pass=may, form=form, missed=frozenset((FormPart(part), word) for part, word in missed))
