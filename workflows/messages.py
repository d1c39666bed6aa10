"""Everything the API and the tests need to talk to the workflows: ids, inputs, updates, signals, queries, views."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from activities.types import (
    archive,
    booking,
    care,
    clients,
    events,
    forms,
    keeping,
    money,
    reconciliation,
    sealing,
    words,
    workflow_ids,
)
from activities.types.facts import PaymentFacts
from rules import keeping as keeping_rules
from rules.accounts.caller import Voucher
from rules.journey.stage import JourneyFacts

TASK_QUEUE = "care-journeys"
CLIENT_JOURNEY = "ClientJourney"
APPOINTMENT_JOURNEY = "AppointmentJourney"
WAITLIST_OFFER = "WaitlistOffer"
RECONCILE_PAYMENTS = "ReconcilePayments"
BULK_ARCHIVE = "BulkArchive"
KEEP_JOURNEYS = "KeepJourneys"
PRACTICE_MAIL = "PracticeMail"
REENCRYPT = "Reencrypt"
WEBHOOK_ENDPOINT = "WebhookEndpoint"
OUTSIDE_CALENDAR = "OutsideCalendar"
KEEP_JOURNEYS_ID = "keep-journeys"
PRACTICE_MAIL_ID = keeping_rules.PRACTICE_MAIL_ID


journey_id = workflow_ids.journey_id
appointment_workflow_id = workflow_ids.appointment_workflow_id


def waitlist_id(therapist: str) -> str:
    """The line of one therapist, by slug."""
    return f"waitlist:{therapist}"


def reconciliation_id(id: str) -> str:
    return f"reconcile-payments:{id}"


def reencryption_id(id: str) -> str:
    return keeping_rules.Kept.REENCRYPTION.id_of(id)


def webhook_workflow_id(id: str) -> str:
    return keeping_rules.Kept.WEBHOOK.id_of(id)


def calendar_id(id: str) -> str:
    return keeping_rules.Kept.CALENDAR.id_of(id)


def bulk_archive_id(id: str) -> str:
    return f"bulk-archive:{id}"


# ---------------------------------------------------------------- workflow inputs


@dataclass(frozen=True, kw_only=True)
class JourneyInput:
    """``new`` begins a journey; without it, everything is read from the database."""

    client_id: str
    new: clients.NewJourney | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentInput:
    """The id is enough: every run reads the rest from the rows. ``read`` is what the step has read that made the
    appointment, and spares a run that begins at once the reading."""

    appointment_id: str
    read: booking.AppointmentResumed | None = None


@dataclass(frozen=True, kw_only=True)
class WaitlistInput:
    """The line of one therapist (a slug)."""

    therapist: str


@dataclass(kw_only=True)
class ReconciliationState:
    """How far a comparison with Stripe has come, from one run to the next. ``place`` is None once all was compared."""

    reconciling: reconciliation.Reconciling
    place: reconciliation.ComparisonCursor | None
    compared: dict[str, int] = field(default_factory=dict)
    left_out: int = 0
    after: str | None = None  # of the earlier differences, the last that was looked at again


@dataclass(frozen=True, kw_only=True)
class ReconciliationInput:
    """``order`` starts a comparison; ``state`` continues one. A schedule says nothing: the usual time is compared."""

    order: reconciliation.ReconciliationOrder | None = None
    state: ReconciliationState | None = None


@dataclass(kw_only=True)
class BulkArchiveState:
    """How far an archive of many has come, from one run to the next. ``told`` has the clients whose journeys were sent
    the signal and have not recorded it yet, each with the seconds waited since; ``gone`` those who have no journey."""

    progress: archive.BulkProgress = field(default_factory=archive.BulkProgress)
    told: dict[str, float] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    pause: float = 0.2  # seconds until the next look
    finished: bool = False


@dataclass(frozen=True, kw_only=True)
class BulkArchiveInput:
    """``state`` makes a continued run quick; what is asked for is in the database."""

    archive_id: str
    state: BulkArchiveState | None = None


@dataclass(frozen=True, kw_only=True)
class KeepingInput:
    """The rounds that were asked for. A schedule says nothing: one round."""

    asked: tuple[keeping.KeepingOrder, ...] = ()


@dataclass(kw_only=True)
class SealingState:
    """How far a reencryption has come, from one run to the next. ``place`` is None once all was looked at."""

    place: sealing.SealingPlace | None
    looked_at: int = 0
    sealed: int = 0
    unreadable: int = 0


@dataclass(frozen=True, kw_only=True)
class ReencryptInput:
    """``state`` continues a round; without it, it begins."""

    id: str
    state: SealingState | None = None


@dataclass(frozen=True, kw_only=True)
class WebhookInput:
    """The id is enough: what is to be told is in the database."""

    endpoint_id: str


@dataclass(frozen=True, kw_only=True)
class CalendarInput:
    """The id of a calendar that a therapist keeps elsewhere is enough. ``seen`` is how the run before has left it: then
    the next look is waited for, and not taken at once."""

    id: str
    seen: events.CalendarLook | None = None


# ---------------------------------------------------------------- signals


@dataclass(frozen=True, kw_only=True)
class ArchiveSignal:
    """The argument of ``archive``. A person leaves out what they like, or all of it; ``by`` is an actor."""

    request_id: str
    by: str
    voucher: Voucher | None = None
    reason: str | None = field(default=None, metadata=words.WORDS)
    handed_in: str | None = None
    of_many: str | None = None
    notify: bool = True


@dataclass(frozen=True, kw_only=True)
class UnarchiveSignal:
    """The argument of ``unarchive``, as of ``archive``; ``restore`` brings back what it cancelled, where it can."""

    request_id: str
    by: str
    voucher: Voucher | None = None
    restore: bool = False


@dataclass(frozen=True, kw_only=True)
class JoinedSignal:
    """The argument of ``system.record_joined``: the record that was joined into this one, and this one's facts now."""

    from_id: str
    facts: JourneyFacts


