"""Whether what was said is of the form's words: answers and profiles are written by their codes, or refused with the
nearest ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from api.matching.standards import standard_words
from api.problems import Refused, refuse
from api.settings import ApiSettings
from models.reads.clients.form_words import newest_words, own_words
from models.tables.clients.form_words import FormWords
from rules.clients.vocabulary import FormPart, Vocabulary, Word
from rules.refusals import Problem

IN_ANSWERS: Mapping[str, FormPart] = {
    "state": FormPart.STATES,
    "concerns": FormPart.CONCERNS,
    "languages": FormPart.LANGUAGES,
    "modality": FormPart.MODALITIES,
    "therapist_gender": FormPart.GENDERS,
    "insurance": FormPart.INSURANCES,
}
IN_PROFILES: Mapping[str, FormPart] = {
    "licensed_in": FormPart.STATES,
    "concerns": FormPart.CONCERNS,
    "languages": FormPart.LANGUAGES,
    "modalities": FormPart.MODALITIES,
    "gender": FormPart.GENDERS,
    "insurances": FormPart.INSURANCES,
}
_MOST_EXPLAINED = 5  # to look for what is near to hundreds would take its time


async def present_vocabulary(session: AsyncSession, settings: ApiSettings) -> Vocabulary:
    return vocabulary_of(await newest_words(session), settings)


def vocabulary_of(row: FormWords, settings: ApiSettings) -> Vocabulary:
    """All words that are valid with this version of the practice's own."""
    return Vocabulary({**standard_words(settings.countries), **own_words(row)})


def by_code(
    vocabulary: Vocabulary, parts: Mapping[str, FormPart], said: Mapping[str, Any], *, under: str = ""
) -> dict[str, Any]:
    """What was said in the fields of these parts, each word by its code and once; fields that were not said, or are
    null, are left out. ``under`` stands before their names in a refusal. Raises Refused, with the nearest words."""
    coded: dict[str, Any] = {}
    unknown: list[tuple[str, FormPart, str]] = []
    for field, part in parts.items():
        value = said.get(field)
        if value is None:
            continue
        many = isinstance(value, list)
        found: list[str] = []
        for number, word in enumerate(value if many else [value]):
            known = vocabulary.find(part, word)
            if known is None:
                unknown.append((f"{under}{field}[{number}]" if many else f"{under}{field}", part, word))
            else:
                found.append(known.code)
        coded[field] = list(dict.fromkeys(found)) if many else next(iter(found), None)
    if unknown:
        raise _not_of_the_form(vocabulary, unknown)
    return coded


def words_in(
    vocabulary: Vocabulary, parts: Mapping[str, FormPart], coded: Mapping[str, Any]
) -> Iterable[tuple[str, FormPart, Word]]:
    """Each word with its field and part."""
    for field, value in coded.items():
        for code in value if isinstance(value, list) else [value]:
            word = vocabulary.find(parts[field], code)
            assert word is not None
            yield field, parts[field], word


def _not_of_the_form(vocabulary: Vocabulary, unknown: Iterable[tuple[str, FormPart, str]]) -> Refused:
    """What was said stands in no answer: it may be of somebody's health."""
    errors = []
    for number, (field, part, said) in enumerate(unknown):
        near = vocabulary.nearest(part, said) if number < _MOST_EXPLAINED else []
        told = f"; nearest: {', '.join(map(str, near))}" if near else ""
        message = f"is none of the {part.value} of the matching form{told}"
        errors.append({"field": field, "message": message, "nearest": [word.to_document() for word in near]})
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors[:_MOST_EXPLAINED])
    return refuse(Problem.VALIDATION_FAILED, detail, errors=errors)
