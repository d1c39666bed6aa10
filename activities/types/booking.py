"""Booking, changing and marking appointments, and the waitlist."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.types.clients import ClientDetails
from activities.types.facts import AppointmentFacts
from activities.types.words import WORDS
from rules.accounts.budgets import CountedFor
from rules.accounts.caller import Caller, Voucher
from rules.enums import AppointmentType, Mode, OnClosure, Outcome
from rules.journey.settings import PlanSettings
from rules.journey.stage import JourneyFacts
from rules.policy import JourneyPolicy
from rules.refusals import Refusal


@dataclass(frozen=True, kw_only=True)
class BookingOrder:
    """``weeks`` above 1 books a series: so many appointments, one ``every`` 1, 2 or 4 weeks. ``on_closure``: what
    becomes of its dates on which the practice is closed. ``hold_id`` names a hold that this booking uses up.

    ``reason`` is the practice's: why it books, where it sets rules aside. ``whom``: for whom it is counted, where it is
    not the practice that books.
    """

    request_id: str
    client_id: str
    by: Caller
    type: AppointmentType
    starts_at: datetime
    mode: Mode
    weeks: int = 1
    every: int = 1
    on_closure: OnClosure = OnClosure.ASK
    skip_conflicts: bool = False
    hold_id: str | None = None
    reason: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None
    details: ClientDetails | None = None
    whom: CountedFor | None = None


@dataclass(frozen=True, kw_only=True)
class Booked:
    """``first`` marks the first booking ever; ``known_elsewhere`` a public booking with an address somebody has.

    ``resumed`` are appointments that were left open by an archive which this booking ended. ``exceptions`` are the
    dates that only the practice could take, and why. ``lines`` names therapists whose waitlist this concerns.
    """

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    appointments: tuple[AppointmentFacts, ...] = ()
    series_id: str | None = None
    skipped: tuple[dict[str, Any], ...] = ()
    first: bool = False
    known_elsewhere: bool = False
    unarchived: bool = False
    resumed: tuple[AppointmentFacts, ...] = ()
    exceptions: tuple[dict[str, Any], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CancelOrder:
    request_id: str
    appointment_id: str
    by: Caller
    reason: str | None = field(default=None, metadata=WORDS)
    requested_by_client: bool = False
    waive_fee: bool = False
    waive_reason: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None
    confirm: bool = True  # False: only ask what it would mean


@dataclass(frozen=True, kw_only=True)
class WouldCancel:
    """What cancelling one appointment now would mean: whether that is late, and the fee in minor units (0: none)."""

    appointment_id: str
    starts_at: datetime
    late: bool
    fee: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class RescheduleOrder:
    request_id: str
    appointment_id: str
    by: Caller
    starts_at: datetime
    reason: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None
    hold_id: str | None = None
    confirm: bool = True  # False: only ask whether it could be


@dataclass(frozen=True, kw_only=True)
class OutcomeOrder:
    request_id: str
    appointment_id: str
    by: Caller
    outcome: Outcome
    waive_fee: bool = False
    waive_reason: str | None = field(default=None, metadata=WORDS)
    reason: str | None = field(default=None, metadata=WORDS)  # why it is marked late, or corrected
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class UnmarkOrder:
    """Take back what was said of how an appointment went, as if nobody had said anything."""

    request_id: str
    client_id: str
    appointment_id: str
    by: Caller


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of an appointment. ``changed`` is False when it stood so already. Asked again, it is the same answer.

    ``lines`` names therapists whose waitlist should be looked at, because time was freed or a place ended. ``would``
    answers a cancellation that was not confirmed; ``exceptions`` are the rules that a move by the practice sets aside.
    """

    refusal: Refusal | None = None
    appointment: AppointmentFacts | None = None
    journey: JourneyFacts | None = None
    changed: bool = False
    sequence: int = 0
    lines: tuple[str, ...] = ()
    would: tuple[WouldCancel, ...] = ()
    exceptions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class AppointmentResumed:
    """What the rows know of an appointment, for a workflow that knows nothing but its id. ``settings`` are those in
    force, ``mailed`` the keys of the mails about it that were made already; ``former`` the ids of the records that were
    joined into the client's: one of them may have had it before."""

    facts: AppointmentFacts
    settings: PlanSettings
    mailed: tuple[str, ...] = ()
    former: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FollowingCancelOrder(CancelOrder):
    """Cancel an appointment of a series and all after it."""

    client_id: str


@dataclass(frozen=True, kw_only=True)
class FollowingMoveOrder(RescheduleOrder):
    """Move an appointment of a series, and all after it with it."""

    client_id: str


@dataclass(frozen=True, kw_only=True)
class FollowingChanged:
    """What became of an appointment and those after it, in the order of weeks.

    ``moves`` tells when each began before, by id; with ``changed`` False nothing is new, or only asked for: then
    ``moves`` tells when each would begin.
    """

    refusal: Refusal | None = None
    journey: JourneyFacts | None = None
    appointments: tuple[AppointmentFacts, ...] = ()
    moves: dict[str, datetime] = field(default_factory=dict)
    changed: bool = False
    lines: tuple[str, ...] = ()
    would: tuple[WouldCancel, ...] = ()
    exceptions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class LinksOrder:
    """The therapist's link has changed: the appointments ahead that use it get the new one."""

    request_id: str
    client_id: str
    therapist: str
    by: str
    voucher: Voucher | None = None


@dataclass(frozen=True, kw_only=True)
class LinksChanged:
    facts: JourneyFacts


@dataclass(frozen=True, kw_only=True)
class WaitOrder:
    """Wait for a time with the client's therapist that starts from ``wished_from`` on and before ``wished_until``."""

    request_id: str
    client_id: str
    by: Caller
    therapist: str
    type: AppointmentType
    wished_from: datetime
    wished_until: datetime


@dataclass(frozen=True, kw_only=True)
class LeaveOrder:
    request_id: str
    client_id: str
    by: Caller
    place_id: str


@dataclass(frozen=True, kw_only=True)
class OfferMade:
    """A time that is offered to somebody in line."""

    offer_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class PlaceInLine:
    """What the line's workflow shows of one place: opaque values only."""

    place_id: str
    client_id: str
    ref: str
    type: AppointmentType
    wished_from: datetime
    wished_until: datetime
    offered: datetime | None = None  # the start of what is offered now
    offered_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LineLook:
    """A therapist's line, first place first. ``look_at``: when something about it may change by time alone.

    ``offers`` are all that are open, new or not: whoever asked before may not have heard of them.
    """

    line: tuple[PlaceInLine, ...]
    offers: tuple[OfferMade, ...] = ()
    look_at: datetime | None = None
    policy: JourneyPolicy = field(default_factory=JourneyPolicy)