@dataclass(frozen=True, kw_only=True)
class LinksSignal:
    """The argument of ``system.links_changed``: whose link is new, and who changed it."""

    request_id: str
    therapist: str
    by: str
    voucher: Voucher | None = None


@dataclass(frozen=True, kw_only=True)
class FormVersionSignal:
    """The argument of ``system.form_version_published``: of which form. The journey asks for whatever is missing."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class MessageSignal:
    """The argument of ``system.message_waits``: in which chat, and the request that wrote the message."""

    request_id: str
    chat_id: str


# What begins with "system." is not for people.
ARCHIVE = workflow_ids.ARCHIVE
UNARCHIVE = workflow_ids.UNARCHIVE
AGAIN = workflow_ids.AGAIN
APPOINTMENT_REPORTED = "system.appointment_reported"  # from an appointment to its journey: JourneyFacts
INBOUND_EVENT = "system.inbound_event"  # from the API to a journey: the id of a stored event
SETTINGS_CHANGED = (
    workflow_ids.SETTINGS_CHANGED
)  # from the keeper to journeys and appointments: they read the settings anew
FACTS_CHANGED = "system.facts_changed"  # to an appointment: AppointmentFacts
RECORD_JOINED = "system.record_joined"  # from the journey of a record that was joined into this one: JoinedSignal
LINKS_CHANGED = workflow_ids.LINKS_CHANGED  # from the API to a journey: LinksSignal
OUTBOX_FILLED = "system.outbox_filled"  # to a journey: something was put into its outbox by somebody else
FORM_VERSION_PUBLISHED = "system.form_version_published"  # from whoever publishes to a journey: FormVersionSignal
MESSAGE_WAITS = "system.message_waits"  # from the API to a journey: MessageSignal
LOOK_AGAIN = workflow_ids.LOOK_AGAIN
KEEP = "system.keep"  # from the API to the keeper: KeepingOrder
STOP = workflow_ids.STOP

JOURNEY_CLOSED = "JourneyClosed"  # why an update fails that comes after the end


# ---------------------------------------------------------------- updates

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Update(Generic[Argument, Result]):
    """An update by name, with the types of its argument and of its answer."""

    name: str
    argument: type[Argument]
    result: type[Result]


BEGIN = Update("system.begin", clients.NewJourney, clients.Opened)
MATCH_BY_HAND = Update("match_by_hand", clients.MatchOrder, clients.Matched)
BOOK = Update("book", booking.BookingOrder, booking.Booked)
ACTIVATE = Update("system.activate", clients.ActivationOrder, clients.Done)
SEND_ACTIVATION_LINK = Update("send_activation_link", clients.LinkOrder, clients.Done)
CHANGE_DETAILS = Update("change_details", clients.DetailsOrder, clients.Done)
SET_UP_CARD = Update("system.set_up_card", money.CardSetupOrder, clients.Done)
SUBMIT_FORM = Update("system.submit_form", forms.FormSubmission, clients.Done)
PREPARE_CONFIRMATION = Update("system.prepare_confirmation", money.ConfirmationOrder, clients.Done)
RESOLVE_TASK = Update("resolve_task", clients.TaskResolution, clients.Done)
JOIN = Update("join", clients.JoinOrder, clients.Joined)

CANCEL_FOLLOWING = Update("cancel_following", booking.FollowingCancelOrder, booking.FollowingChanged)
RESCHEDULE_FOLLOWING = Update("reschedule_following", booking.FollowingMoveOrder, booking.FollowingChanged)
GRANT_CREDIT = Update("grant_credit", money.GrantOrder, clients.Done)
REFUND = Update("refund", money.RefundOrder, clients.Done)
WAIVE_PAYMENT = Update("waive_payment", money.LetGoOrder, clients.Done)
WRITE_OFF_PAYMENT = Update("write_off_payment", money.LetGoOrder, clients.Done)
REFUSE_APPROVAL = Update("system.refuse_approval", money.ApprovalRefusal, clients.Done)
RETRY_PAYMENT = Update("retry_payment", money.RetryOrder, clients.Done)
JOIN_WAITLIST = Update("join_waitlist", booking.WaitOrder, clients.Done)
LEAVE_WAITLIST = Update("leave_waitlist", booking.LeaveOrder, clients.Done)
CREATE_GOAL = Update("system.create_goal", care.GoalOrder, clients.Done)
CHANGE_GOAL = Update("system.change_goal", care.GoalChange, clients.Done)
REQUEST_FORM = Update("request_form", forms.FormAsking, clients.Done)
COMPLETE_FORM = Update("system.complete_form", forms.FormCompletion, clients.Done)

UNMARK_OUTCOME = Update("unmark_outcome", booking.UnmarkOrder, booking.Changed)
RECORD_OUTCOME = Update("record_outcome", booking.OutcomeOrder, booking.Changed)
CANCEL = Update("cancel", booking.CancelOrder, booking.Changed)
RESCHEDULE = Update("reschedule", booking.RescheduleOrder, booking.Changed)


# ---------------------------------------------------------------- queries and their views

JOURNEY_QUERY = "journey"
APPOINTMENT_QUERY = "appointment"
WAITLIST_QUERY = "waitlist"
RECONCILIATION_QUERY = "reconciliation"
BULK_ARCHIVE_QUERY = "bulk_archive"
REENCRYPTION_QUERY = "reencryption"
CALENDAR_QUERY = "calendar"


@dataclass(frozen=True, kw_only=True)
class JourneyProgress:
    """What the ``journey`` query answers: where the client is, and what comes next."""

    ref: str
    stage: str
    therapist: str | None
    archived: bool
    waiting_for: str
    next_step_at: datetime | None
    outstanding_forms: list[str]
    open_appointments: list[dict[str, Any]]
    needs_attention: list[str]
    version: int


@dataclass(frozen=True, kw_only=True)
class AppointmentProgress:
    """What the ``appointment`` query answers."""

    id: str
    type: str
    status: str
    starts_at: datetime
    ends_at: datetime
    waiting_for: str
    next_step_at: datetime | None
    payment: PaymentFacts | None


@dataclass(frozen=True, kw_only=True)
class WaitlistProgress:
    """What the ``waitlist`` query answers: the line of one therapist, first place first."""

    therapist: str
    line: list[booking.PlaceInLine]
    next_look_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ReconciliationProgress:
    """What the ``reconciliation`` query answers. ``comparing`` is the part that is looked at now; ``result`` is there
    at the end."""

    id: str | None
    since: datetime | None
    until: datetime | None
    comparing: str | None
    compared: dict[str, int]
    result: reconciliation.Reconciled | None


@dataclass(frozen=True, kw_only=True)
class BulkArchiveProgress:
    """What the ``bulk_archive`` query answers. ``status`` is ``running`` or ``finished``; ``waiting_for`` journeys were
    asked and have not recorded it yet."""

    id: str
    asked_by: str
    status: str
    total: int
    done: int
    archived: int
    skipped: int
    failed: int
    waiting_for: int
    stopped: bool
