"""The parts that request bodies are made of: bounded texts, times with an offset, known zones."""

import math
import re
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Annotated, Any
from unicodedata import category

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)

from models.sealed import UNREADABLE
from rules.accounts.passwords import LONGEST_TYPED
from rules.care.chats import LONGEST_MESSAGE
from rules.local_time import find_zone

NOT_WRITTEN_BACK = "stands for words that cannot be read: leave them out, or write others"
_DEEPEST = 20
_LARGEST = 2**53
# Those that turn the direction of what stands around them, too: a name is shown beside other words.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# Categories: marks of format, such as a space without width; spaces; marks that stand on a letter; what is no sign.
_SHOWS_NOTHING = ("Cf", "Zs", "Mn", "Me", "Cn", "Co")
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # by their category they show: Hangul's fillers, Braille without a dot
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """A request body: nothing but the fields named."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def _encodable(text: str) -> str:
    if text == UNREADABLE:
        raise ValueError(NOT_WRITTEN_BACK)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text; a character in it is only half there") from None
    return text


def _line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    if text.strip() and all(char in _BLANKS or category(char) in _SHOWS_NOTHING for char in text):
        raise ValueError("must have a character that shows")
    return _encodable(text)


def _prose(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise ValueError("must not contain control characters")
    return _encodable(text)


may_be_tests: ContextVar[bool] = ContextVar("may_be_tests", default=False)
"""Whether this request may name addresses that end in ``.test``, at which no mail arrives."""


def _email(text: str) -> str:
    try:
        # Whether mail arrives there shows when it is sent.
        address = validate_email(
            text, check_deliverability=False, globally_deliverable=False, test_environment=may_be_tests.get()
        )
    except EmailNotValidError:
        last = text.rpartition(".")[2].lower()
        if last in SPECIAL_USE_DOMAIN_NAMES:
            raise ValueError(f"must not end in .{last}: no mail arrives at such a name") from None
        raise ValueError("must be an e-mail address") from None
    if "." not in address.domain:
        raise ValueError("must be an e-mail address")
    return address.normalized


def _in_capitals(value: object) -> object:
    return value.upper() if isinstance(value, str) and value.isascii() else value


def _phone(text: str) -> str:
    digits = re.sub(r"[ ().\-/]", "", text)
    if not re.fullmatch(r"\+?[0-9]{5,15}", digits):
        raise ValueError("must be a phone number such as +15550100")
    return digits


def _zone(text: str) -> str:
    if find_zone(text) is None:
        raise ValueError("must be an IANA time zone such as America/New_York")
    return text


def _is_text(value: object) -> object:
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("must be a time with its offset, such as 2026-12-01T09:00:00-05:00")
    return value


def _instant(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise ValueError("must have an offset, such as Z or -05:00")
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between 2000 and 2200") from None
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must lie between 2000 and 2200")
    return instant


def _is_day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a date such as 2026-12-25")
    return value


def _day(value: date) -> date:
    if not _EARLIEST.date() <= value < _LATEST.date():
        raise ValueError("must lie between 2000 and 2200")
    return value


def _plain_json(value: object, path: str = "", depth: int = 0) -> object:
    """JSON that a database keeps as it is: bounded depth and numbers, whole characters, no NUL."""
    where = f"{path.lstrip('.')} " if path else ""
    if depth > _DEEPEST:
        raise ValueError(f"{where}is nested too deep")
    if isinstance(value, dict):
        for name, part in value.items():
            _plain_json(name, f"{path}.{name}"[:200] if name.isprintable() else path, depth + 1)
            _plain_json(part, f"{path}.{name}"[:200] if name.isprintable() else path, depth + 1)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _plain_json(part, f"{path}[{number}]", depth + 1)
    elif isinstance(value, str):
        try:
            _prose(value)
        except ValueError as error:
            raise ValueError(f"{where}{error}") from None
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}must be a number")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{where}is too large a number")
    return value


def as_line(value: object) -> object:
    """For a `BeforeValidator` of texts of one line."""
    return _line(value) if isinstance(value, str) else value


def _clean_prose(value: object) -> object:
    return _prose(value) if isinstance(value, str) else value


as_prose = BeforeValidator(_clean_prose)
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    BeforeValidator(as_line),
]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    BeforeValidator(as_line),
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    BeforeValidator(_clean_prose),
]
Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=5_000),
    BeforeValidator(_clean_prose),
]
Message = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MESSAGE),
    BeforeValidator(_clean_prose),
]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
Secret = Annotated[str, Field(min_length=1, max_length=200)]  # a token, a device, a code
Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    BeforeValidator(_clean_prose),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    BeforeValidator(as_line),
    AfterValidator(_email),
]
Currency = Annotated[
    str, BeforeValidator(_in_capitals), Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, in any case.")
]
Phone = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=40),
    BeforeValidator(as_line),
    AfterValidator(_phone),
]
Zone = Annotated[str, StringConstraints(max_length=64), BeforeValidator(as_line), AfterValidator(_zone)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Instant = Annotated[datetime, BeforeValidator(_is_text), AfterValidator(_instant)]
Day = Annotated[date, BeforeValidator(_is_day), AfterValidator(_day)]
Whole = StrictInt
Flag = StrictBool
Json = Annotated[dict[str, Any], BeforeValidator(_plain_json)]
Words = Annotated[list[Name], Field(max_length=100)]


class ClientDetailsBody(Body):
    """Personal details; what is left out or null is not said."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    time_zone: Zone | None = None
    state: Name | None = None
