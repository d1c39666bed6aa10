"""What a check of the doctor says: one line each."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from config import Settings


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, and could stop to, or is weaker than it need be
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``about`` names what was looked at, ``said`` what was found, ``todo`` what to do about it: empty where all is
    well."""

    about: str
    verdict: Verdict
    said: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:<8}{self.about}: {self.said}"
        return f"{line} -> {self.todo}" if self.todo else line


def ok(about: str, said: str) -> Finding:
    return Finding(about=about, verdict=Verdict.OK, said=said)


def warning(about: str, said: str, todo: str) -> Finding:
    return Finding(about=about, verdict=Verdict.WARNING, said=said, todo=todo)


def wrong(about: str, said: str, todo: str) -> Finding:
    return Finding(about=about, verdict=Verdict.WRONG, said=said, todo=todo)


Findings = AsyncIterator[Finding]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One group of findings about one thing. What ``look`` has found before it fails or is late counts.

    ``todo`` is what to do where it does not even come to an end.
    """

    name: str
    look: Callable[[Settings], Findings]
    todo: str


def first_line(error: BaseException) -> str:
    """Of what an error says: what follows may repeat a row, or a request."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
