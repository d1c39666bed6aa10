"""What a mail service reports about mails (SendGrid's event webhook), and what that means for the practice.

The body is a JSON array of events. Each has ``sg_event_id``, ``event`` (its type) and ``timestamp``; of our own mails
also ``key``, which was handed over with the mail and is the mail's key in the database. ``sg_message_id`` begins with
the id that the service answered when it took the mail.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from rules.money.webhook_signature import TOLERANCE, SignatureInvalid, is_unix_time
from rules.plain_text import is_storable

VENDOR = "sendgrid"
ADDRESSES_KEPT = timedelta(days=30)  # after a mail went out: so long is heard what became of it
MOST_EVENTS = 5_000  # the service sends at most 768 KB at a time
_LONGEST = 200


class Meaning(StrEnum):
    """What an event means."""

    NOT_ARRIVED = "not_arrived"  # the address, or the mail service, did not take the mail
    UNWANTED = "unwanted"  # the reader wants no more such mails
    NOTHING = "nothing"  # nothing that anybody must hear of


_MEANINGS: Mapping[str, Meaning] = {
    "bounce": Meaning.NOT_ARRIVED,
    "blocked": Meaning.NOT_ARRIVED,
    "dropped": Meaning.NOT_ARRIVED,
    "spamreport": Meaning.UNWANTED,
    "unsubscribe": Meaning.UNWANTED,
    "group_unsubscribe": Meaning.UNWANTED,
}
_WHY_DROPPED: tuple[tuple[str, str], ...] = (
    ("bounced", "mails to this address came back before, so the mail service no longer tries"),
    ("spam report", "a mail was reported as spam from this address, so the mail service no longer tries"),
    ("unsubscribed", "this address is unsubscribed at the mail service itself"),
    ("invalid", "the mail service takes the address for an impossible one"),
)


@dataclass(frozen=True, kw_only=True)
class MailEvent:
    """One event. ``id`` is unique among all vendors' events; ``key`` and ``message_id`` say which mail, where known;
    ``because`` is a plain half-sentence for a mail that did not arrive."""

    id: str
    type: str
    at: int | None
    key: str | None
    message_id: str | None
    because: str | None = None

    @property
    def meaning(self) -> Meaning:
        return meaning_of(self.type)


def meaning_of(type: str) -> Meaning:
    """Types that are not known, now or in years, mean nothing to us."""
    return _MEANINGS.get(type, Meaning.NOTHING)


def check_age(timestamp: str | None, *, now: datetime) -> str:
    """The signed timestamp (unix seconds) as it stands in the header.

    Raises SignatureInvalid unless it is at most 300 s old or early by ``now``.
    """
    # Only plain ASCII digits: int() would take other scripts' digits, signs and spaces too.
    if not timestamp or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureInvalid("the timestamp header is missing or malformed")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise SignatureInvalid(f"the signature's time {timestamp} is outside the {TOLERANCE.seconds} s allowed")
    return timestamp


def read_mail_events(payload: bytes) -> tuple[list[MailEvent], int]:
    """The events in a body whose signature fits, and how many entries were none and are left out.

    Raises SignatureInvalid for a body that is no list of events, or of too many.
    """
    try:
        entries = json.loads(payload)
    except (ValueError, RecursionError) as problem:
        raise SignatureInvalid("the body is not a list of events") from problem
    if not isinstance(entries, list):
        raise SignatureInvalid("the body is not a list of events")
    if len(entries) > MOST_EVENTS:
        raise SignatureInvalid(f"the body has more than {MOST_EVENTS} events")
    read = [_event(entry) for entry in entries]
    events = [event for event in read if event is not None]
    return events, len(read) - len(events)


def _event(entry: Any) -> MailEvent | None:
    if not isinstance(entry, dict):
        return None
    id, type = _text(entry, "sg_event_id"), _text(entry, "event")
    if id is None or type is None or len(type) > 100:
        return None
    message, at = _text(entry, "sg_message_id"), entry.get("timestamp")
    return MailEvent(
        id=f"{VENDOR}:{id}",
        type=type,
        at=at if is_unix_time(at) else None,
        key=_text(entry, "key"),
        message_id=message.partition(".")[0] if message else None,
        because=_because(type, entry) if meaning_of(type) is Meaning.NOT_ARRIVED else None,
    )


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    """A short text that a database can store."""
    value = entry.get(name)
    return value if is_storable(value) and 0 < len(value) <= _LONGEST else None


def _because(type: str, entry: Mapping[str, Any]) -> str:
    """Why, in our own words: what a server answered may say anything, and is not repeated."""
    if type == "dropped":
        told = entry.get("reason")
        reason = told.lower() if isinstance(told, str) else ""
        return next((words for sign, words in _WHY_DROPPED if sign in reason), "the mail service did not send it")
    if type == "blocked" or entry.get("type") == "blocked":
        return "the server at the other end turned it away"
    return "the address does not take mail"
