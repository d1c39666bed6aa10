"""Files that are made when they are asked for, in threads: few at a time, in a line that cannot grow for ever."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from api.problems import refuse
from rules.refusals import Problem

Made = TypeVar("Made")
_SOON = 5  # seconds


class Making:
    """``most_of_one`` bounds what one person has in line, ``most_in_line`` all of them."""

    def __init__(self, *, at_once: int = 2, most_in_line: int = 40, most_of_one: int = 4) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._of_one: Counter[str] = Counter()
        self._most_in_line = most_in_line
        self._most_of_one = most_of_one

    async def make(self, work: Callable[[], Made], *, who: str) -> Made:
        """What ``work`` makes, in a thread. ``who`` is the same for the same person. Raises Refused where too many wait
        already."""
        if self._of_one[who] >= self._most_of_one:
            raise refuse(Problem.RATE_LIMITED, "Too many files are being made for you. Please wait.", retry_after=_SOON)
        if self._of_one.total() >= self._most_in_line:
            detail = "Too many files are being made just now. Please try again in a moment."
            raise refuse(Problem.ENGINE_UNAVAILABLE, detail, retry_after=_SOON)
        self._of_one[who] += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._of_one[who] -= 1
            if not self._of_one[who]:
                del self._of_one[who]
