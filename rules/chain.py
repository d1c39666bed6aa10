"""Chains of entries (tamper evidence): each is signed by HMAC-SHA256 together with the one before it.

Whoever can write the table, and has none of the keys, can neither change an entry nor make one. An entry under another
key than the one before it names that one's key: so a new key begins by signing the old head. What an entry says stands
outside of the signature, which covers a keyed digest of it: the row can be encrypted anew, and the chain still holds.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True)
class ChainKeys:
    """``CHAIN_KEYS``, by id: the first signs, all verify. Never shown when printed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    @property
    def current(self) -> str:
        """The id of the key that signs."""
        return self.keys[0][0]

    def knows(self, key_id: str) -> bool:
        return any(known == key_id for known, _ in self.keys)

    def sign(self, purpose: str, content: Mapping[str, Any], *, key_id: str) -> str:
        """64 hexadecimal digits for a JSON document. Each ``purpose`` has a key of its own, that follows from this one.
        Raises LookupError when the key is not among these."""
        key = next((key for known, key in self.keys if known == key_id), None)
        if key is None:
            raise LookupError(f"the key {key_id!r} is not among the CHAIN_KEYS")
        return hmac.digest(_derived(key, purpose), _canonical(content), "sha256").hex()

    def holds(self, purpose: str, content: Mapping[str, Any], *, key_id: str, mac: str) -> bool:
        """Whether this is what ``sign`` gives. The key is among these."""
        return hmac.compare_digest(self.sign(purpose, content, key_id=key_id).encode(), mac.encode())


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest entry of a chain; as it stands here, that of an empty one."""

    seq: int = 0
    hash: str = GENESIS
    key_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry. ``clear`` is covered as it stands, ``content`` by its ``digest``; without a content (it cannot be read
    here, or there is none) only the digest is looked at. ``previous_key_id`` is named under a new key alone."""

    chain: str
    seq: int
    clear: Mapping[str, Any]
    key_id: str
    previous_hash: str
    previous_key_id: str | None = None
    content: Mapping[str, Any] | None = None
    digest: str = ""
    hash: str = ""


