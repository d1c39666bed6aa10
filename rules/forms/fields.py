"""Form fields and their validation: what a form may ask, and what an answer must be, for every form there is.

A form is a list of fields. Errors are told by field, as a path in the request (``fields[2].options``,
``answers.mood``, ``answers.emergency_contact.phone``), with what is wrong. A question with a condition is asked only
while that holds (``rules.forms.conditions``): what was not asked has no answer.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from rules.care.documents import ENDINGS
from rules.forms.conditions import Condition, holds

MOST_FIELDS = 100
MOST_OPTIONS = 100
MOST_STEPS = 100  # from the least to the most of a scale
MOST_FILES = 10  # in one answer
LONGEST_TEXT = 200  # of a short text, unless its field says otherwise
LONGEST_LONG_TEXT = 10_000

Errors = dict[str, str]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class FieldType(StrEnum):
    TEXT = "text"  # one line
    LONG_TEXT = "long_text"
    YES_NO = "yes_no"
    CHOICE = "choice"  # one of the options
    CHOICES = "choices"  # any of them
    NUMBER = "number"
    DATE = "date"
    AGREEMENT = "agreement"  # nothing but yes completes the form
    SCALE = "scale"  # a whole number between two ends
    SIGNATURE = "signature"  # a typed name, beside that under the whole form
    FILE = "file"  # files that were uploaded for it, by their ids
    GROUP = "group"  # several questions that belong together; the answer has one for each


_WITH_OPTIONS = frozenset({FieldType.CHOICE, FieldType.CHOICES})
_WITH_MOST = frozenset(
    {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.CHOICES, FieldType.NUMBER, FieldType.SCALE, FieldType.FILE}
)
_DECIDE = frozenset({FieldType.YES_NO, FieldType.CHOICE, FieldType.CHOICES, FieldType.SCALE, FieldType.AGREEMENT})
"""Whose answers a condition may be about."""


@dataclass(frozen=True, kw_only=True)
class FormField:
    """One question. ``options`` belong to choices, ``fields`` to a group. ``most`` bounds the answer: characters of a
    text, how many choices or files, or the number itself. A scale has ``least`` and ``most``, and may say what they
    mean; a file may name the kinds that it ``accepts``, by their media types. ``when``: the question is asked only
    then, and is ``required`` only then.
    """

    name: str
    label: str
    type: FieldType
    required: bool = False
    options: tuple[str, ...] = ()
    most: int | None = None
    least: int | None = None
    least_label: str | None = None
    most_label: str | None = None
    accepts: tuple[str, ...] = ()
    when: Condition | None = None
    fields: "tuple[FormField, ...]" = ()

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type.value,
            "required": self.required,
            "options": list(self.options),
            "most": self.most,
        }
        for name in ("least", "least_label", "most_label"):
            if getattr(self, name) is not None:
                document[name] = getattr(self, name)
        if self.accepts:
            document["accepts"] = list(self.accepts)
        if self.when is not None:
            document["when"] = self.when.to_document()
        if self.fields:
            document["fields"] = [field.to_document() for field in self.fields]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "FormField":
        """Of what ``to_document`` wrote."""
        return cls(
            **{
                **document,
                "type": FieldType(document["type"]),
                "options": tuple(document["options"]),
                "accepts": tuple(document.get("accepts", ())),
                "when": Condition.from_document(document["when"]) if document.get("when") else None,
                "fields": tuple(cls.from_document(field) for field in document.get("fields", ())),
            }
        )


def check_fields(fields: Sequence[FormField], *, within: str = "") -> Errors:
    """What is wrong with a form's questions; empty when they can be asked. ``within``: the path of their group."""
    errors: Errors = {}
    if not fields:
        errors[f"{within}fields"] = "ask at least one question"
    elif len(fields) > MOST_FIELDS:
        errors[f"{within}fields"] = f"at most {MOST_FIELDS}"
    seen: set[str] = set()
    for number, field in enumerate(fields):
        where = f"{within}fields[{number}]"
        if not _NAME.fullmatch(field.name):
            errors[f"{where}.name"] = "must begin with a small letter; then small letters, digits and _, 60 at most"
        elif field.name in seen:
            errors[f"{where}.name"] = "is the name of another question"
        seen.add(field.name)
        if not field.label.strip():
            errors[f"{where}.label"] = "is required"
        _check_options(field, where, errors)
        _check_most(field, where, errors)
        _check_scale(field, where, errors)
        _check_accepts(field, where, errors)
        _check_condition(field, fields[:number], where, errors)
        _check_group(field, where, errors, within=within)
    return errors


