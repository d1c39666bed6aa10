"""Is a webhook from Stripe genuine? Stripe's own scheme, with the product's clock instead of the wall clock.

The header reads ``t=<unix seconds>,v1=<hex>[,v1=<hex>...]``; each ``v1`` is an HMAC-SHA256 of ``<t>.<raw
body>`` under the endpoint's secret. Several stand there while a secret is being rolled; one that fits is
enough.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeGuard

from rules.plain_text import is_storable

TOLERANCE = timedelta(seconds=300)


class SignatureInvalid(Exception):
    """The webhook cannot be believed; the message says why, and is safe to log."""


@dataclass(frozen=True, kw_only=True)
class SignedEvent:
    """One webhook event. ``object`` is what it told about, as it was at ``created`` (unix seconds): fetch it
    again before believing it, for events come twice, late and out of order."""

    id: str
    type: str
    created: int
    object: Mapping[str, Any]


def signature(*, payload: bytes, secret: str, timestamp: int) -> str:
    """The hex digest that belongs to this body at this moment."""
    return hmac.new(secret.encode(), b"%d." % timestamp + payload, sha256).hexdigest()


def verify_webhook(*, payload: bytes, header: str | None, secret: str, now: datetime) -> SignedEvent:
    """The event in a raw webhook body, once its signature fits and it is at most 300 s old or early by
    ``now``.

    Raises SignatureInvalid for anything else, a body that is no event included.
    """
    timestamp, signatures = _read_header(header)
    if not secret:
        raise SignatureInvalid("no webhook secret is set")
    expected = signature(payload=payload, secret=secret, timestamp=timestamp)
    if not any(hmac.compare_digest(expected, given) for given in signatures):
        raise SignatureInvalid("no signature fits the body")
    if abs(now.timestamp() - timestamp) > TOLERANCE.total_seconds():
        raise SignatureInvalid(f"the signature's time {timestamp} is outside the {TOLERANCE.seconds} s allowed")
    return _read_event(payload)


def _read_header(header: str | None) -> tuple[int, list[str]]:
    timestamp: int | None = None
    signatures: list[str] = []
    for part in (header or "").split(","):
        name, _, value = part.strip().partition("=")
        # Only plain ASCII digits: int() would take other scripts' digits, signs and spaces too.
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            timestamp = int(value)
        elif name == "v1" and value.isascii():
            signatures.append(value)
    if timestamp is None or not signatures:
        raise SignatureInvalid("the signature header is missing or malformed")
    return timestamp, signatures


def _read_event(payload: bytes) -> SignedEvent:
    """Of arbitrary JSON, which may be nested beyond reading, and hold half characters and numbers of any size."""
    try:
        body = json.loads(payload)
        id_, type_, created, told = body["id"], body["type"], body["created"], body["data"]["object"]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise SignatureInvalid("the body is not an event") from problem
    if not (is_storable(id_) and is_storable(type_) and is_unix_time(created) and isinstance(told, dict)):
        raise SignatureInvalid("the body is not an event")
    return SignedEvent(id=id_, type=type_, created=created, object=told)


def is_unix_time(value: object) -> TypeGuard[int]:
    """Whether these are seconds that fit into the next thousands of years."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
