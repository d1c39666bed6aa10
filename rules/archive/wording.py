"""How an archive's preview names what would no longer happen: in plain words, and in the therapist's own time."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rules.enums import PaymentStatus
from rules.journey.reminders import ANONYMOUS_EXPIRY, FIRST_SESSION_TASK, OUTCOME_BREACH, OUTCOME_TASK
from rules.journey.settling import Awaited, OpenPayment, next_step
from rules.mail.kinds import MAILS

_TIMED: dict[str, str] = {
    ANONYMOUS_EXPIRY: "closing of the journey, if nobody gives a name or books",
    FIRST_SESSION_TASK: "task for the care team, if no session is booked",
    OUTCOME_BREACH: "note that the outcome came too late",
    OUTCOME_TASK: "task for the care team: the outcome is missing",
    **{mail.value: kind.in_preview for mail, kind in MAILS.items() if kind.in_preview},
}
_CHARGES = {
    Awaited.TRY: "answer of the bank to the payment that was due on",
    Awaited.DISPUTE: "waiting for a dispute to be settled, until",
    Awaited.DUE: "charge on",
    Awaited.NEXT_TRY: "another try of the payment on",
}
_UNTIL_THE_DEADLINE = {
    PaymentStatus.FAILED: "waiting for a new card, until",
    PaymentStatus.REQUIRES_ACTION: "waiting for the client to confirm the payment, until",
}


def reminder_words(kind: str, at: datetime, *, zone: ZoneInfo) -> str:
    """Such as ``reminder on Tue 1 Dec 2026, 09:00``."""
    return f"{_TIMED.get(kind, kind.replace('_', ' '))} on {at_local(at, zone=zone)}"


def charge_words(payment: OpenPayment, *, zone: ZoneInfo) -> str:
    """What an open payment waits for, such as ``charge on Tue 1 Dec 2026, 09:00``."""
    step = next_step(payment)
    words = _UNTIL_THE_DEADLINE[payment.status] if step.why is Awaited.DEADLINE else _CHARGES[step.why]
    return f"{words} {at_local(step.at, zone=zone)}"


def at_local(instant: datetime, *, zone: ZoneInfo) -> str:
    """``Tue 1 Dec 2026, 09:00``: a timer may be due years from now, and what was recorded is read years later."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