def _check_scale(field: FormField, where: str, errors: Errors) -> None:
    if field.type is FieldType.SCALE:
        for name in ("least", "most"):
            if getattr(field, name) is None:
                errors[f"{where}.{name}"] = "is required for a scale"
        if field.least is not None and field.most is not None and not 0 < field.most - field.least <= MOST_STEPS:
            errors[f"{where}.most"] = f"must be above the least, by {MOST_STEPS} at most"
        return
    for name in ("least", "least_label", "most_label"):
        if getattr(field, name) is not None:
            errors[f"{where}.{name}"] = "belongs to a scale"


def _check_accepts(field: FormField, where: str, errors: Errors) -> None:
    name = f"{where}.accepts"
    unknown = sorted(set(field.accepts) - ENDINGS.keys())
    if field.accepts and field.type is not FieldType.FILE:
        errors[name] = "belongs to a file"
    elif unknown:
        errors[name] = f"{', '.join(unknown)}: no such kind is kept; there are {', '.join(sorted(ENDINGS))}"


def _check_condition(field: FormField, before: Sequence[FormField], where: str, errors: Errors) -> None:
    """It is about a question that stands before this one, in the same group: so there are no circles."""
    if field.when is None:
        return
    about = next((each for each in before if each.name == field.when.field), None)
    if about is None:
        errors[f"{where}.when.field"] = "must be the name of a question that is asked before this one"
    elif about.type not in _DECIDE:
        errors[f"{where}.when.field"] = f"must be a question of {', '.join(sorted(_DECIDE))}"
    elif not field.when.is_:
        errors[f"{where}.when.is"] = "give at least one answer"
    elif any(_cannot_be(about, value) for value in field.when.is_):
        errors[f"{where}.when.is"] = "has what is no answer to that question"


def _cannot_be(field: FormField, value: object) -> bool:
    """Whether this is no answer to the question, or no part of one. An unsound scale is told by itself."""
    if field.type is FieldType.SCALE and (field.least is None or field.most is None):
        return False
    check = _choice if field.type is FieldType.CHOICES else _CHECKS[field.type]
    return check(field, value) is not None


def _check_group(field: FormField, where: str, errors: Errors, *, within: str) -> None:
    if field.type is not FieldType.GROUP:
        if field.fields:
            errors[f"{where}.fields"] = "belong to a group"
    elif within:
        errors[f"{where}.type"] = "must not be a group inside a group"
    else:
        errors |= check_fields(field.fields, within=f"{where}.")


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
    elif field.type not in (FieldType.NUMBER, FieldType.SCALE) and field.most < 1:
        errors[name] = "must be at least 1"
    elif field.type is FieldType.FILE and field.most > MOST_FILES:
        errors[name] = f"at most {MOST_FILES}"
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
    _check_each(fields, answers, "answers", errors)
    return errors


def asked(fields: Sequence[FormField], answers: Mapping[str, Any]) -> tuple[FormField, ...]:
    """The questions that are asked, given these answers. One whose condition is about a question that is not asked
    itself is not asked either."""
    said: dict[str, Any] = {}
    found = []
    for field in fields:
        if field.when is None or holds(field.when, said):
            found.append(field)
            said[field.name] = answers.get(field.name)
    return tuple(found)


def files_in(fields: Sequence[FormField], answers: Mapping[str, Any]) -> dict[UUID, str]:
    """The ids of the files in answers that are complete, each with the path of its question, such as ``scans`` or
    ``cover.card``."""
    found: dict[UUID, str] = {}
    for field in asked(fields, answers):
        answer = answers.get(field.name)
        if field.type is FieldType.FILE:
            found |= {UUID(id): field.name for id in answer or ()}
        elif field.type is FieldType.GROUP:
            found |= {id: f"{field.name}.{path}" for id, path in files_in(field.fields, answer or {}).items()}
    return found


