"""The hash chain of a client's timeline: each fact's hash covers its content and the hash before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Link:
    """One fact, as far as the chain is concerned."""

    client_id: str
    seq: int
    at: datetime
    actor: str
    kind: str
    text: str
    data: Mapping[str, Any]
    previous_hash: str
    hash: str = ""


def hash_of(link: Link) -> str:
    """SHA-256, in hex, of the canonical JSON of everything but the hash itself."""
    content = {
        "client_id": link.client_id,
        "seq": link.seq,
        "at": link.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": link.actor,
        "kind": link.kind,
        "text": link.text,
        "data": link.data,
        "previous_hash": link.previous_hash,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def first_break(links: Iterable[Link], *, head_seq: int, head_hash: str) -> str | None:
    """Why the chain does not hold, or None. The head (kept with the client) also shows that the end is not cut off."""
    seq, previous = 0, GENESIS
    for link in links:
        if link.seq != seq + 1:
            return f"entry {seq + 1} is missing"
        if link.previous_hash != previous:
            return f"entry {link.seq} does not follow from the one before it"
        if hash_of(link) != link.hash:
            return f"entry {link.seq} was changed after it was written"
        seq, previous = link.seq, link.hash
    if (seq, previous) != (head_seq, head_hash):
        return f"the timeline ends at entry {seq}, but {head_seq} were written"
    return None
