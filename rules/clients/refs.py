"""The ref of a client: what staff call them by."""

from hashlib import sha256
from uuid import UUID

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, 1, I, O: a ref is read out on the telephone


def ref_of(client_id: str) -> str:
    """A short opaque name of a client, for people and for search attributes; it follows from the id."""
    digest = int.from_bytes(sha256(UUID(client_id).bytes).digest()[:7])
    letters = [_ALPHABET[(digest >> shift) & 31] for shift in range(0, 50, 5)]
    return "".join(letters)
