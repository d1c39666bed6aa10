"""What workflows ask of activities, and what they are told: plain frozen values that travel through the engine.

Every order that a person or program caused carries ``request_id`` (asking again with the same id changes nothing more)
and ``by``. Every result that changed something carries fresh facts; of two snapshots the higher ``version`` is newer.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from rules.books import Finding
from rules.goals import WeeklyTime
from rules.joining import MovedChat
from rules.people import Caller
from rules.refusals import Refusal
from rules.stage import JourneyFacts
from rules.words import (
    AppointmentStatus,
    AppointmentType,
    GoalStatus,
    Mode,
    Outcome,
    PaymentStatus,
    RefundTo,
    Source,
    TaskKind,
)

# ---------------------------------------------------------------- facts


@dataclass(frozen=True, kw_only=True)
class PaymentFacts:
    """One payment as its appointment's workflow needs it; amounts in minor units."""

    id: str
    status: PaymentStatus
    amount: int
    currency: str
    due_at: datetime
    deadline: datetime
    next_try_at: datetime | None = None
    attempts: int = 0
    because: str | None = None
    frozen: bool = False  # by a dispute: no automatic charge


@dataclass(frozen=True, kw_only=True)
class AppointmentFacts:
    """What the database knows of one appointment."""

    version: int
    id: str
    client_id: str
    ref: str
    type: AppointmentType
    status: AppointmentStatus
    therapist: str
    starts_at: datetime
    ends_at: datetime
    client_archived: bool = False
    payment: PaymentFacts | None = None


# ---------------------------------------------------------------- the ways in


