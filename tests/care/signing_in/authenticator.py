"""A software authenticator (WebAuthn): what a browser and a phone would answer, and whatever a liar would.

ES256, without attestation. It answers options as pages get them from the API, and is asked as a browser asks: by the
origin of the page.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

Json = dict[str, Any]
_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP, _ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass(frozen=True, kw_only=True)
class Lie:
    """What is said instead of the truth; None where it is not lied about. ``type`` is of the client data."""

    origin: str | None = None
    rp_id: str | None = None
    challenge: bytes | None = None
    type: str | None = None
    cross_origin: bool = False
    present: bool = True
    verified: bool = True
    count: int | None = None
    handle: bytes | None = None
    no_handle: bool = False
    key: ec.EllipticCurvePrivateKey | None = None
    credential_id: bytes | None = None
    eligible: bool | None = None
    format: str = "none"


HONEST = Lie()


@dataclass
class Authenticator:
    """One passkey. ``count`` is None for one that does not count, as those that are synced do not."""

    origin: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    count: int | None = None
    synced: bool = True
    transports: tuple[str, ...] = ("internal", "hybrid")

    def copied(self) -> "Authenticator":
        """Another one with the same key."""
        return replace(self)

    def makes(self, options: Json, lie: Lie = HONEST) -> Json:
        """``RegistrationResponseJSON`` to creation options."""
        self.handle = decoded(options["user"]["id"])
        credential_id = lie.credential_id or self.credential_id
        data = self._data(options["rp"]["id"], lie, attested=_ATTESTED)
        data += bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id + self._public_key()
        client = self._client_data("webauthn.create", options, lie)
        said = {"fmt": lie.format, "attStmt": {}, "authData": data}
        response = {"clientDataJSON": encoded(client), "attestationObject": encoded(encode_cbor(said))}
        return _credential(credential_id, response | {"transports": [*self.transports]})

    def signs(self, options: Json, lie: Lie = HONEST) -> Json:
        """``AuthenticationResponseJSON`` to request options."""
        if self.count is not None:
            self.count += 1
        data = self._data(options["rpId"], lie)
        client = self._client_data("webauthn.get", options, lie)
        signature = (lie.key or self.key).sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
        }
        if not lie.no_handle:
            response["userHandle"] = encoded(lie.handle or self.handle)
        return _credential(lie.credential_id or self.credential_id, response)

    def _data(self, rp_id: str, lie: Lie, *, attested: int = 0) -> bytes:
        eligible = self.synced if lie.eligible is None else lie.eligible
        flags = attested | (_PRESENT if lie.present else 0) | (_VERIFIED if lie.verified else 0)
        flags |= (_ELIGIBLE | _BACKED_UP) if eligible else 0
        count = lie.count if lie.count is not None else self.count or 0
        return sha256((lie.rp_id or rp_id).encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: Json, lie: Lie) -> bytes:
        challenge = encoded(lie.challenge) if lie.challenge is not None else options["challenge"]
        said = {"type": lie.type or kind, "challenge": challenge, "origin": lie.origin or self.origin}
        return json.dumps(said | {"crossOrigin": lie.cross_origin}).encode()

    def _public_key(self) -> bytes:
        """COSE: EC2, ES256, P-256."""
        numbers = self.key.public_key().public_numbers()
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})


def _credential(credential_id: bytes, response: Json) -> Json:
    return {
        "id": encoded(credential_id),
        "rawId": encoded(credential_id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }
