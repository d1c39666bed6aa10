"""The practice's own words of the matching form: those that every practice begins with, and its next version."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.clients.form_words import newest_words
from models.tables.clients.form_words import FormWords
from models.writes.locks import lock_counting
from rules.clients.vocabulary import FIRST_WORDS, OWN_PARTS, FormPart, Word

BEGINNING = 1
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # what the product began with is as old as it, whenever it was installed


def write_first_words(connection: Connection) -> None:
    """The first version, for a database that has none. Again changes nothing."""
    row = {"version": BEGINNING, "made_by": "system", "made_at": _ALWAYS, **_documents(FIRST_WORDS)}
    connection.execute(insert(FormWords).values(row).on_conflict_do_nothing())


async def lock_words(session: AsyncSession) -> FormWords:
    """The newest version, which stays the newest, and profiles' words as they are, until this transaction ends. Taken
    after a therapist, as every lock of what is counted."""
    await lock_counting(session, "words", "the matching form")
    return await newest_words(session)


async def add_words(
    session: AsyncSession, before: FormWords, words: Mapping[FormPart, Sequence[Word]], *, by: str, at: datetime
) -> FormWords:
    """The version after the newest, which is locked; a part that is left out stays as it was."""
    kept = {part.value: getattr(before, part.value) for part in OWN_PARTS}
    row = FormWords(version=before.version + 1, made_by=by, made_at=at, **kept | _documents(words))
    session.add(row)
    await session.flush()
    return row


def _documents(words: Mapping[FormPart, Sequence[Word]]) -> dict[str, Any]:
    return {part.value: [word.to_document() for word in listed] for part, listed in words.items()}
