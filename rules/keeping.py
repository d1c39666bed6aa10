"""What the keeper goes by: which workflows there are, by whose rows they must run, and when it leaves one alone.

Of `Kept`, what an id says runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

NOT_YET = timedelta(minutes=1)  # rows younger than that are not looked at: their workflow is about to start
WEDGED_AFTER = timedelta(minutes=10)  # of failing workflow tasks, with none that worked since
A_DAY = timedelta(days=1)
TIMES_A_DAY = 2  # that one workflow is started again; the next time a person must look
LATE_BY = timedelta(minutes=30)  # before something that should have happened by itself is a task
TRIED_FOR_LONG = 6  # the try of a mail or an errand that comes half an hour after the first, by the pauses between
_FEW, _SHARE = 5, 0.01

PRACTICE_MAIL_ID = "practice-mail"  # of the workflow that delivers for records that are closed


class Kept(StrEnum):
    """The kinds of workflows that follow rows, by what their ids begin with; looked at in this order."""

    JOURNEY = "client-journey"
    APPOINTMENT = "appointment"
    WAITLIST = "waitlist"
    BULK_ARCHIVE = "bulk-archive"
    COMPARISON = "reconcile-payments"
    REENCRYPTION = "reencrypt"
    WEBHOOK = "webhook"
    CALENDAR = "calendar"

    def id_of(self, key: str) -> str:
        """The workflow's id; ``key`` is the row's id, or a therapist's slug."""
        return f"{self.value}:{key}"

    @property
    def following(self) -> "Kept | None":
        """The kind that is looked at next."""
        kinds = list(Kept)
        place = kinds.index(self) + 1
        return kinds[place] if place < len(kinds) else None


def kept(workflow_id: str) -> tuple[Kept, str] | None:
    """Of which kind a workflow of this id is, and the key of its row. None for one that follows no row."""
    kind, _, key = workflow_id.partition(":")
    return (Kept(kind), key) if kind in set(Kept) and key else None


class MarkedBy(StrEnum):
    """Who wrote into the chains that an epoch began: whoever ran the command after a restore, or the keeper, by what it
    found in the database."""

    PERSON = "person"
    KEEPER = "keeper"


class ResumedBecause(StrEnum):
    """What had become of a workflow that was started again."""

    MISSING = "missing"  # the engine does not know it (any more)
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"
    WEDGED = "wedged"  # its workflow tasks failed, one after the other
    OTHER_EPOCH = "other_epoch"  # it knew a past that this database does not have

    @property
    def told(self) -> str:
        return _TOLD[self]


_TOLD = {
    ResumedBecause.MISSING: "the engine did not know it any more",
    ResumedBecause.COMPLETED: "it had ended too early",
    ResumedBecause.FAILED: "it had failed",
    ResumedBecause.CANCELLED: "it had been cancelled",
    ResumedBecause.TERMINATED: "it had been terminated",
    ResumedBecause.TIMED_OUT: "it had run out of time",
    ResumedBecause.WEDGED: "it could not go on",
    ResumedBecause.OTHER_EPOCH: "it was from before the database was restored",
}


def too_many_wedged(wedged: int, *, looked_at: int) -> bool:
    """More than a few at once is a broken release or a missing key: to start them again would help nobody."""
    return wedged > max(_FEW, looked_at * _SHARE)


# ---------------------------------------------------------------- settings

SETTINGS_SEEN_FOR = timedelta(days=1)  # after that it is forgotten that programs had others
_STAND_AT_MOST = 12  # rounds, which is two hours
_DIFFER_AFTER = 3  # a roll-out that takes three rounds comes back twice at most


def rounds_to_stand(seen: Sequence[Hashable]) -> int:
    """How many rounds in a row must find settings before they are in force. ``seen``: those of the last day, in order,
    each as often as it followed others. At once, unless some came back; else one more for each time that they did."""
    return min(1 + _times_come_back(seen), _STAND_AT_MOST)


def settings_differ(seen: Sequence[Hashable]) -> bool:
    """Whether that is no roll-out, nor one that was taken back: programs run with different settings."""
    return _times_come_back(seen) >= _DIFFER_AFTER


def _times_come_back(seen: Sequence[Hashable]) -> int:
    return len(seen) - len(set(seen))


# ---------------------------------------------------------------- after a restore

_USUAL, _OVERLAP, _LONGEST = timedelta(days=30), timedelta(days=1), timedelta(days=366)


def missing_since(*, began: datetime, newest_fact: datetime | None, marked: bool) -> datetime:
    """From when on a restored database may lack what Stripe did: a day before the newest thing that it knows of.

    Where nobody ``marked`` the restore before workers went on, what is newest may have happened since: then a month at
    least. ``began`` is when its epoch did.
    """
    since = (newest_fact or began) - _OVERLAP
    if newest_fact is None or not marked:
        since = min(since, began - _USUAL)
    return max(since, began - _LONGEST)


def comparison_counts(
    *, epoch_began: datetime, missing_since: datetime, began: datetime, since: datetime, until: datetime
) -> bool:
    """Whether a comparison with Stripe tells all that a restored database may lack: it ``began`` after the restore, and
    looks from what is missing ``since`` on up to the restore. Comparisons go by whole seconds."""
    restored = epoch_began.replace(microsecond=0)
    return began >= epoch_began and since <= missing_since and until >= restored
