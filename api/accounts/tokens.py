"""Bearer tokens: opaque, kept as hashes, read from the Authorization header."""

import secrets
from hashlib import sha256

from api.problems import Refused, refuse
from rules.refusals import Problem

PREFIX = "cj_"
KEY_PREFIX = "cjk_"  # of programs' keys, which are looked for elsewhere


def new_token() -> str:
    """A token nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def new_key() -> str:
    """A key for a program, as hard to guess."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def storable(text: str) -> str:
    """Text that no database and no hash chokes on; what cannot be stored fits nobody anyway."""
    return text.encode(errors="replace").decode().replace("\0", "?")


def unauthenticated(detail: str = "This needs a valid bearer token.") -> Refused:
    return refuse(Problem.UNAUTHENTICATED, detail)


def read_bearer(said: str | None, *, header: str = "Authorization") -> str | None:
    """The token of such a header, None without one. Raises Refused for another scheme."""
    if said is None:
        return None
    scheme, _, token = said.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated(f"The {header} header must be: Bearer, a space, and the token.")
    return token.strip()
