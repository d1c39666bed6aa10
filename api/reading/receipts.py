"""What an ``ETag`` carries: sealed for ourselves, it says what its answer was made of, so that nothing need be stored.

Nobody else can read or make one, nor use one for another address, query or form of answer, for another caller, after
another release, or with other settings: then it is no tag of ours.
"""

import hmac
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from fastapi import Request

from api.accounts.acting import HEADER as ACTING_AS
from api.accounts.callers import Asker
from api.settings import ApiSettings
from engine.codec import PayloadKeys
from models.reads.changes import KnownAnswer, SeenUntil
from rules.accounts.accesses import AccessEvent

MOST_SHOWN = 100  # clients: a tag that named more would be refused by proxies, which bound headers
_VERSION, _DIGEST = "v", "d"
_ID = 16  # bytes
_HERE = Path(__file__).parents[2]
_MADE_BY = ("api", "models", "rules")


@dataclass(frozen=True, kw_only=True)
class AnswerReceipt:
    """``who``: a fingerprint of whoever asked, ``role``: in which of their roles. ``until``: from then on the answer is
    another, whatever is written. ``day``: of the real calendar, on which it was made. ``body``: a digest. ``shown``,
    ``event`` and ``of_archive``: for the line of the access log that a further look is."""

    known: KnownAnswer
    who: str
    role: str | None
    until: datetime | None
    day: int
    body: str
    shown: tuple[UUID, ...] = ()
    event: AccessEvent | None = None
    of_archive: bool = False


def place_of(request: Request, release: str) -> bytes:
    """What is asked for, and by which program and settings it is answered."""
    asked = (
        release,
        request.url.path,
        request.url.query,
        request.headers.get("accept", ""),
        request.headers.get(ACTING_AS, ""),
    )
    return json.dumps(asked).encode()


def fingerprint_of(asker: Asker | None) -> str:
    """Of a person or program, with all that they may by it."""
    if asker is None:
        return "anyone"
    program = asker.program
    by = (program.role, program.name, sorted(program.scopes)) if program is not None else None
    return sha256(repr((asker.key, asker.callers, by)).encode()).hexdigest()[:32]


def digest_of(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]


def release_of(settings: ApiSettings) -> str:
    """What an answer is made by, beside the database."""
    return f"{_sources()}\n{settings.digest}"


@cache
def _sources() -> str:
    found = sha256()
    for folder in _MADE_BY:
        for path in sorted((_HERE / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def version_tag(keys: PayloadKeys, receipt: AnswerReceipt, place: bytes) -> str:
    """The same for the same receipt."""
    sealed = _ciphers(keys)[0].encrypt(_written(receipt), [place])
    return f'W/"{_VERSION}{_to_base64url(sealed)}"'


def digest_tag(keys: PayloadKeys, *, who: str, body: str, place: bytes) -> str:
    """Of an answer that has no version: it saves sending it, and not making it."""
    said = b"\n".join((place, who.encode(), body.encode()))
    return f'W/"{_DIGEST}{_to_base64url(hmac.digest(keys.derive("etag digest"), said, "sha256")[:16])}"'


def receipt_in(keys: PayloadKeys, tags: Iterable[str], place: bytes) -> AnswerReceipt | None:
    """The first of the tags that is a receipt of ours for this place."""
    for tag in tags:
        opaque = tag.removeprefix("W/").strip('"')
        if not opaque.startswith(_VERSION):
            continue
        try:
            sealed = _from_base64url(opaque[len(_VERSION) :])
        except ValueError:
            continue
        for cipher in _ciphers(keys):
            try:
                return _read(cipher.decrypt(sealed, [place]))
            except (InvalidTag, ValueError):
                continue
    return None


def _to_base64url(plain: bytes) -> str:
    return urlsafe_b64encode(plain).rstrip(b"=").decode()


def _from_base64url(written: str) -> bytes:
    """Raises ValueError."""
    return b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True)


def _ciphers(keys: PayloadKeys) -> list[AESSIV]:
    """Deterministic (RFC 5297): equal receipts have equal tags, and no nonce can be used twice."""
    pairs = zip(keys.derive_all("etag"), keys.derive_all("etag, sealed"), strict=True)
    return [AESSIV(one + other) for one, other in pairs]


def _written(receipt: AnswerReceipt) -> bytes:
    seen, clients = receipt.known.seen, receipt.known.clients
    head = (
        seen.epoch.hex,
        seen.after,
        seen.running,
        None if clients is None else sorted(client.hex for client in clients),
        receipt.who,
        receipt.role,
        None if receipt.until is None else receipt.until.isoformat(),
        receipt.day,
        receipt.body,
        receipt.event,
        receipt.of_archive,
    )
    written = json.dumps(head, separators=(",", ":")).encode()
    return written + b"\n" + b"".join(client.bytes for client in receipt.shown)


def _read(written: bytes) -> AnswerReceipt:
    head, _, shown = written.partition(b"\n")
    epoch, after, running, clients, who, role, until, day, body, event, of_archive = json.loads(head)
    return AnswerReceipt(
        known=KnownAnswer(
            seen=SeenUntil(epoch=UUID(epoch), after=after, running=tuple(running)),
            clients=None if clients is None else frozenset(map(UUID, clients)),
        ),
        who=who,
        role=role,
        until=None if until is None else datetime.fromisoformat(until),
        day=day,
        body=body,
        shown=tuple(UUID(bytes=shown[at : at + _ID]) for at in range(0, len(shown), _ID)),
        event=None if event is None else AccessEvent(event),
        of_archive=of_archive,
    )
