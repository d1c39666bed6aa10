"""What an archive stops, leaves and suspends: one rule, used by the preview and by the archive itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.words import AppointmentStatus, AppointmentType, FormStatus, PaymentStatus

BECAUSE_ARCHIVED = "archived"

STOPPED_PAYMENTS = frozenset({PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION})


@dataclass(frozen=True, kw_only=True)
class AppointmentLine:
    id: str
    type: AppointmentType
    status: AppointmentStatus
    therapist: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class PaymentLine:
    """``amount`` is the whole fee, ``credit_used`` what of it is reserved or was taken from the client's credit."""

    id: str
    appointment_id: str
    status: PaymentStatus
    because: str | None
    amount: int
    credit_used: int
    currency: str
    due_at: datetime
    deadline: datetime


@dataclass(frozen=True, kw_only=True)
class FormLine:
    kind: str
    status: FormStatus


@dataclass(frozen=True, kw_only=True)
class WaitlistLine:
    """A place on a therapist's waitlist."""

    therapist: str
    type: AppointmentType
    wished_from: datetime
    wished_until: datetime


@dataclass(frozen=True, kw_only=True)
class ReminderLine:
    """A timed message that would no longer go out; ``about`` is an appointment's id, or empty."""

    kind: str
    at: datetime
    about: str


@dataclass(frozen=True, kw_only=True)
class ArchiveSituation:
    """All that an archive could touch, as the database knows it at one instant."""

    appointments: tuple[AppointmentLine, ...]
    payments: tuple[PaymentLine, ...]
    forms: tuple[FormLine, ...]
    reminders: tuple[ReminderLine, ...]
    currency: str
    waitlist: tuple[WaitlistLine, ...] = ()
    credit: int = 0


@dataclass(frozen=True, kw_only=True)
class ArchivePlan:
    appointments: tuple[AppointmentLine, ...]  # ahead: cancelled, never with a fee
    left: tuple[AppointmentLine, ...]  # past or running, not yet marked: left as they are
    payments: tuple[PaymentLine, ...]  # cancelled because archived
    in_flight: tuple[PaymentLine, ...]  # on the way to the card: waited for, recorded as they end
    forms: tuple[FormLine, ...]  # suspended
    reminders: tuple[ReminderLine, ...]
    waitlist: tuple[WaitlistLine, ...]  # released
    credit: int
    owed: int
    currency: str

    def to_document(self) -> dict[str, Any]:
        """The preview's and the result's shape; amounts in minor units, instants in RFC 3339."""
        return {
            "appointments": [_appointment(line) for line in self.appointments],
            "left_unmarked": [_appointment(line) for line in self.left],
            "payments": [_payment(line) for line in self.payments],
            "in_flight": [_payment(line) for line in self.in_flight],
            "forms": [{"kind": line.kind} for line in self.forms],
            "reminders": [
                {"kind": line.kind, "at": line.at.isoformat(), "appointment_id": line.about or None}
                for line in self.reminders
            ],
            "waitlist": [
                {
                    "therapist": line.therapist,
                    "type": line.type.value,
                    "from": line.wished_from.isoformat(),
                    "to": line.wished_until.isoformat(),
                }
                for line in self.waitlist
            ],
            "chats_left": [],
            "chats_kept": [],
            "goals": [],
            "credit": self.credit,
            "owed": self.owed,
            "currency": self.currency,
        }


def plan_archive(situation: ArchiveSituation, *, now: datetime) -> ArchivePlan:
    scheduled = [a for a in situation.appointments if a.status is AppointmentStatus.SCHEDULED]
    stopped = tuple(p for p in situation.payments if p.status in STOPPED_PAYMENTS)
    stopped_ids = {payment.id for payment in stopped}
    return ArchivePlan(
        appointments=tuple(a for a in scheduled if a.starts_at > now),
        left=tuple(a for a in scheduled if a.starts_at <= now),
        payments=stopped,
        in_flight=tuple(p for p in situation.payments if p.status is PaymentStatus.PROCESSING),
        forms=tuple(form for form in situation.forms if form.status is FormStatus.REQUESTED),
        reminders=situation.reminders,
        waitlist=situation.waitlist,
        # What a stopped payment had reserved is the client's again, and the whole fee is owed.
        credit=situation.credit + sum(p.credit_used for p in stopped),
        owed=sum(p.amount for p in stopped)
        + sum(p.amount - p.credit_used for p in situation.payments if p.id not in stopped_ids and is_owed(p, now=now)),
        currency=situation.currency,
    )


def is_owed(payment: PaymentLine, *, now: datetime) -> bool:
    """Earned and not paid: owed, failed past the deadline, or cancelled only because of an archive."""
    return (
        payment.status is PaymentStatus.OWED
        or (payment.status is PaymentStatus.FAILED and now > payment.deadline)
        or (payment.status is PaymentStatus.CANCELLED and payment.because == BECAUSE_ARCHIVED)
    )


def owed_amount(payments: Iterable[PaymentLine], *, now: datetime) -> int:
    return sum(payment.amount - payment.credit_used for payment in payments if is_owed(payment, now=now))


def _appointment(line: AppointmentLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "type": line.type.value,
        "therapist": line.therapist,
        "starts_at": line.starts_at.isoformat(),
        "ends_at": line.ends_at.isoformat(),
    }


def _payment(line: PaymentLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "appointment_id": line.appointment_id,
        "amount": line.amount,
        "currency": line.currency,
        "status": line.status.value,
        "due_at": line.due_at.isoformat(),
    }
