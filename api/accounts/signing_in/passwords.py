"""Passwords: hashed and checked in threads, few at a time, with a line that cannot grow for ever."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.accounts.signing_in.common_passwords import common_passwords
from api.accounts.tokens import storable
from api.problems import refuse, wrong_fields
from rules.accounts.passwords import normal_password, wrong_with_password
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

_SOON = 5  # seconds


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """Who waits: by a name that is the same for the same visitor or person. ``known``: a person or a device that has
    signed in before, for whom a turn is kept."""

    who: str
    known: bool = False


class _Lane:
    def __init__(self, at_once: int) -> None:
        self.turns = asyncio.Semaphore(at_once)
        self.inside = 0


class Passwords:
    """Argon2 in a thread, few at a time: each check takes 64 MB and tens of milliseconds on purpose.

    Whoever is known waits in a lane of their own, behind nobody who is not. ``most_in_line`` bounds each lane, and
    ``most_of_one`` what one visitor or person has in it.
    """

    def __init__(
        self,
        *,
        hasher: PasswordHasher | None = None,
        at_once: int = 4,
        most_in_line: int = 100,
        most_of_one: int = 10,
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._lanes = {False: _Lane(max(at_once - 1, 1)), True: _Lane(1)}
        self._of_one: Counter[str] = Counter()
        self._most_in_line = most_in_line
        self._most_of_one = most_of_one

    async def hash(self, password: str, *, side: AccountSide, place: Waiter, around: Collection[str] = ()) -> str:
        """The hash of a new password. Raises Refused for one that may be nobody's, or that has in it what is known
        ``around`` its owner; and as `fits` does."""
        wrong = wrong_with_password(password, side=side, common=common_passwords(), around=around)
        if wrong is not None:
            raise wrong_fields([("password", wrong)])
        async with self._turn(place):
            return await asyncio.to_thread(self._hasher.hash, _hashable(password))

    async def fits(self, password: str, stored: str | None, *, place: Waiter) -> bool:
        """Whether the password is the stored one; takes as long when nothing is stored. Raises Refused where too many
        wait already."""
        async with self._turn(place):
            return await asyncio.to_thread(self._fits, _hashable(password), stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(stored or _nobodys(self._hasher), password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    @asynccontextmanager
    async def _turn(self, place: Waiter) -> AsyncIterator[None]:
        lane = self._lanes[place.known]
        if self._of_one[place.who] >= self._most_of_one:
            raise refuse(
                Problem.RATE_LIMITED, "Too many passwords are being looked at for you. Please wait.", retry_after=_SOON
            )
        if lane.inside >= self._most_in_line:
            raise refuse(
                Problem.ENGINE_UNAVAILABLE,
                "Too many people sign in just now. Please try again in a moment.",
                retry_after=_SOON,
            )
        self._of_one[place.who] += 1
        lane.inside += 1
        try:
            async with lane.turns:
                yield
        finally:
            lane.inside -= 1
            self._of_one[place.who] -= 1
            if not self._of_one[place.who]:
                del self._of_one[place.who]


def _hashable(password: str) -> str:
    return normal_password(storable(password))


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    """A stored password that nobody has: checking against it takes as long as against a real one."""
    return hasher.hash(secrets.token_urlsafe(16))
