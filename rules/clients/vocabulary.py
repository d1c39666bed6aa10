"""The words of the matching form: what a state, a language or a concern is called, and what is near to a word that is
none of them. Clients' answers and therapists' profiles are of the same words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from rules.enums import Modality

MOST_NEAREST = 3
_ALIKE = 0.55  # of the letters
_SHORTEST_WITHIN = 3  # letters of a word that is found within another
_FEW = 5


class FormPart(StrEnum):
    """What the form asks for in words."""

    STATES = "states"
    CONCERNS = "concerns"
    LANGUAGES = "languages"
    MODALITIES = "modalities"
    GENDERS = "genders"
    INSURANCES = "insurances"


OWN_PARTS = (FormPart.CONCERNS, FormPart.GENDERS, FormPart.INSURANCES)
"""What the practice words itself. States and languages have names by standards, modalities are the product's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word of the form: ``code`` stands in answers and profiles, ``name`` is read by people."""

    code: str
    name: str

    def __str__(self) -> str:
        return self.code if folded(self.code) == folded(self.name) else f"{self.code} ({self.name})"

    def to_document(self) -> dict[str, str]:
        return {"code": self.code, "name": self.name}


def folded(word: str) -> str:
    """As words are compared."""
    return word.strip().casefold()


MODALITIES = tuple(Word(code=modality.value, name=modality.value.capitalize()) for modality in Modality)


class Vocabulary:
    """All words of the form, by part, each in the order in which it is shown."""

    def __init__(self, words: Mapping[FormPart, Sequence[Word]]) -> None:
        self.words = words
        self._by_code = {part: {folded(word.code): word for word in listed} for part, listed in words.items()}

    def find(self, part: FormPart, said: str) -> Word | None:
        """The word of this code; a name is none."""
        return self._by_code[part].get(folded(said))

    def nearest(self, part: FormPart, said: str) -> list[Word]:
        """Those that may have been meant, the likeliest first: of that name; whose code is a part of it (en-US); one
        within the other; alike in their letters. Of a part with few words all, if none is near."""
        wanted, words = folded(said), self.words[part]
        by_name = {folded(word.name): word for word in words}
        if wanted in by_name:
            return [by_name[wanted]]
        coded = [self._by_code[part].get(piece) for piece in (*re.split("[-_]", wanted), re.sub(r"\W", "", wanted))]
        within = [
            name
            for name in by_name
            if min(len(name), len(wanted)) >= _SHORTEST_WITHIN and (name in wanted or wanted in name)
        ]
        within.sort(key=lambda name: abs(len(name) - len(wanted)))
        alike = get_close_matches(wanted, by_name, n=MOST_NEAREST, cutoff=_ALIKE)
        near = [*filter(None, coded), *(by_name[name] for name in (*within, *alike))]
        if not near and len(words) <= _FEW:
            return list(words)
        return list(dict.fromkeys(near))[:MOST_NEAREST]


# ---------------------------------------------------------------- what a practice begins with


def _worded(*codes: str, **names: str) -> tuple[Word, ...]:
    """Each named by its code with a capital, unless it is given a name."""
    return tuple(Word(code=code, name=names.get(code, code[:1].upper() + code[1:])) for code in codes)


FIRST_WORDS: Mapping[FormPart, tuple[Word, ...]] = {
    FormPart.CONCERNS: _worded(
        *("addiction", "adhd", "anger", "anxiety", "burnout", "chronic illness", "couples", "depression"),
        *("eating disorders", "family conflict", "grief", "identity", "life changes", "loneliness", "ocd", "panic"),
        *("parenting", "relationships", "self-esteem", "sexuality", "sleep", "stress", "trauma", "work"),
        adhd="ADHD",
        ocd="OCD",
    ),
    FormPart.GENDERS: _worded("female", "male", "nonbinary"),
    FormPart.INSURANCES: _worded(
        *("Aetna", "Blue Cross", "Bupa", "Cigna", "Humana", "Kaiser", "Medicaid", "Medicare", "Tricare"),
        "UnitedHealthcare",
    ),
}


def repeated(words: Iterable[Word]) -> list[str]:
    """The codes that stand there twice."""
    seen: set[str] = set()
    twice = []
    for word in words:
        if folded(word.code) in seen:
            twice.append(word.code)
        seen.add(folded(word.code))
    return twice
