"""May this be booked, moved or cancelled, and by whom? Refusals are values, tested in one fixed order.

The order: personal details, booking switched off, no therapist, the intro call's rules, intake forms; the slot itself
comes last and is tested in rules.booking.availability.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rules.enums import AppointmentStatus, AppointmentType, IntroCalls, Outcome, PaymentStatus
from rules.journey.stage import JourneyFacts
from rules.money.fees import Money, may_client_change
from rules.refusals import Problem, Refusal
from rules.time_words import in_words

REQUIRED_DETAILS = ("first_name", "last_name", "email", "phone", "time_zone")
UNMARKED_WITHIN = timedelta(hours=24)  # of the mark, where it has earned nothing that could be cancelled


def missing_details(known: dict[str, str | None]) -> tuple[str, ...]:
    return tuple(name for name in REQUIRED_DETAILS if not (known.get(name) or "").strip())


def offered_types(*, intro_calls: IntroCalls, intro_occurred: bool) -> tuple[AppointmentType, ...]:
    """What a booking page offers a client with this therapist."""
    if intro_calls is IntroCalls.OFF:
        return (AppointmentType.SESSION,)
    if intro_calls is IntroCalls.OPTIONAL:
        return (AppointmentType.INTRO_CALL, AppointmentType.SESSION)
    return (AppointmentType.SESSION,) if intro_occurred else (AppointmentType.INTRO_CALL,)


def refuse_booking(
    *,
    type: AppointmentType,
    facts: JourneyFacts,
    missing: tuple[str, ...],
    enabled: bool,
    intro_calls: IntroCalls,
    weeks: int = 1,
    by_practice: bool = False,
    by_pass: bool = False,
) -> Refusal | None:
    """Why this may not be booked, or None; everything but the slot itself.

    ``missing`` are details of the person, in the order they are asked; ``enabled``: the client may book online;
    ``intro_calls`` are the therapist's. ``by_pass``: the client has no account yet.
    """
    if missing:
        return Refusal(
            name=Problem.CLIENT_DETAILS_REQUIRED,
            detail="These details are needed before the first booking: " + ", ".join(missing) + ".",
            data={"missing": list(missing)},
        )
    if not by_practice and not enabled:
        return BOOKING_DISABLED
    if facts.therapist is None:
        return Refusal(
            name=Problem.NO_THERAPIST_ASSIGNED, detail="No therapist is assigned yet; there is nobody to book with."
        )
    if by_practice:
        return None
    refusal = _refuse_type(type, facts, intro_calls) or _refuse_for_forms(facts, weeks)
    return ONE_BOOKING if refusal is None and by_pass and facts.first_booked_at is not None else refusal


def _refuse_type(type: AppointmentType, facts: JourneyFacts, intro_calls: IntroCalls) -> Refusal | None:
    offered = offered_types(intro_calls=intro_calls, intro_occurred=facts.intro_occurred_at is not None)
    if type is AppointmentType.SESSION and type not in offered:
        return Refusal(
            name=Problem.INTRO_CALL_REQUIRED, detail="This therapist asks for an intro call before the first session."
        )
    if type is AppointmentType.INTRO_CALL and type not in offered:
        return Refusal(name=Problem.INTRO_CALL_NOT_OFFERED, detail="An intro call is not offered here.")
    if type is AppointmentType.INTRO_CALL and facts.has_open(type):
        return Refusal(
            name=Problem.INTRO_CALL_NOT_OFFERED, detail="An intro call is already booked; move or cancel that one."
        )
    return None


def _refuse_for_forms(facts: JourneyFacts, weeks: int) -> Refusal | None:
    first_and_single = facts.first_booked_at is None and weeks == 1
    if facts.outstanding_forms and not first_and_single:
        return Refusal(
            name=Problem.INTAKE_FORMS_INCOMPLETE,
            detail="Please complete the intake forms first: " + ", ".join(facts.outstanding_forms) + ".",
            data={"outstanding": list(facts.outstanding_forms)},
        )
    return None


ONE_BOOKING = Refusal(
    name=Problem.NOT_ALLOWED,
    detail="Without an account one booking can be made here. Please activate the account by the link in the mail.",
)
BOOKING_DISABLED = Refusal(
    name=Problem.BOOKING_DISABLED, detail="Booking online is switched off. Please contact the practice."
)


def refuse_change(
    *,
    status: AppointmentStatus,
    type: AppointmentType,
    starts_at: datetime,
    fee: Money,
    therapist: str,
    now: datetime,
    by_practice: bool,
    notice_window: timedelta,
) -> Refusal | None:
    """Why this appointment may not be cancelled or moved by the one who asks, or None."""
    if status is not AppointmentStatus.SCHEDULED:
        return not_open(status)
    if by_practice or may_client_change(type=type, starts_at=starts_at, now=now, notice_window=notice_window):
        return None
    if now >= starts_at:
        return not_open(status, detail="This appointment has already started.")
    notice = in_words(notice_window)
    return Refusal(
        name=Problem.LATE_CHANGE,
        detail=f"It is too late to change this appointment here: less than {notice} are left until it begins. "
        "Please contact your therapist; the full fee is due.",
        data={
            "therapist": therapist,
            "fee": {"amount": fee.amount, "currency": fee.currency},
            "notice_window": notice,
        },
    )


def refuse_outcome(
    *, status: AppointmentStatus, outcome: Outcome, starts_at: datetime, now: datetime, money_untouched: bool
) -> Refusal | None:
    """Why this outcome may not be recorded now. A correction is possible while no money has moved."""
    if status is AppointmentStatus.SCHEDULED:
        if now < starts_at:
            return Refusal(
                name=Problem.APPOINTMENT_NOT_STARTED,
                detail="An outcome can be recorded once the appointment has started.",
                data={"starts_at": starts_at.isoformat()},
            )
        return None
    if status.value in {o.value for o in Outcome} and money_untouched and status.value != outcome.value:
        return None
    return not_open(status)


def unmarkable_until(
    *, status: AppointmentStatus, payment: PaymentStatus | None, due_at: datetime | None, marked_at: datetime | None
) -> datetime | None:
    """Until when ``refuse_unmark`` lets it be taken back, as things stand: until its payment is due, or a day after the
    mark. None where it cannot be; a time that is over says so, too."""
    if status.value not in {outcome.value for outcome in Outcome}:
        return None
    if payment is PaymentStatus.SCHEDULED:
        return due_at
    return marked_at + UNMARKED_WITHIN if payment is None and marked_at is not None else None


def refuse_unmark(
    *, status: AppointmentStatus, payment: PaymentStatus | None, marked_at: datetime | None, now: datetime
) -> Refusal | None:
    """Why what was said of how it went may not be taken back, or None: while its payment waits for its time, and
    without a payment for a day. What was waived, stopped, tried or paid since is a decision or a debt of its own."""
    if status.value not in {outcome.value for outcome in Outcome}:
        return not_open(status)
    if payment is PaymentStatus.SCHEDULED:
        return None
    if payment is not None:
        said = payment.value.replace("_", " ")
        return not_open(status, detail=f"This can no longer be unmarked: its payment is {said}.")
    if marked_at is None or now > marked_at + UNMARKED_WITHIN:
        return not_open(status, detail="This can no longer be unmarked: it was marked more than a day ago.")
    return None


def not_open(status: AppointmentStatus, *, detail: str | None = None) -> Refusal:
    return Refusal(
        name=Problem.APPOINTMENT_NOT_OPEN,
        detail=detail or f"This appointment can no longer be changed: it is {_SAID[status]}.",
        data={"appointment_status": status.value},
    )


_SAID = {
    AppointmentStatus.SCHEDULED: "scheduled",
    AppointmentStatus.OCCURRED: "marked as occurred",
    AppointmentStatus.NO_SHOW: "marked as a no-show",
    AppointmentStatus.CANCELLED: "cancelled",
    AppointmentStatus.LATE_CANCELLED: "cancelled",
}


def slot_refusal(
    *,
    taken: bool,
    because: str,
    alternatives: Iterable[tuple[datetime, datetime]],
    closure: Mapping[str, str] | None = None,
) -> Refusal:
    """The refusal of a time, with up to three others that are free; and the closure, if the practice is closed then."""
    return Refusal(
        name=Problem.SLOT_TAKEN if taken else Problem.SLOT_UNAVAILABLE,
        detail=because,
        data={
            "alternatives": [
                {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
                for starts_at, ends_at in alternatives
            ],
            **({"closure": dict(closure)} if closure is not None else {}),
        },
    )
