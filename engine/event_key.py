"""The public key of a mail service that signs what it reports: ECDSA on P-256, as SendGrid's event webhook does."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


class InvalidEventKey(ValueError):
    """This is no such key; the message says why."""


@dataclass(frozen=True)
class EventKey:
    """``text`` is the key as the mail service shows it: base64 of its DER form, in one line."""

    text: str
    _key: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "EventKey":
        """Read the key, with or without the lines that PEM puts around it. Raises InvalidEventKey."""
        try:
            der = base64.b64decode(re.sub(r"-----[A-Z ]+-----|\s", "", text), validate=True)
            key = load_der_public_key(der)
        except (binascii.Error, ValueError):
            raise InvalidEventKey("it is not a public key in base64, as the mail service shows it") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise InvalidEventKey("it is a key of another kind; a P-256 key is wanted")
        return cls(base64.b64encode(der).decode(), key)

    def has_signed(self, payload: bytes, *, timestamp: str, signature: str) -> bool:
        """Whether this signature (base64) was made for this raw body and this timestamp, as the headers have them."""
        try:
            made = base64.b64decode(signature, validate=True)
            self._key.verify(made, timestamp.encode() + payload, ec.ECDSA(SHA256()))
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True
