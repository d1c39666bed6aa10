"""A client's matches: the present one, those before it, and what their matching form found."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import decompress

from sqlmodel import and_, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.tokens import opens_as_pass
from models.sealing import opened_aside
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.match import FormMatch, Match


@dataclass(frozen=True, kw_only=True)
class MatchRow:
    """A match with its therapist's slug, and the form that it was made of; a form that nobody fitted has no match."""

    match: Match | None
    therapist: str | None
    form: FormMatch | None


async def present_match(session: AsyncSession, client_id: UUID) -> MatchRow | None:
    statement = (
        select(Match, Therapist.slug, FormMatch)
        .join(Therapist, col(Therapist.id) == col(Match.therapist_id))
        .join(FormMatch, col(FormMatch.match_id) == col(Match.id), isouter=True)
        .where(col(Match.client_id) == client_id, col(Match.ended_at).is_(None))
    )
    found = (await session.exec(statement)).first()
    return MatchRow(match=found[0], therapist=found[1], form=found[2]) if found else None


async def as_begun(session: AsyncSession, client_id: UUID) -> tuple[bool, FormMatch | None]:
    """What is answered to whoever has begun a journey: whether the client may have a pass, and the form of their
    present match."""
    statement = (
        select(and_(*opens_as_pass(client_id)), FormMatch)
        .select_from(Client)
        .join(Match, and_(col(Match.client_id) == col(Client.id), col(Match.ended_at).is_(None)), isouter=True)
        .join(FormMatch, col(FormMatch.match_id) == col(Match.id), isouter=True)
        .where(col(Client.id) == client_id)
    )
    return (await session.exec(statement)).first() or (False, None)


async def matches_of(session: AsyncSession, client_id: UUID) -> list[MatchRow]:
    """All that were made, and the forms that none was made of (here: a record that was joined left its match behind).
    The present one comes first, then the newest."""
    matches = await session.exec(
        select(Match, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(Match.therapist_id))
        .where(col(Match.client_id) == client_id)
    )
    forms = (await session.exec(select(FormMatch).where(col(FormMatch.client_id) == client_id))).all()
    of_match = {form.match_id: form for form in forms}
    rows = [MatchRow(match=match, therapist=slug, form=of_match.pop(match.id, None)) for match, slug in matches]
    made = {row.form.id for row in rows if row.form is not None}
    rows += [MatchRow(match=None, therapist=None, form=form) for form in forms if form.id not in made]
    return sorted(rows, key=lambda row: (_is_present(row), _made(row).made_at), reverse=True)


async def form_match_of(session: AsyncSession, client_id: UUID) -> FormMatch | None:
    """The form of the present match; else the newest, as in `matches_of`."""
    rows = await matches_of(session, client_id)
    return next((row.form for row in rows if row.form is not None), None)


def considered_in(form: FormMatch) -> list[dict[str, Any]]:
    """Everybody who could have been it, as they were."""
    record: list[dict[str, Any]] = json.loads(decompress(opened_aside(form, "considered")))
    return record


def _is_present(row: MatchRow) -> bool:
    return row.match is not None and row.match.ended_at is None


def _made(row: MatchRow) -> Match | FormMatch:
    made = row.match or row.form
    assert made is not None
    return made
