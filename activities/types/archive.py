"""The archive of one client and of many, and the way back."""

from dataclasses import dataclass, field
from datetime import datetime

from activities.types.facts import AppointmentFacts
from activities.types.words import WORDS
from rules.accounts.caller import Voucher
from rules.journey.stage import JourneyFacts


@dataclass(frozen=True, kw_only=True)
class ArchiveOrder:
    """Archive one client. ``notify``: send the ordinary cancellations."""

    client_id: str
    request_id: str
    by: str  # an actor; "via Temporal" where nobody is named
    voucher: Voucher | None = None
    reason: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None
    of_many: str | None = None  # the archive of many that this is a part of: its row says why
    notify: bool = True


@dataclass(frozen=True, kw_only=True)
class Archived:
    """``appointments`` are the fresh facts of every open appointment's workflow, cancelled or left."""

    facts: JourneyFacts
    changed: bool
    appointments: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnarchiveOrder:
    """``restore``: bring back what the archive cancelled, as far as that can be."""

    client_id: str
    request_id: str
    by: str
    voucher: Voucher | None = None
    restore: bool = False


@dataclass(frozen=True, kw_only=True)
class Unarchived:
    """``appointments`` were left open by the archive. Of what a restore brought back, ``restored`` are appointments,
    and ``paying`` those whose payment is to be made after all."""

    facts: JourneyFacts
    changed: bool
    appointments: tuple[AppointmentFacts, ...] = ()
    restored: tuple[AppointmentFacts, ...] = ()
    paying: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BulkArchiveOrder:
    """What an archive of many is: the rows say who is to be archived. ``asked_by`` is an actor."""

    id: str
    asked_by: str
    asked_at: datetime
    notify: bool = True


@dataclass(frozen=True, kw_only=True)
class BulkProgress:
    """How many clients there are, and how many of them have which result."""

    total: int = 0
    archived: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        return self.archived + self.skipped + self.failed


@dataclass(frozen=True, kw_only=True)
class BulkBegun:
    """What a run of an archive of many begins with. ``stopped``: nobody else is asked."""

    order: BulkArchiveOrder
    progress: BulkProgress
    history_limit: int
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class BulkRound:
    """Clients whose journeys were ``told`` and have time left to record it; those whose journey is ``gone``, or too
    ``late``. ``stopped``: nobody else is asked."""

    id: str
    told: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class BulkLook:
    """What has been recorded by now: whose journeys have still to record it, and whose are to be told next."""

    progress: BulkProgress
    waiting: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    vouchers: dict[str, Voucher] = field(default_factory=dict)  # by client: for the signal to the journey


@dataclass(frozen=True, kw_only=True)
class JourneysGone:
    """Clients whose journeys do not answer an archive of many: their ids."""

    archive_id: str
    client_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class JourneysBack:
    """Those of them whose journeys run, each with what vouches for whoever asks."""

    vouchers: dict[str, Voucher] = field(default_factory=dict)
