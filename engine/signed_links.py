"""Tokens of links that never end: what they say can be read by anybody, and made by nobody else."""

import json
from hashlib import sha256

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from engine.codec import PayloadKeys


class SignedLinks:
    """Makes and reads the tokens of one kind of link. Nothing is stored, so no token can be ended either: whoever acts
    on one looks whether it still counts.

    The first of the keys signs, all are believed: a link that was mailed outlives a change of keys for as long as its
    key is kept.
    """

    def __init__(self, keys: PayloadKeys, purpose: str) -> None:
        self._signer = Signer(
            list(reversed(keys.derive_all(purpose))),  # the last one signs
            salt=purpose.encode(),
            digest_method=sha256,
        )

    def token(self, *parts: str) -> str:
        """Letters, digits, ``-``, ``_``, and one ``.`` in the midst of them; the same for the same parts."""
        # Not the library's own serializer: what it compresses begins with a dot, which web servers like to refuse.
        return self._signer.sign(base64_encode(json.dumps(parts, separators=(",", ":")))).decode()

    def read(self, token: str) -> tuple[str, ...] | None:
        """The parts of a token made here; None for any other."""
        try:
            parts = json.loads(base64_decode(self._signer.unsign(token)))
        except (BadData, ValueError):
            return None
        return tuple(map(str, parts)) if isinstance(parts, list) else None
