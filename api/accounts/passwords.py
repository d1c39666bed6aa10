"""Passwords: hashed and checked in threads, few at a time."""

import asyncio
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Argon2 in a thread, few at a time: each check takes 64 MB and tens of milliseconds on purpose."""

    def __init__(self, *, hasher: PasswordHasher | None = None, at_once: int = 4) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; takes as long when nothing is stored."""
        async with self._turn:
            return await asyncio.to_thread(self._fits, password, stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(stored or _nobodys(self._hasher), password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    """A stored password that nobody has: checking against it takes as long as against a real one."""
    return hasher.hash(secrets.token_urlsafe(16))
