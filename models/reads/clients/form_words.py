"""The practice's own words of the matching form, and which words therapists offer."""

from collections.abc import Collection, Mapping

from sqlalchemy import ScalarSelect, Text, column, func, literal, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Document
from models.tables.clients.form_words import FormWords
from rules.clients.vocabulary import OWN_PARTS, FormPart, Word

# What of a therapist's profile each part of the form asks for.
_OFFERED: Mapping[FormPart, str] = {
    FormPart.STATES: "t.licensed_in",
    FormPart.CONCERNS: "t.concerns",
    FormPart.LANGUAGES: "t.languages",
    FormPart.MODALITIES: "t.modalities",
    FormPart.GENDERS: "array_remove(ARRAY[t.gender::text], NULL)",
    FormPart.INSURANCES: "t.insurances",
}
_EACH = " UNION ALL ".join(f"SELECT '{part.value}', unnest({column})" for part, column in _OFFERED.items())
_HOW_OFTEN = text(
    f"SELECT said.part, said.word, count(DISTINCT t.id) FROM therapist t CROSS JOIN LATERAL ({_EACH}) said(part, word)"  # noqa: S608
    " WHERE t.accepting_clients GROUP BY said.part, said.word"
)
_ASKED = "SELECT asked.part, asked.word FROM unnest(CAST(:parts AS text[]), CAST(:words AS text[])) asked(part, word)"
_HAS = " ".join(f"WHEN '{part.value}' THEN asked.word = ANY ({column})" for part, column in _OFFERED.items())
_NOT_OFFERED = text(
    f"{_ASKED} WHERE NOT EXISTS (SELECT FROM therapist t WHERE t.accepting_clients AND CASE asked.part {_HAS} END)"
)


async def newest_words(session: AsyncSession) -> FormWords:
    statement = select(FormWords).order_by(col(FormWords.version).desc()).limit(1)
    return (await session.exec(statement)).one()


def own_words(row: FormWords) -> dict[FormPart, tuple[Word, ...]]:
    """The practice's own parts of a version."""
    return {part: tuple(Word(**word) for word in getattr(row, part.value)) for part in OWN_PARTS}


async def offered_by(session: AsyncSession) -> dict[tuple[FormPart, str], int]:
    """How many therapists who take clients offer each word, by code; words that none offers are left out."""
    connection = await session.connection()
    return {(FormPart(part), word): number for part, word, number in await connection.execute(_HOW_OFTEN)}


def offered_by_nobody(asked: Collection[tuple[FormPart, str]]) -> ScalarSelect[list[list[str]]]:
    """Of these words, by code, those that no therapist who takes clients offers; as part of a larger question."""
    said = {"parts": [part.value for part, _ in asked], "words": [word for _, word in asked]}
    missed = _NOT_OFFERED.bindparams(**said).columns(column("part", Text), column("word", Text)).subquery()
    each = func.jsonb_agg(func.jsonb_build_array(missed.c.part, missed.c.word))
    return select(func.coalesce(each, literal([], Document), type_=Document)).scalar_subquery()


async def therapists_with(session: AsyncSession, part: FormPart, codes: Collection[str]) -> dict[str, list[str]]:
    """Whose profiles have these words, whether they take clients or not: slugs, by word."""
    connection = await session.connection()
    statement = text(
        f"SELECT said.word, array_agg(t.slug::text ORDER BY t.slug) FROM therapist t,"  # noqa: S608
        f" unnest({_OFFERED[part]}) said(word) WHERE said.word = ANY (CAST(:codes AS text[])) GROUP BY said.word"
    )
    return {word: list(slugs) for word, slugs in await connection.execute(statement, {"codes": list(codes)})}
