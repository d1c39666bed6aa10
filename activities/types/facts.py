"""What a step reads of one appointment and of one payment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.enums import AppointmentStatus, AppointmentType, Mode, PaymentKind, PaymentStatus


@dataclass(frozen=True, kw_only=True)
class PaymentFacts:
    """One payment as its appointment's workflow needs it, and as it is shown; amounts in minor units."""

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
    appointment_id: str = ""  # this and what follows is to be shown; older runs have not recorded it
    kind: PaymentKind = PaymentKind.SESSION
    credit_used: int = 0
    refunded: int = 0
    paid_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentShown:
    """What of an appointment is shown to people, and matters to no workflow. ``fee_amount`` is in minor units.
    The last three are missing only in what older runs have recorded."""

    mode: Mode
    fee_amount: int
    fee_currency: str
    booked_by: str
    booked_at: datetime
    join_url: str | None = None
    series_id: str | None = None
    every: int | None = None  # of a series: how many weeks its appointments lie apart
    complete_forms_in_session: bool = False
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    outcome_at: datetime | None = None
    outcome_by: str | None = None
    breached_at: datetime | None = None
    restored_from: str | None = None
    client_name: str | None = None
    test: bool = False  # whether the client is a test client
    fee_policy_version: int = 0
    notice_window: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True)
class AppointmentFacts:
    """What the database knows of one appointment. ``shown`` is missing only in what older runs have recorded."""

    version: int
    id: str
    client_id: str
    ref: str
    type: AppointmentType
    status: AppointmentStatus
    therapist: str
    starts_at: datetime
    ends_at: datetime
    planned_at: datetime  # since when it stands at this time
    charge_deadline: timedelta  # after its end, as was agreed
    first_name: str | None = None  # the client's
    client_archived: bool = False
    payment: PaymentFacts | None = None
    shown: AppointmentShown | None = None
    deliver_at: datetime | None = None  # when something of its outbox is due next
