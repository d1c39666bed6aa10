"""Patches: where workflows that were begun earlier still go the old way. Here and nowhere else the engine is asked.

A rule knows nothing of it: it takes a plain ``version``, and says with the old one what it said before. The life of a
patch, from the first line to the last, is docs/changing-a-workflow.md; each that is listed here is listed there.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from temporalio import workflow


class PatchState(StrEnum):
    ACTIVE = "active"  # some run may have begun without it
    DEPRECATED = "deprecated"  # none has; the old way is gone from the code, and the mark is still in histories


class Version(IntEnum):
    """What a rule is asked with."""

    BEFORE = 1
    SINCE = 2


@dataclass(frozen=True, kw_only=True)
class Patch:
    """``id`` stays in histories for good, and is never used again. ``workflows``: the types that ask for it; ``what``
    says in a sentence what is different ``since`` that day."""

    id: str
    workflows: tuple[str, ...]
    since: date
    what: str
    state: PatchState = PatchState.ACTIVE

    def version(self) -> Version:
        """Which way the run goes that asks. A run that asks only later, on its way, gets the new one: so it asks at its
        beginning, keeps the answer, and is of one shape to its end."""
        if self.state is PatchState.DEPRECATED:
            workflow.deprecate_patch(self.id)
            return Version.SINCE
        return Version.SINCE if workflow.patched(self.id) else Version.BEFORE


PATCHES: tuple[Patch, ...] = ()
