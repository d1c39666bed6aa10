"""Anchors: the heads of all chains, once a day, as one short line that is kept outside of the database.

An anchor covers every head by its ``root``: the root of the anchor before, and the heads that have changed since then.
Anchors are entries of a chain of their own, and each head has a signature of its own, so that a later look can name the
chain that was cut. ``follows`` is the chain whose head stands before this one in the same anchor: where a head was
removed, the next one names it.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rules.chain import ChainKeys, Entry

CHAIN = "anchors"
NO_ROOT = "0" * 64
_HEAD = "head in an anchor"
_LINE = "line of an anchor"
# What a line says besides its signature, and of which kind.
_FIELDS: Mapping[str, type] = {
    "anchor": int,
    "date": str,
    "at": str,
    "epoch": str,
    "chains": int,
    "heads": int,
    "root": str,
    "previous": str,
    "hash": str,
    "key": str,
}


@dataclass(frozen=True, kw_only=True)
class AnchorHead:
    """A head as an anchor covers it. ``client_id`` and ``follows`` are ids as text."""

    anchor: int
    client_id: str
    seq: int
    hash: str
    follows: str | None


def sign_head(keys: ChainKeys, head: AnchorHead) -> str:
    return keys.sign(_HEAD, vars(head), key_id=keys.current)


def head_holds(keys: ChainKeys, head: AnchorHead, *, key_id: str, mac: str) -> bool:
    """Whether the stored head is as it was signed. A key that is not known proves nothing."""
    return keys.knows(key_id) and keys.holds(_HEAD, vars(head), key_id=key_id, mac=mac)


class Root:
    """The root of an anchor, over the root before it and head after head, in the order of their chains' ids."""

    def __init__(self, previous: str) -> None:
        self._hash = hashlib.sha256(previous.encode())

    def add(self, head: AnchorHead) -> None:
        self._hash.update(f"\n{head.client_id} {head.seq} {head.hash}".encode())

    @property
    def value(self) -> str:
        return self._hash.hexdigest()


def clear_of_anchor(*, date: str, at: str, epoch: str, chains: int, heads: int, root: str) -> dict[str, Any]:
    """What an anchor's signature covers; ``at`` as `rules.chain.instant` writes it."""
    return {"date": date, "at": at, "epoch": epoch, "chains": chains, "heads": heads, "root": root}


_A_DAY = timedelta(days=1)


def is_due(newest: date, *, today: date) -> bool:
    """Whether today needs an anchor, behind the newest one. One of tomorrow was made by a clock that is a moment ahead;
    one of later by a clock that was set back since, and nobody is to wait for that day to come."""
    return newest < today or is_ahead(newest, today=today)


def is_ahead(newest: date, *, today: date) -> bool:
    return newest - today > _A_DAY


# ---------------------------------------------------------------- the line outside


@dataclass(frozen=True, kw_only=True)
class AnchorLine:
    """One line of an anchors' file, or of the mail: an anchor as it was when it was made."""

    anchor: int
    date: str
    at: str
    epoch: str
    chains: int
    heads: int
    root: str
    previous: str
    hash: str
    key: str
    hmac: str

    def __str__(self) -> str:
        return f"anchor {self.anchor} of {self.date}"


def line_of(keys: ChainKeys, entry: Entry) -> str:
    """The line of an anchor: JSON, without a line break. It is signed by the current key."""
    told = {
        "anchor": entry.seq,
        **entry.clear,
        "previous": entry.previous_hash,
        "hash": entry.hash,
        "key": keys.current,
    }
    return json.dumps({**told, "hmac": keys.sign(_LINE, told, key_id=keys.current)}, separators=(",", ":"))


class UnreadableLine(ValueError):
    """A line that is no anchor's; the message says which."""


def read_lines(text: str) -> list[AnchorLine]:
    """The anchors of a file, or of mails that were saved below each other: lines that begin with a brace.

    Raises UnreadableLine.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("{"):
            found.append(_read(line, number))
    return found


def _read(line: str, number: int) -> AnchorLine:
    kinds = {**_FIELDS, "hmac": str}
    try:
        told = json.loads(line)
    except ValueError:
        raise UnreadableLine(f"line {number} is no anchor: it is cut, or no JSON") from None
    if told.keys() != kinds.keys() or any(type(told[name]) is not kind for name, kind in kinds.items()):
        raise UnreadableLine(f"line {number} is no anchor: it has other fields")
    return AnchorLine(**told)


def line_holds(keys: ChainKeys, line: AnchorLine) -> bool:
    told = {name: getattr(line, name) for name in _FIELDS}
    return keys.knows(line.key) and keys.holds(_LINE, told, key_id=line.key, mac=line.hmac)


# ---------------------------------------------------------------- the lines against the database


@dataclass(frozen=True, kw_only=True)
class Compared:
    """``faults`` are sentences; ``lost`` are anchors that went with a restore that was named, and is no fault."""

    faults: tuple[str, ...]
    lost: tuple[AnchorLine, ...]


def compare_lines(
    keys: ChainKeys,
    lines: Sequence[AnchorLine],
    known: Collection[tuple[int, str]],
    *,
    restored: Mapping[str, str],
) -> Compared:
    """The lines outside against the anchors of the database, ``known`` by their numbers and hashes.

    ``restored``: the restores that whoever verifies names, by their epochs, and when the chains say that each was
    marked. An anchor that was made before and is not in the database went with it. The database alone excuses nothing:
    whoever owns it can have the programs sign that an epoch began.
    """
    faults, lost, there = [], [], "the beginning"
    until = max((_began(keys, lines, *restore) for restore in restored.items()), default="")
    for line in lines:
        if not line_holds(keys, line):
            faults.append(f"{line} in the file was changed, or written without the keys")
        elif (line.anchor, line.hash) in known:
            there = str(line)
        elif line.at < until:
            lost.append(line)
        else:
            faults.append(
                f"{line} is in the file and not in the database: what came later is lost since {there};"
                " if this was a restore, say --restored EPOCH"
            )
    return Compared(faults=tuple(faults), lost=tuple(lost))


def _began(keys: ChainKeys, lines: Sequence[AnchorLine], epoch: str, marked_at: str) -> str:
    """When an epoch began at the latest: a line outside may show that it had begun before its marks were made, since
    those can be cut, and made anew."""
    return min([marked_at, *(line.at for line in lines if line.epoch == epoch and line_holds(keys, line))])
