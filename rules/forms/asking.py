"""The forms gate: which versions of a form a client is asked for, and from when on bookings wait for it.

**One rule.** A form gates the client side's bookings once it was asked for and while it is not complete: what is asked
for with the first booking at once, and what is asked for again only from ``form_grace`` after it was asked for. Never
asked is never outstanding, with one exception: before the first booking ever, what that booking will ask for counts
(so a series cannot be the first booking, and a form may be completed before anybody asked for it).

Of each form only the newest asking counts. A new version is asked for once, of whoever was asked for an older one; an
intake form that is still open moves to the newest version, for nobody is to sign what does not hold any more. One of
the practice's own keeps the version that was asked for, and gates nothing.

| asked for so far | newest version | at | gates from |
|---|---|---|---|
| nothing | 1 (or any) | the first booking | at once |
| nothing: the form is new | 1 | any later asking | asking + ``form_grace`` |
| version 1, complete | 2 | any asking | asking + ``form_grace`` |
| version 1, open, gating at once | 2 | any asking | at once, as before |
| version 2, open, completed in version 1 | 3 | any asking | asking + ``form_grace`` |
| version 2, complete or open | 2 | any asking | not asked again |
| version 2, open, gating at once, completed in version 1 | 2 | any asking | asking + ``form_grace`` |

The last row is what a join makes of two records: the one had completed the form, the other was asked for a newer
version with its first booking. The person was not asked for it again, so nothing waits for it until they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class AskedVersion:
    """A form as a client was asked for it. ``gates_from`` None: at once."""

    kind: str
    version: int
    complete: bool
    gates_from: datetime | None = None

    def gates(self, as_of: datetime) -> bool:
        """Whether the client side's bookings wait for it, if it is an intake form."""
        return not self.complete and (self.gates_from is None or self.gates_from <= as_of)


def outstanding(
    askings: Iterable[AskedVersion], *, intake: Sequence[str], never_booked: bool, as_of: datetime
) -> tuple[str, ...]:
    """The ``intake`` kinds for which the client side's bookings wait, in the order given."""
    askings = tuple(askings)
    last, completed = _newest(askings), _completed(askings)
    return tuple(
        kind
        for kind in intake
        if (last[kind].gates(as_of) and not _came_along(last[kind], completed) if kind in last else never_booked)
    )


@dataclass(frozen=True, kw_only=True)
class NewAsking:
    """A version to be asked for. ``instead``: of the open asking of an older one, which moves to this version."""

    kind: str
    version: int
    gates_from: datetime | None
    instead: bool = False


def intake_to_ask(
    askings: Sequence[AskedVersion], *, newest: Mapping[str, int], first_booking: bool, at: datetime, grace: timedelta
) -> list[NewAsking]:
    """What is missing of the intake forms whose ``newest`` versions are given, in their order."""
    last = _newest(askings)
    completed = _completed(askings)
    found = []
    for kind, version in newest.items():
        before = last.get(kind)
        came_along = before is not None and _came_along(before, completed)
        if before is not None and before.version >= version and not came_along:
            continue
        still_open = before is not None and not before.complete
        gates_already = before is not None and still_open and before.gates_from is None
        at_once = kind not in completed and (first_booking or gates_already)
        found.append(
            NewAsking(kind=kind, version=version, gates_from=None if at_once else at + grace, instead=still_open)
        )
    return found


def own_to_ask(askings: Iterable[AskedVersion], *, newest: Mapping[str, int]) -> list[NewAsking]:
    """The practice's own forms that the client has completed in an older version than the ``newest``."""
    return [
        NewAsking(kind=kind, version=newest[kind], gates_from=None)
        for kind, before in sorted(_newest(askings).items())
        if before.complete and before.version < newest.get(kind, 0)
    ]


def _completed(askings: Iterable[AskedVersion]) -> set[str]:
    return {asking.kind for asking in askings if asking.complete}


def _came_along(asking: AskedVersion, completed: set[str]) -> bool:
    """Whether it is another record's first asking, which a join put on top of what this client has completed."""
    return not asking.complete and asking.gates_from is None and asking.kind in completed


def _newest(askings: Iterable[AskedVersion]) -> dict[str, AskedVersion]:
    """The newest asking of each form; of one version, the last given."""
    last: dict[str, AskedVersion] = {}
    for asking in askings:
        if asking.kind not in last or asking.version >= last[asking.kind].version:
            last[asking.kind] = asking
    return last
