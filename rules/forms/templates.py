"""Forms that the practice makes for itself: what one may ask, and what an answer must be.

A form is a list of fields. Errors are told by field, as a path in the request (``fields[2].options``,
``answers.mood``), with what is wrong.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from rules.forms.intake import INTAKE_FORMS, Errors

MOST_FIELDS = 100
MOST_OPTIONS = 100
LONGEST_KIND = 80
LONGEST_TEXT = 200  # of a short text, unless its field says otherwise
LONGEST_LONG_TEXT = 10_000

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_KIND = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class FieldType(StrEnum):
    TEXT = "text"  # one line
    LONG_TEXT = "long_text"
    YES_NO = "yes_no"
    CHOICE = "choice"  # one of the options
    CHOICES = "choices"  # any of them
    NUMBER = "number"
    DATE = "date"


_WITH_OPTIONS = frozenset({FieldType.CHOICE, FieldType.CHOICES})
_WITH_MOST = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.CHOICES, FieldType.NUMBER})


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One question. ``options`` belong to choices. ``most`` bounds the answer: characters of a text, how many choices,
    or the number itself.
    """

    name: str
    label: str
    type: FieldType
    required: bool = False
    options: tuple[str, ...] = ()
    most: int | None = None

    def to_document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type.value,
            "required": self.required,
            "options": list(self.options),
            "most": self.most,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "FormField":
        """Of what ``to_document`` wrote."""
        return cls(**{**document, "type": FieldType(document["type"]), "options": tuple(document["options"])})


def kind_of(title: str) -> str:
    """The kind of a form that has none of its own: its title in small letters, such as ``sleep_diary``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "_".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_KIND].strip("_")
    return words or f"form_{sha256(title.encode()).hexdigest()[:12]}"


def check_kind(kind: str) -> str | None:
    """What is wrong with a kind, or None."""
    if len(kind) > LONGEST_KIND or not _KIND.fullmatch(kind):
        return f"must be small letters and digits, joined by _ or -, {LONGEST_KIND} characters at most"
    if kind in INTAKE_FORMS:
        return "is that of an intake form; please choose another"
    return None


def check_fields(fields: Sequence[FormField]) -> Errors:
    """What is wrong with a form's questions; empty when they can be asked."""
    errors: Errors = {}
    if not fields:
        errors["fields"] = "ask at least one question"
    elif len(fields) > MOST_FIELDS:
        errors["fields"] = f"at most {MOST_FIELDS}"
    seen: set[str] = set()
    for number, field in enumerate(fields):
        where = f"fields[{number}]"
        if not _NAME.fullmatch(field.name):
            errors[f"{where}.name"] = "must begin with a small letter; then small letters, digits and _, 60 at most"
        elif field.name in seen:
            errors[f"{where}.name"] = "is the name of another question"
        seen.add(field.name)
        if not field.label.strip():
            errors[f"{where}.label"] = "is required"
        _check_options(field, where, errors)
        _check_most(field, where, errors)
    return errors


def _check_options(field: FormField, where: str, errors: Errors) -> None:
    name = f"{where}.options"
    if field.type not in _WITH_OPTIONS:
        if field.options:
            errors[name] = "belong to choice and choices"
    elif not field.options:
        errors[name] = "give at least one"
    elif len(field.options) > MOST_OPTIONS:
        errors[name] = f"at most {MOST_OPTIONS}"
    elif any(not option.strip() for option in field.options):
        errors[name] = "must not be empty"
    elif len(set(field.options)) < len(field.options):
        errors[name] = "must differ from each other"


def _check_most(field: FormField, where: str, errors: Errors) -> None:
    if field.most is None:
        return
    name = f"{where}.most"
    longest = LONGEST_LONG_TEXT if field.type is FieldType.LONG_TEXT else LONGEST_TEXT
    if field.type not in _WITH_MOST:
        errors[name] = f"does not belong to {field.type.value}"
    elif field.type is not FieldType.NUMBER and field.most < 1:
        errors[name] = "must be at least 1"
    elif field.type in (FieldType.TEXT, FieldType.LONG_TEXT) and field.most > longest:
        errors[name] = f"at most {longest}"
    elif field.type is FieldType.CHOICES and field.most > len(field.options):
        errors[name] = "is more than there are options"


# ---------------------------------------------------------------- answers


def check_answers(fields: Sequence[FormField], answers: Mapping[str, Any], signature: str) -> Errors:
    """What is wrong with the answers to these questions; empty when the form is complete."""
    errors: Errors = {}
    if not signature.strip():
        errors["signature"] = "type your full name"
    elif len(signature) > LONGEST_TEXT:
        errors["signature"] = f"at most {LONGEST_TEXT} characters"
    for name in sorted(answers.keys() - {field.name for field in fields}):
        errors[f"answers.{name}"] = "is not a question of this form"
    for field in fields:
        wrong = _check_answer(field, answers.get(field.name))
        if wrong is not None:
            errors[f"answers.{field.name}"] = wrong
    return errors


def _check_answer(field: FormField, answer: object) -> str | None:
    if answer is None or answer == [] or (isinstance(answer, str) and not answer.strip()):
        return "is required" if field.required else None
    return _CHECKS[field.type](field, answer)


def _text(field: FormField, answer: object) -> str | None:
    if not isinstance(answer, str):
        return "must be a text"
    if field.type is FieldType.TEXT and len(answer.splitlines()) > 1:
        return "must be one line"
    most = field.most or (LONGEST_TEXT if field.type is FieldType.TEXT else LONGEST_LONG_TEXT)
    return f"at most {most} characters" if len(answer) > most else None


def _yes_no(_: FormField, answer: object) -> str | None:
    return None if isinstance(answer, bool) else "must be true or false"


def _choice(field: FormField, answer: object) -> str | None:
    return None if isinstance(answer, str) and answer in field.options else "must be one of the options"


def _choices(field: FormField, answer: object) -> str | None:
    if not isinstance(answer, list):
        return "must be a list of options"
    if any(_choice(field, one) for one in answer):
        return "must be of the options"
    if len(set(answer)) < len(answer):
        return "must not name an option twice"
    return f"at most {field.most}" if field.most is not None and len(answer) > field.most else None


def _number(field: FormField, answer: object) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float) or not math.isfinite(answer):
        return "must be a number"
    return f"at most {field.most}" if field.most is not None and answer > field.most else None


def _date(__: FormField, answer: object) -> str | None:
    wrong = "must be a date such as 2026-12-01"
    if not isinstance(answer, str) or not _DATE.fullmatch(answer):
        return wrong
    try:
        _ = date.fromisoformat(answer)
    except ValueError:
        return wrong
    return None


_CHECKS: Mapping[FieldType, Callable[[FormField, object], str | None]] = MappingProxyType(
    {
        FieldType.TEXT: _text,
        FieldType.LONG_TEXT: _text,
        FieldType.YES_NO: _yes_no,
        FieldType.CHOICE: _choice,
        FieldType.CHOICES: _choices,
        FieldType.NUMBER: _number,
        FieldType.DATE: _date,
    }
)