@dataclass(frozen=True, kw_only=True)
class ClientDetails:
    """Personal details; None means "not said", and leaves what is known."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    time_zone: str | None = None
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewJourney:
    request_id: str
    client_id: str
    by: Caller
    source: Source
    therapist: str | None = None
    answers: dict[str, Any] | None = None
    note: str | None = None
    details: ClientDetails | None = None
    test: bool = False


@dataclass(frozen=True, kw_only=True)
class Opened:
    """``match`` is the explained match as a document, or None when nobody fits."""

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    therapist: str | None = None
    match: dict[str, Any] | None = None
    contact_required: bool = False


@dataclass(frozen=True, kw_only=True)
class MatchOrder:
    request_id: str
    client_id: str
    by: Caller
    therapist: str
    reason: str
    cancel_appointments: bool = False


@dataclass(frozen=True, kw_only=True)
class Matched:
    """``former_appointments``: the open ones with the former therapist; ``cancelled``: those of them just cancelled."""

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    match: dict[str, Any] | None = None
    former_appointments: tuple[AppointmentFacts, ...] = ()
    cancelled: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()


# ---------------------------------------------------------------- booking


@dataclass(frozen=True, kw_only=True)
class BookingOrder:
    """``weeks`` above 1 books a weekly series. ``hold_id`` names a hold that this booking uses up.

    ``reason`` is the practice's: why it books, where it sets rules aside.
    """

    request_id: str
    client_id: str
    by: Caller
    type: AppointmentType
    starts_at: datetime
    mode: Mode
    weeks: int = 1
    skip_conflicts: bool = False
    hold_id: str | None = None
    reason: str | None = None
    details: ClientDetails | None = None


@dataclass(frozen=True, kw_only=True)
class Booked:
    """``first`` marks the first booking ever; ``known_elsewhere`` a public booking with an address somebody has.

    ``resumed`` are appointments that were left open by an archive which this booking ended, ``debts`` owed payments
    that a card which came meanwhile can settle. ``exceptions`` are the dates that only the practice could take, and
    why. ``lines`` names therapists whose waitlist this concerns.
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
    debts: tuple[PaymentFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CancelOrder:
    request_id: str
    appointment_id: str
    by: Caller
    reason: str | None = None
    requested_by_client: bool = False
    waive_fee: bool = False
    waive_reason: str | None = None
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
    reason: str | None = None
    hold_id: str | None = None
    confirm: bool = True  # False: only ask whether it could be


@dataclass(frozen=True, kw_only=True)
class OutcomeOrder:
    request_id: str
    appointment_id: str
    by: Caller
    outcome: Outcome
    waive_fee: bool = False
    waive_reason: str | None = None
    reason: str | None = None  # kept with the fact: why it is marked late, or corrected


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What became of an appointment. ``changed`` is False when the request had already been carried out.

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


@dataclass(frozen=True, kw_only=True)
class LinksChanged:
    facts: JourneyFacts
    appointment_ids: tuple[str, ...] = ()


# ---------------------------------------------------------------- waitlist


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
    """A time that is offered to somebody in line. ``asked_for``: an archived client waits, by an own wish."""

    offer_id: str
    client_id: str
    asked_for: bool = False


@dataclass(frozen=True, kw_only=True)
class PlaceInLine:
    """What the line's workflow shows of one place: opaque values only."""

    place_id: str
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


# ---------------------------------------------------------------- account, details and forms


@dataclass(frozen=True, kw_only=True)
class ActivationOrder:
    """The link's token and the password arrive hashed: neither travels through the engine."""

    request_id: str
    client_id: str
    token_hash: str
    password_hash: str


@dataclass(frozen=True, kw_only=True)
class LinkOrder:
    """Send a new activation link."""

    request_id: str
    client_id: str
    by: Caller


@dataclass(frozen=True, kw_only=True)
class GroupChoice:
    """The group that a client is to be in; None: in none."""

    group_id: str | None


@dataclass(frozen=True, kw_only=True)
class DetailsOrder:
    request_id: str
    client_id: str
    by: Caller
    details: ClientDetails = field(default_factory=ClientDetails)
    portal_settings: dict[str, bool] | None = None
    unsubscribed: bool | None = None
    group: GroupChoice | None = None


@dataclass(frozen=True, kw_only=True)
class FormSubmission:
    request_id: str
    client_id: str
    by: Caller
    kind: str
    answers: dict[str, Any]
    signature: str
    setup_intent: str | None = None


@dataclass(frozen=True, kw_only=True)
class FormAsking:
    """Ask the client for a form that the practice has made; its newest version counts."""

    request_id: str
    client_id: str
    by: Caller
    kind: str


@dataclass(frozen=True, kw_only=True)
class FormCompletion:
    """The answers to a form that the practice has made and asked for; ``form_id`` names the asking."""

    request_id: str
    client_id: str
    by: Caller
    form_id: str
    answers: dict[str, Any]
    signature: str


@dataclass(frozen=True, kw_only=True)
class GoalOrder:
    request_id: str
    client_id: str
    by: Caller
    text: str
    remind: WeeklyTime | None = None


@dataclass(frozen=True, kw_only=True)
class GoalChange:
    """What is not said stays; ``no_reminder`` takes the reminder away."""

    request_id: str
    client_id: str
    by: Caller
    goal_id: str
    text: str | None = None
    remind: WeeklyTime | None = None
    no_reminder: bool = False
    status: GoalStatus | None = None


@dataclass(frozen=True, kw_only=True)
class TaskResolution:
    request_id: str
    client_id: str
    by: Caller
    task_id: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """The plain answer of a step: refused, or done, with the journey's fresh facts.

    ``resumed`` are appointments whose payment goes on with a new card; ``debts`` are owed payments it can settle.
    ``lines`` names therapists whose waitlist should be looked at.
    """

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    changed: bool = True
    document: dict[str, Any] | None = None
    resumed: tuple[AppointmentFacts, ...] = ()
    debts: tuple[PaymentFacts, ...] = ()
    intents: tuple[str, ...] = ()  # to be cancelled at Stripe
    lines: tuple[str, ...] = ()


# ---------------------------------------------------------------- two records of one person


@dataclass(frozen=True, kw_only=True)
class JoinOrder:
    """Join the client's record into another: the one that staff name, or, with the token of the mailed link (hashed),
    the one whose address it was mailed to."""

    request_id: str
    client_id: str
    by: Caller
    into_id: str | None = None
    token_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Joined:
    """``facts`` are of the record that is closed now, ``into`` of the one that it was joined into, ``into_id``.

    ``appointments`` are those whose workflows must hear of it; ``ahead`` names those that came along and are still to
    be held. ``came`` are the keys of the tasks that came along; ``chats`` says of the closed record's own chats where
    their messages are now. ``intents`` are PaymentIntents of payments that stop, to be cancelled at Stripe.
    """

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    into_id: str | None = None
    into: JourneyFacts | None = None
    appointments: tuple[AppointmentFacts, ...] = ()
    ahead: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    unarchived: bool = False
    lines: tuple[str, ...] = ()
    chats: dict[str, MovedChat] = field(default_factory=dict)
    intents: tuple[str, ...] = ()


# ---------------------------------------------------------------- archive


@dataclass(frozen=True, kw_only=True)
class ArchiveOrder:
    client_id: str
    request_id: str
    by: str  # an actor; "via Temporal" where nobody is named
    reason: str | None = None
    notify: bool = True


@dataclass(frozen=True, kw_only=True)
class Archived:
    """``appointments`` are the fresh facts of every open appointment's workflow, cancelled or left.

    ``intents`` are PaymentIntents of cancelled payments, to be cancelled at Stripe; ``cancelled`` names appointments.
    """

    facts: JourneyFacts
    changed: bool
    appointments: tuple[AppointmentFacts, ...] = ()
    cancelled: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnarchiveOrder:
    """``restore``: bring back what the archive cancelled, as far as that can be."""

    client_id: str
    request_id: str
    by: str
    restore: bool = False


@dataclass(frozen=True, kw_only=True)
class Unarchived:
    """``appointments`` were left open by the archive. Of what a restore brought back, ``restored`` are appointments,
    ``booked`` their ids, a series together, and ``paying`` those whose payment is to be made after all. ``debts`` are
    owed payments that a card which came meanwhile can settle.
    """

    facts: JourneyFacts
    changed: bool
    appointments: tuple[AppointmentFacts, ...] = ()
    restored: tuple[AppointmentFacts, ...] = ()
    booked: tuple[tuple[str, ...], ...] = ()
    paying: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()
    debts: tuple[PaymentFacts, ...] = ()


# ---------------------------------------------------------------- an archive of many


@dataclass(frozen=True, kw_only=True)
class BulkArchiveOrder:
    """Archive these clients, in this order. ``asked_by`` is an actor."""

    id: str
    asked_by: str
    asked_at: datetime
    client_ids: tuple[str, ...]
    group_id: str | None = None
    reason: str | None = None
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


# ---------------------------------------------------------------- chats


@dataclass(frozen=True, kw_only=True)
class ChatLook:
    client_id: str
    chat_id: str


@dataclass(frozen=True, kw_only=True)
class ChatNews:
    """``newest_unread``: the number of the newest message that waits to be read, and may be told of; 0 if none does."""

    newest_unread: int


# ---------------------------------------------------------------- mails and tasks


@dataclass(frozen=True, kw_only=True)
class MailOrder:
    """One mail for one reason. ``key`` is made of stable ids and says the reason; it is claimed before sending.

    ``to`` is ``client``, ``therapist`` or ``care_team``. ``only_if_starts_at`` drops a reminder whose appointment has
    moved or is no longer on. ``vital`` mails are sent again after an ambiguous failure; others rather not twice.
    ``by_client`` and ``moves`` tell of a change: whose wish it was, and when each appointment began before (by id).
    ``asked_for`` mails answer a person who waits for them, and go out even while the client is archived. ``offer_id``
    names the time that a waitlist offers, ``form_id`` a form that the practice has made. ``goals`` are those that a
    reminder is about (by id), each with the instant since when its reminder stands. ``share_id`` names what was shared,
    ``chat_id`` the chat in which a message waits.
    """

    key: str
    template: str
    client_id: str
    to: str = "client"
    appointment_ids: tuple[str, ...] = ()
    payment_id: str | None = None
    therapist: str | None = None
    only_if_starts_at: datetime | None = None
    vital: bool = False
    text: str = ""
    by_client: bool = False
    moves: dict[str, datetime] = field(default_factory=dict)
    asked_for: bool = False
    offer_id: str | None = None
    form_id: str | None = None
    goals: dict[str, datetime] = field(default_factory=dict)
    chat_id: str | None = None
    share_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailResult:
    """``status``: ``sent``, ``already_sent``, ``not_wanted`` (with why), ``uncertain`` or ``undeliverable``.

    ``facts`` come along where the mail opened a task.
    """

    status: str
    because: str = ""
    facts: JourneyFacts | None = None


@dataclass(frozen=True, kw_only=True)
class TaskOrder:
    key: str
    client_id: str
    kind: TaskKind
    text: str
    appointment_id: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class CloseOrder:
    """Close an anonymous journey that nobody booked from."""

    client_id: str


# ---------------------------------------------------------------- money


@dataclass(frozen=True, kw_only=True)
class AttemptOrder:
    """``attempt`` is the number this try would have: starting the same try twice starts one."""

    payment_id: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class ConfirmationOrder:
    """Prepare one payment to be confirmed by the client at Stripe."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str


@dataclass(frozen=True, kw_only=True)
class GrantOrder:
    """Credit ``amount`` minor units to a client."""

    request_id: str
    client_id: str
    by: Caller
    amount: int
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """Give back what a payment took: ``amount`` minor units, or all that is left. ``refund_id`` names the refund."""

    request_id: str
    client_id: str
    by: Caller
    refund_id: str
    payment_id: str
    to: RefundTo
    reason: str
    amount: int | None = None


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Something to do at Stripe when it can be reached: make a refund (our id), or cancel an intent (Stripe's id)."""

    refund_id: str | None = None
    intent: str | None = None


@dataclass(frozen=True, kw_only=True)
class LetGoOrder:
    """Waive a payment, or write a debt off; who, why and when are recorded."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetryOrder:
    """Try a payment again now."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str


@dataclass(frozen=True, kw_only=True)
class AttemptStarted:
    """``started`` is False when the payment may no longer be charged: it was cancelled, paid or waived meanwhile.
    Where there is no usable card, the payment then stands as failed, and nothing was asked of Stripe.
    """

    started: bool
    appointment: AppointmentFacts
    journey: JourneyFacts


@dataclass(frozen=True, kw_only=True)
class Charged:
    """How the card answered. ``status`` is Stripe's for the intent, ``decline`` a DeclineClass, or None; ``amount`` is
    what the intent was made for, in minor units; ``charge`` is Stripe's, with which the bank answered."""

    intent: str
    status: str
    amount: int | None = None
    decline: str | None = None
    decline_code: str | None = None
    charge: str | None = None


@dataclass(frozen=True, kw_only=True)
class AttemptResult:
    payment_id: str
    attempt: int
    charged: Charged | None  # None: there was no card to try


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The payment after a try or another change, with both snapshots. ``changed`` is False if it already stood so.

    ``debts`` are owed payments that a card which came meanwhile can settle.
    """

    appointment: AppointmentFacts
    journey: JourneyFacts
    changed: bool = True
    debts: tuple[PaymentFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EventHandled:
    """What an inbound event changed: nothing, one payment, or what the client's charges wait for.

    ``told`` are the appointments whose payment a dispute stopped.
    """

    settled: Settled | None = None
    told: tuple[AppointmentFacts, ...] = ()
    facts: JourneyFacts | None = None


# ---------------------------------------------------------------- reconciliation


class BooksPart(StrEnum):
    """The parts of a comparison with Stripe, in their order."""

    PAYMENTS = "payments"  # what either side has from the time compared
    UNFINISHED_PAYMENTS = "unfinished_payments"  # however old
    REFUNDS = "refunds"
    UNFINISHED_REFUNDS = "unfinished_refunds"
    DISPUTES = "disputes"
    OPEN_DISPUTES = "open_disputes"


@dataclass(frozen=True, kw_only=True)
class ReconciliationOrder:
    """Compare the ledger with Stripe; the last thirty days, unless ``since`` and ``until`` say otherwise."""

    id: str
    asked_by: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reconciling:
    """A comparison that was begun: of what happened from ``since`` to ``until``, both included, in whole seconds."""

    id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class BooksPlace:
    """Where to go on: Stripe's lists run back in time from ``until``, the ledger's by id from behind ``after``."""

    part: BooksPart
    until: datetime | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class BooksOrder:
    reconciling: Reconciling
    place: BooksPlace


@dataclass(frozen=True, kw_only=True)
class BooksLook:
    """What a part of the books has shown. ``compared`` counts lines; ``place`` is where to go on, None at the end."""

    findings: tuple[Finding, ...]
    compared: dict[str, int]
    place: BooksPlace | None


@dataclass(frozen=True, kw_only=True)
class DifferencesOrder:
    """Differences that a comparison has shown, to be looked at again, and healed or handed to a person."""

    reconciling: Reconciling
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class JourneyNews:
    """What a client's journey must hear: a stored event to look at, or fresh facts."""

    client_id: str
    event_id: str | None = None
    facts: JourneyFacts | None = None


@dataclass(frozen=True, kw_only=True)
class DifferencesSettled:
    """``left_out`` counts differences beyond what one comparison lists."""

    news: tuple[JourneyNews, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class OldDifferencesOrder:
    """Look again at the tasks of differences found before, by id from behind ``after``."""

    reconciling: Reconciling
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class OldDifferences:
    """Tasks that were closed bring ``news``. ``after`` is where to go on, None at the end."""

    news: tuple[JourneyNews, ...] = ()
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReconciliationEnd:
    """``compared`` counts everything that was looked at, ``left_out`` the differences that were not listed."""

    id: str
    compared: dict[str, int]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """How many differences were healed, and how many wait for a person."""

    healed: int
    differences: int