def instant(at: datetime) -> str:
    """An instant as it is signed: in UTC, with its microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def next_entry(
    keys: ChainKeys, head: Head, *, chain: str, clear: Mapping[str, Any], content: Mapping[str, Any] | None = None
) -> Entry:
    """The entry behind this head, signed by the current key."""
    entry = Entry(
        chain=chain,
        seq=head.seq + 1,
        clear=clear,
        content=content,
        key_id=keys.current,
        previous_hash=head.hash,
        previous_key_id=head.key_id if head.key_id != keys.current else None,
    )
    entry = replace(entry, digest=_digest(keys, entry) if content is not None else "")
    return replace(entry, hash=keys.sign(_ENTRY, _signed(entry), key_id=entry.key_id))


# ---------------------------------------------------------------- verifying


def entry_holds(keys: ChainKeys, entry: Entry) -> bool:
    """Whether the entry is as it was signed, wherever it stands. A key that is not known proves nothing."""
    return keys.knows(entry.key_id) and keys.holds(_ENTRY, _signed(entry), key_id=entry.key_id, mac=entry.hash)


@dataclass(frozen=True, kw_only=True)
class ChainFault:
    """What does not hold, of the entries ``seq`` to ``last``: ``what`` completes the sentence "entry 3 is ..."."""

    seq: int
    last: int
    what: str

    def __str__(self) -> str:
        one = self.seq == self.last
        return f"entry {self.seq} is {self.what}" if one else f"entries {self.seq} to {self.last} are {self.what}"


MISSING = "missing"
CHANGED = "changed after being written, or written without the keys"
SAYS_ELSE = "not in the words that were signed: text, data or the words beside it were changed"
DOES_NOT_FOLLOW = "not what follows from the entry before"
KEY_NOT_NAMED = "signed with another key than the entry before, and does not name that one's"


@dataclass(frozen=True, kw_only=True)
class Anchored:
    """What an anchor says of a chain: the hash that its entry had. ``told`` names the anchor."""

    hash: str
    told: str


class ChainWalk:
    """Walks one chain from its beginning, entry by entry, and tells what does not hold.

    A fault does not hide those behind it: the walk goes on from the entry as it stands. ``anchored`` are the entries
    that anchors cover, by number.
    """

    def __init__(self, keys: ChainKeys, *, anchored: Mapping[int, Anchored] | None = None) -> None:
        self._keys = keys
        self._anchored = anchored or {}
        self._head = Head()
        self._sure = True  # whether the entry before is as it was written

    def look(self, entry: Entry) -> list[ChainFault]:
        """What does not hold of the next entry; entries come in the order of their numbers."""
        faults = []
        if entry.seq != self._head.seq + 1:
            faults.append(_fault(self._head.seq + 1, entry.seq - 1, MISSING))
            self._sure = False
        wrong = self._wrong_with(entry)
        if wrong is not None:
            faults.append(_fault(entry.seq, entry.seq, wrong))
        self._head, self._sure = Head(seq=entry.seq, hash=entry.hash, key_id=entry.key_id), wrong is None
        return faults

    def end(self, head: Head) -> list[ChainFault]:
        """What does not hold of the end: ``head`` is kept beside the chain."""
        last, anchored = self._head.seq, max(self._anchored, default=0)
        if anchored > max(last, head.seq):
            return [_fault(last + 1, anchored, f"{MISSING}: {self._anchored[anchored].told} covers entry {anchored}")]
        if last < head.seq:
            return [_fault(last + 1, head.seq, f"{MISSING}: the chain ends before its head")]
        if last > head.seq:
            return [_fault(head.seq + 1, last, "behind the head that is kept of the chain")]
        if self._sure and self._head.hash != head.hash:
            return [_fault(last, last, "not the head that is kept of the chain")]
        return []

    def _wrong_with(self, entry: Entry) -> str | None:
        if not self._keys.knows(entry.key_id):
            return f"signed with the key {entry.key_id!r}, which is not among the CHAIN_KEYS"
        if not self._keys.holds(_ENTRY, _signed(entry), key_id=entry.key_id, mac=entry.hash):
            return CHANGED
        if entry.content is not None and entry.digest != _digest(self._keys, entry):
            return SAYS_ELSE
        if self._sure and entry.previous_hash != self._head.hash:
            return DOES_NOT_FOLLOW
        if self._sure and entry.previous_key_id != (self._head.key_id if self._head.key_id != entry.key_id else None):
            return KEY_NOT_NAMED
        anchored = self._anchored.get(entry.seq)
        if anchored is not None and anchored.hash != entry.hash:
            return f"another than the one that {anchored.told} covers"
        return None


def faults_of(
    keys: ChainKeys, entries: Iterable[Entry], head: Head, *, anchored: Mapping[int, Anchored] | None = None
) -> list[ChainFault]:
    """Everything that does not hold of a whole chain, in order; neighbours with the same fault as one."""
    walk = ChainWalk(keys, anchored=anchored)
    found = [fault for entry in entries for fault in walk.look(entry)]
    return list(put_together([*found, *walk.end(head)]))


def put_together(faults: Iterable[ChainFault]) -> Iterator[ChainFault]:
    """Neighbours with the same fault become one."""
    held: ChainFault | None = None
    for fault in faults:
        if held is not None and held.last + 1 == fault.seq and held.what == fault.what:
            held = replace(held, last=fault.last)
            continue
        if held is not None:
            yield held
        held = fault
    if held is not None:
        yield held


def _fault(seq: int, last: int, what: str) -> ChainFault:
    return ChainFault(seq=seq, last=last, what=what)


# ---------------------------------------------------------------- how

_ENTRY, _DIGEST = "entry of a chain", "digest of an entry"  # the purposes of the keys


def _signed(entry: Entry) -> dict[str, Any]:
    return {
        "chain": entry.chain,
        "seq": entry.seq,
        "clear": entry.clear,
        "digest": entry.digest,
        "key_id": entry.key_id,
        "previous_hash": entry.previous_hash,
        "previous_key_id": entry.previous_key_id,
    }


def _digest(keys: ChainKeys, entry: Entry) -> str:
    """With its place: the same words elsewhere have another one. Nobody can try out words without the key."""
    said = {"chain": entry.chain, "seq": entry.seq, "content": entry.content}
    return keys.sign(_DIGEST, said, key_id=entry.key_id)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@lru_cache(maxsize=256)
def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"care-journeys {purpose}".encode(), "sha256")
