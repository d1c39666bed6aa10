"""An archive of many clients at once: what becomes of each, and what all of it comes to.

`request_id_of` runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from rules.archive.plan import ArchivePlan, MoneyLine
from rules.enums import ArchiveResult, ClientStatus

MOST_CLIENTS = 1000  # named one by one
MOST_MATCHING = 10_000  # in a group, or found by a filter
AT_A_TIME = 50  # journeys that are asked and have not recorded it yet
QUIET = timedelta(seconds=30)  # after which it is looked whether a journey that was asked still runs
PATIENCE = timedelta(minutes=5)  # longer than a journey is ever kept by a vendor that does not answer

ALREADY_ARCHIVED = "Was archived already."
CLOSED = "The journey was closed, because nobody booked; there is nothing to archive."
JOINED = "Was joined to another record of the same person."
GONE = "The journey does not run in the engine, and could not be started again; an engineer must look at it."
LATE = "The journey did not record it in time, and may still do so; look at the client again."
STOPPED = "The archive was stopped before it was this client's turn."


class LineState(StrEnum):
    """How far an archive of many is with one client."""

    NOT_YET = "not_yet"
    TOLD = "told"  # the journey was sent the signal
    GONE = "gone"  # there was no journey to send it to, nor could it be started again
    LATE = "late"  # sent, and not recorded within PATIENCE


@dataclass(frozen=True, kw_only=True)
class LineSituation:
    """One client of it. ``recorded``: the journey has archived the client at this very request."""

    asked: LineState
    recorded: bool
    status: ClientStatus
    closed: bool = False
    joined: bool = False


@dataclass(frozen=True)
class Became:
    """A result, with the sentence that says why where it is not that the client was archived."""

    result: ArchiveResult
    because: str | None = None


def request_id_of(archive_id: str, client_id: str) -> str:
    """The id of the request with which one client's journey is asked: the same however often it is asked."""
    return str(uuid5(UUID(archive_id), f"archive/{client_id}"))


def became(line: LineSituation, *, stopped: bool = False) -> Became | None:
    """What became of one client; None while that is open. What is recorded counts before all else."""
    if line.recorded:
        return Became(ArchiveResult.ARCHIVED)
    why_not = reason_to_skip(status=line.status, closed=line.closed, joined=line.joined)
    if why_not is None and stopped and line.asked is LineState.NOT_YET:
        why_not = STOPPED
    if why_not is not None:
        return Became(ArchiveResult.SKIPPED, why_not)
    if line.asked is LineState.GONE:
        return Became(ArchiveResult.FAILED, GONE)
    if line.asked is LineState.LATE:
        return Became(ArchiveResult.FAILED, LATE)
    return None


def reason_to_skip(*, status: ClientStatus, closed: bool, joined: bool) -> str | None:
    """Why there is nothing to archive, or None."""
    if joined:
        return JOINED
    if closed:
        return CLOSED
    return ALREADY_ARCHIVED if status is ClientStatus.ARCHIVED else None


# ---------------------------------------------------------------- before it is confirmed


@dataclass(frozen=True, kw_only=True)
class PreviewTotals:
    """What the plans of many clients come to; money by currency, in the order of its code."""

    appointments: int
    payments: int
    money: tuple[MoneyLine, ...]


def totals_of(plans: Iterable[ArchivePlan]) -> PreviewTotals:
    appointments = payments = 0
    money: dict[str, MoneyLine] = {}
    for plan in plans:
        appointments += len(plan.appointments)
        payments += len(plan.payments)
        for line in plan.money:
            before = money.get(line.currency, MoneyLine(currency=line.currency, credit=0, owed=0))
            money[line.currency] = replace(before, credit=before.credit + line.credit, owed=before.owed + line.owed)
    return PreviewTotals(
        appointments=appointments, payments=payments, money=tuple(money[currency] for currency in sorted(money))
    )
