"""Where a client is on the journey: facts in, stage out.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from rules.enums import AppointmentType, PaymentStatus, Stage
from rules.journey.goals import GoalReminder
from rules.money.cards import SavedCard


@dataclass(frozen=True, kw_only=True)
class OpenAppointment:
    """An appointment that is still ``scheduled``: ahead, running, or waiting for its outcome."""

    id: str
    type: AppointmentType
    starts_at: datetime
    ends_at: datetime
    planned_at: datetime | None = None  # when it was booked, or moved last


@dataclass(frozen=True, kw_only=True)
class AskedForm:
    """A form that a client was asked for by itself, and has not completed yet: one of the practice's own, or an intake
    form in a new version. ``gates_from``: when bookings will wait for it; none if they do, or never will."""

    id: str
    asked_at: datetime
    intake: bool = False
    gates_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TaskPayment:
    """How a payment stands that a task is about; ``amount`` in minor units, and of it ``refunded`` what was given back
    to card and credit."""

    id: str
    status: PaymentStatus
    amount: int
    currency: str
    deadline: datetime
    because: str | None = None
    refunded: int = 0


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """A task that nobody has resolved yet. ``key`` says the reason in stable ids; the rest is what it is about, if it
    is about one: an appointment, a payment, the record of another client (``other_id``), and what was to be
    given back (``amount``, in minor units). ``over``: of a dispute, that the bank has decided."""

    key: str
    kind: str
    id: str
    appointment_id: str | None = None
    payment: TaskPayment | None = None
    other_id: str | None = None
    amount: int | None = None
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Debt:
    """An owed payment that is to be tried again, not before that instant. ``attempts`` are the tries that were made."""

    payment_id: str
    attempts: int
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JourneyFacts:
    """What the database knows of one client, as far as the journey needs it.

    ``version`` is the number of the client's newest timeline entry: of two snapshots, the higher one is newer.
    """

    version: int
    ref: str
    archived: bool
    created_at: datetime
    first_name: str | None = None
    therapist: str | None = None
    matched_at: datetime | None = None
    anonymous: bool = True  # no detail of the person is known
    reachable: bool = False  # an address is known
    known_since: datetime | None = None  # when the first details of the person were given
    account_active: bool = False
    first_booked_at: datetime | None = None
    forms_requested_at: datetime | None = None
    outstanding_forms: tuple[str, ...] = ()
    open_appointments: tuple[OpenAppointment, ...] = ()
    intro_occurred_at: datetime | None = None  # the end of the latest one with the present therapist
    unbooked_since: datetime | None = None  # when it was known that the intro call occurred, or a session was cancelled
    session_booked: bool = False  # one that was not cancelled, whenever it is or was
    session_occurred: bool = False
    open_tasks: tuple[OpenTask, ...] = ()
    card: SavedCard | None = None  # the one that is charged; none if the bank has blocked it
    payment_open: bool = False  # one that is neither settled nor called off
    time_zone: str = "UTC"  # the client's; while they have said none, the therapist's
    goals: tuple[GoalReminder, ...] = ()  # open ones to be reminded of; none while the client gets no such mail
    asked_forms: tuple[AskedForm, ...] = ()  # by themselves: the practice's own, and new versions
    active_since: datetime | None = None  # the end of the last archive, or the last join: what fell due before is past
    debts: tuple[Debt, ...] = ()
    deliver_at: datetime | None = None  # when something of the client's outbox is due next

    def has_open(self, kind: AppointmentType) -> bool:
        return any(appointment.type == kind for appointment in self.open_appointments)

    def next_open(self, *, after: datetime) -> OpenAppointment | None:
        ahead = (a for a in self.open_appointments if a.starts_at > after)
        return min(ahead, key=lambda a: (a.starts_at, a.id), default=None)

    def next_start(self, *, after: datetime) -> datetime | None:
        ahead = self.next_open(after=after)
        return ahead.starts_at if ahead else None


def is_news(facts: JourneyFacts, *, after: JourneyFacts) -> bool:
    """Whether a journey that knows the facts ``after`` which these are must hear of these: it would plan, show or do
    something else. That a payment was made is none while a session is ahead, and another payment."""
    return _as_heard(facts) != _as_heard(after)


def _as_heard(facts: JourneyFacts) -> JourneyFacts:
    pays = facts.payment_open or facts.has_open(AppointmentType.SESSION)
    return replace(facts, version=0, payment_open=pays)


def stage_of(facts: JourneyFacts, *, as_if_active: bool = False) -> Stage:
    """The first line that holds. ``as_if_active`` is the client side's view, which never tells of an archive.

    An appointment counts as ahead until its outcome is known: the stage is a projection that changes with facts, and
    the mere passing of a start time is none.
    """
    if facts.archived and not as_if_active:
        return Stage.ARCHIVED
    if facts.therapist is None:
        return Stage.MATCHING
    if facts.first_booked_at is None:
        return Stage.FIRST_BOOKING
    if facts.session_occurred:
        return Stage.IN_CARE
    if not facts.account_active:
        return Stage.ACTIVATION
    if facts.outstanding_forms:
        return Stage.INTAKE
    if facts.has_open(AppointmentType.INTRO_CALL):
        return Stage.INTRO_CALL
    if facts.has_open(AppointmentType.SESSION):
        return Stage.IN_CARE
    return Stage.SCHEDULING