def field_at(fields: Sequence[FormField], path: str) -> FormField | None:
    """The question of this path, such as ``scans`` or ``cover.card``."""
    name, _, rest = path.partition(".")
    found = next((field for field in fields if field.name == name), None)
    return field_at(found.fields, rest) if found is not None and rest else found


def _says_nothing(answer: object) -> bool:
    if isinstance(answer, Mapping):
        return all(_says_nothing(part) for part in answer.values())
    return answer is None or answer == [] or (isinstance(answer, str) and not answer.strip())


def _check_each(fields: Sequence[FormField], answers: Mapping[str, Any], path: str, errors: Errors) -> None:
    for name in sorted(answers.keys() - {field.name for field in fields}):
        errors[f"{path}.{name}"] = "is not a question of this form"
    shown = asked(fields, answers)
    for field in fields:
        where, answer = f"{path}.{field.name}", answers.get(field.name)
        if field not in shown:
            if not _says_nothing(answer):  # nothing is signed that was not asked, and nothing typed is lost in silence
                errors[where] = "is not asked with these answers: leave it out"
            continue
        if field.type is FieldType.GROUP and isinstance(answer, Mapping):
            _check_each(field.fields, answer, where, errors)
            continue
        wrong = _check_answer(field, answer)
        if wrong is not None:
            errors[where] = wrong


def _check_answer(field: FormField, answer: object) -> str | None:
    nothing = answer is None or (isinstance(answer, str) and not answer.strip())
    if nothing or (answer == [] and field.type in (FieldType.CHOICES, FieldType.FILE)):
        return _MISSING.get(field.type, "is required") if field.required else None
    return _CHECKS[field.type](field, answer)


def _text(field: FormField, answer: object) -> str | None:
    if not isinstance(answer, str):
        return "must be a text"
    if field.type is not FieldType.LONG_TEXT and len(answer.splitlines()) > 1:
        return "must be one line"
    most = field.most or (LONGEST_LONG_TEXT if field.type is FieldType.LONG_TEXT else LONGEST_TEXT)
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


def _date(_: FormField, answer: object) -> str | None:
    wrong = "must be a date such as 2026-12-01"
    if not isinstance(answer, str) or not _DATE.fullmatch(answer):
        return wrong
    try:
        date.fromisoformat(answer)
    except ValueError:
        return wrong
    return None


def _agreement(_: FormField, answer: object) -> str | None:
    return None if answer is True else "must be true"


def _scale(field: FormField, answer: object) -> str | None:
    assert field.least is not None
    assert field.most is not None
    whole = isinstance(answer, int) and not isinstance(answer, bool)
    if not whole or not field.least <= answer <= field.most:  # type: ignore[operator]
        return f"must be a whole number from {field.least} to {field.most}"
    return None


def _file(field: FormField, answer: object) -> str | None:
    if not isinstance(answer, list) or not all(_is_id(one) for one in answer):
        return "must be a list of the ids of uploads"
    if len({UUID(one) for one in answer}) < len(answer):
        return "must not name a file twice"
    most = field.most or MOST_FILES
    return f"at most {most}" if len(answer) > most else None


def _is_id(said: object) -> bool:
    if not isinstance(said, str):
        return False
    try:
        return str(UUID(said)) == said
    except ValueError:
        return False


def _group(field: FormField, _: object) -> str | None:
    return "must have an answer to each of " + ", ".join(one.name for one in field.fields)


_MISSING = MappingProxyType({FieldType.AGREEMENT: "must be true"})

_CHECKS: Mapping[FieldType, Callable[[FormField, object], str | None]] = MappingProxyType(
    {
        FieldType.TEXT: _text,
        FieldType.LONG_TEXT: _text,
        FieldType.YES_NO: _yes_no,
        FieldType.CHOICE: _choice,
        FieldType.CHOICES: _choices,
        FieldType.NUMBER: _number,
        FieldType.DATE: _date,
        FieldType.AGREEMENT: _agreement,
        FieldType.SCALE: _scale,
        FieldType.SIGNATURE: _text,
        FieldType.FILE: _file,
        FieldType.GROUP: _group,
    }
)
