"""Codes by which one program of ours knows what another has said: HMAC-SHA256, with a key of the payloads' keyring."""

import hmac
import json
from collections.abc import Sequence

from engine.codec import PayloadKeys


class Vouching:
    """Makes and checks codes of one purpose. The first of the keys signs, all are believed: what is under way outlives
    a change of keys."""

    def __init__(self, keys: PayloadKeys, purpose: str) -> None:
        self._keys = keys.derive_all(purpose)

    def sign(self, parts: Sequence[str]) -> str:
        """The code for these parts, in this order: 64 hexadecimal digits."""
        return _mac(self._keys[0], parts)

    def holds(self, mac: str, parts: Sequence[str]) -> bool:
        """Whether this code was made here for just these parts."""
        return any(hmac.compare_digest(mac.encode(), _mac(key, parts).encode()) for key in self._keys)


def _mac(key: bytes, parts: Sequence[str]) -> str:
    return hmac.new(key, json.dumps(list(parts)).encode(), "sha256").hexdigest()
