"""What binds a sign-in to the browser that began it: one secret, from which follows all that the provider is shown.

A code that was made for somebody else's browser, or that somebody slips to this one (login CSRF), fits no secret of
this one. Of the secret a hash is kept, so that whoever reads the tables can finish nobody's sign-in.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, kw_only=True)
class BrowserBound:
    """``state`` comes back in the browser's address, ``nonce`` in the ID token; ``verifier`` is shown with the code."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """Of PKCE, by S256 (RFC 7636, 4.2)."""
        return _text(sha256(self.verifier.encode()).digest())


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def bound_by(secret: str) -> BrowserBound:
    """The three tell neither the secret nor each other."""
    state, nonce, verifier = (_derived(secret, purpose) for purpose in ("state", "nonce", "verifier"))
    return BrowserBound(state=state, nonce=nonce, verifier=verifier)


def _derived(secret: str, purpose: str) -> str:
    return _text(hmac.new(secret.encode(errors="replace"), f"oidc {purpose}".encode(), "sha256").digest())


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
