"""The API's glossary: the words of every subject, looked up by model and field."""

from typing import Any, NamedTuple

from api.description.words import accounts, booking, care, clients, events, everywhere, forms, money, practice

_SUBJECTS = (everywhere, clients, accounts, booking, forms, care, money, events, practice)


class Explanation(NamedTuple):
    """What a field means, and an example of it; None where none is needed."""

    meaning: str
    example: Any = None


def _all() -> dict[str, Explanation]:
    found: dict[str, Explanation] = {}
    for subject in _SUBJECTS:
        for name, said in subject.WORDS.items():
            if name in found:
                raise ValueError(f"{name} is explained twice")
            found[name] = Explanation(*said)
    return found


WORDS = _all()


def word_of(model: str, field: str) -> Explanation | None:
    """The word for a field of this model; None where nobody explained it."""
    return WORDS.get(f"{model}.{field}") or WORDS.get(field)


def word_of_parameter(name: str) -> Explanation | None:
    return WORDS.get(f"?{name}") or WORDS.get(name)
