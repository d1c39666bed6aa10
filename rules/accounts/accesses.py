"""The access log (audit trail): who looked at what, when and from where, and who changed what others may. Lines hold
ids and words of the product alone.

A line is signed when it is written, by whoever has the keys, and chained with others in blocks a moment later. The same
person, from the same place, with the same records and kind of data, has one line for each quarter of an hour: its id
follows from these. Of acts each request has its own.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from rules.chain import ChainKeys, instant

CHAIN = "accesses"
HEAD_ID = UUID(int=2**128 - 1)
"""Under which anchors cover the head of this chain: behind all ids that clients have."""
YEARS_KEPT = 6
_QUARTER = 15 * 60  # seconds
_LINE, _NAME, _ADDRESS = "line of the access log", "name of a line of the access log", "address of a failed sign-in"


class AccessEvent(StrEnum):
    """What was done. ``read``, ``export`` and ``decode`` are of somebody's data; those from ``invited`` on are acts."""

    READ = "read"
    EXPORT = "export"
    DECODE = "decode"
    SIGN_IN = "sign_in"
    FAILED_SIGN_IN = "failed_sign_in"
    KEY_USE = "key_use"
    OPENING = "opening"
    INVITED = "invited"
    INVITATION_REVOKED = "invitation_revoked"
    NAME_CHANGED = "name_changed"
    ROLES_CHANGED = "roles_changed"
    PROFILE_GIVEN = "profile_given"
    PROFILE_TAKEN = "profile_taken"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    ACCOUNT_ENDED = "account_ended"
    SECOND_FACTOR_TAKEN = "second_factor_taken"
    SIGN_IN_UNLINKED = "sign_in_unlinked"
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    WEBHOOK_MADE = "webhook_made"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_ROTATED = "webhook_rotated"
    WEBHOOK_REPLAYED = "webhook_replayed"
    WEBHOOK_REMOVED = "webhook_removed"
    TOKEN_MADE = "token_made"  # noqa: S105 - a name
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a name

    @property
    def is_of_data(self) -> bool:
        return self in (AccessEvent.READ, AccessEvent.EXPORT, AccessEvent.DECODE)

    @property
    def is_act(self) -> bool:
        """Whether somebody changed what a person or a program may, or by what they are known."""
        return self in _ACTS


_ACTS = tuple(AccessEvent)[list(AccessEvent).index(AccessEvent.INVITED) :]


class AccessKind(StrEnum):
    """Which kind of data. Appointments, goals, tasks and the timeline are of the record."""

    RECORD = "record"
    FORMS = "forms"
    NOTES = "notes"
    CHATS = "chats"
    DOCUMENTS = "documents"
    PAYMENTS = "payments"


@dataclass(frozen=True, kw_only=True)
class Access:
    """One line. ``who``: a person's handle, a client's id, a program's name, a therapist's slug, or, of a sign-in that
    failed, a digest of the address. ``about``: of an act, in the same terms, the person, the program or the profile.
    ``token_by``: of a therapist's program, who made its token.
    ``whose`` are clients' ids as text, in order. ``of_archive``: the client is not told, since an archive caused it."""

    at: datetime
    event: AccessEvent
    who: str
    role: str | None = None
    account_id: str | None = None
    about: str | None = None
    token_by: str | None = None
    kind: AccessKind | None = None
    whose: tuple[str, ...] = ()
    visitor: str | None = None
    network: str | None = None
    request_id: str = ""
    of_archive: bool = False


def name_of(keys: ChainKeys, access: Access, *, key_id: str | None = None) -> UUID:
    """The id of its line: the same for what is one line. Nobody without the keys can take it beforehand."""
    said = _said(access, but=("at",) if access.event.is_act else ("at", "request_id"))
    said["quarter"] = int(access.at.astimezone(UTC).timestamp()) // _QUARTER
    return UUID(keys.sign(_NAME, said, key_id=key_id or keys.current)[:32])


def sign_access(keys: ChainKeys, access: Access) -> str:
    return keys.sign(_LINE, _content(access), key_id=keys.current)


def access_holds(keys: ChainKeys, access: Access, *, id: UUID, key_id: str, mac: str) -> bool:
    """Whether a line is as it was signed. A key that is not known proves nothing."""
    return (
        keys.knows(key_id)
        and keys.holds(_LINE, _content(access), key_id=key_id, mac=mac)
        and name_of(keys, access, key_id=key_id) == id
    )


def digests_of_address(keys: ChainKeys, address: str) -> list[str]:
    """How an address is named in the line of a sign-in that failed, under the present key and under earlier ones."""
    said = {"address": address}
    return [f"address:{keys.sign(_ADDRESS, said, key_id=key_id)[:32]}" for key_id, _ in keys.keys]


def _content(access: Access) -> dict[str, Any]:
    return {**_said(access), "at": instant(access.at)}


def _said(access: Access, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in vars(access).items() if name not in but}


# ---------------------------------------------------------------- blocks


class BlockKind(StrEnum):
    """What an entry of the chain says: that it covers lines, that months were removed, or that an epoch began."""

    LINES = "lines"
    REMOVED = "removed"
    EPOCH_BEGAN = "epoch_began"


def clear_of_block(*, at: datetime, kind: BlockKind, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the signature of a block covers."""
    return {"at": instant(at), "kind": kind.value, "data": dict(data)}


def root_of(lines: Iterable[tuple[int, str]]) -> str:
    """Over the lines of a block, each by its number and its signature, in the order of their numbers."""
    hashed = hashlib.sha256()
    for number, mac in lines:
        hashed.update(f"{number} {mac}\n".encode())
    return hashed.hexdigest()


# ---------------------------------------------------------------- for how long


def kept_from(now: datetime) -> datetime:
    """The first instant of the oldest month that has to be kept: whole months are removed, in UTC."""
    return datetime(now.year - YEARS_KEPT, now.month, 1, tzinfo=UTC)
