"""Keeping: one round in which what must run is compared with what runs."""

from dataclasses import dataclass
from datetime import datetime

from rules.accounts.caller import Voucher
from rules.journey.stage import JourneyFacts
from rules.keeping import Kept

FIRST = Kept.JOURNEY


@dataclass(frozen=True, kw_only=True)
class KeepingOrder:
    id: str
    asked_by: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a round has come: which kind is looked at, and the key of the last row of it that was."""

    kind: Kept = FIRST
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Began:
    """``epoch``: that of the database, which workflows must have. ``tells``: settings have changed, and everybody that
    runs is to be told."""

    epoch: str
    tells: bool = False


@dataclass(frozen=True, kw_only=True)
class PageOrder:
    keeping_id: str
    epoch: str
    place: Place


@dataclass(frozen=True, kw_only=True)
class PageKept:
    """``place`` is the next, None behind the last. ``epoch`` is another than asked for where the database turned out to
    be older than a workflow: then the round begins anew."""

    looked_at: int
    place: Place | None
    epoch: str


@dataclass(frozen=True, kw_only=True)
class SettingsTold:
    """``place``: who is to be told next; None when all know."""

    place: Place | None


@dataclass(frozen=True, kw_only=True)
class WedgedOrder:
    keeping_id: str
    epoch: str
    looked_at: int


@dataclass(frozen=True, kw_only=True)
class NewLink:
    """A therapist (a slug) has a link that a client's appointments ahead have not got. ``by`` is an actor."""

    request_id: str
    therapist: str
    by: str
    voucher: Voucher


@dataclass(frozen=True, kw_only=True)
class JourneyHears:
    """What a client's journey is told: fresh facts, because a task was opened; the id of a stored event that was acted
    on; a new link; or that there is something to deliver."""

    client_id: str
    facts: JourneyFacts | None = None
    event_id: str | None = None
    link: NewLink | None = None
    delivers: bool = False


@dataclass(frozen=True, kw_only=True)
class TasksOpened:
    news: tuple[JourneyHears, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PracticeMailed:
    """``look_at``: when something more is due; None while nothing waits."""

    look_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class KeepingEnd:
    id: str
    looked_at: int


@dataclass(frozen=True, kw_only=True)
class KeepingDone:
    looked_at: int
    resumed: int
    tasks: int
