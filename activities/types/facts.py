"""What a step reads of one appointment and of one payment."""

from dataclasses import dataclass
from datetime import datetime

from rules.enums import AppointmentStatus, AppointmentType, PaymentStatus


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
