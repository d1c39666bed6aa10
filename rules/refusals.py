"""A refusal: the product's "no", as a value. It has a name, a sentence that says why, and what a program needs."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Problem(StrEnum):
    """Every name a refusal can have. The API maps each to one HTTP status."""

    VALIDATION_FAILED = "validation-failed"
    UNAUTHENTICATED = "unauthenticated"
    NOT_ALLOWED = "not-allowed"
    OPENING_REQUIRED = "opening-required"
    NOT_FOUND = "not-found"
    CLIENT_DETAILS_REQUIRED = "client-details-required"
    EMAIL_IN_USE = "email-in-use"
    NO_THERAPIST_ASSIGNED = "no-therapist-assigned"
    INTRO_CALL_REQUIRED = "intro-call-required"
    INTRO_CALL_NOT_OFFERED = "intro-call-not-offered"
    INTAKE_FORMS_INCOMPLETE = "intake-forms-incomplete"
    BOOKING_DISABLED = "booking-disabled"
    SLOT_TAKEN = "slot-taken"
    SLOT_UNAVAILABLE = "slot-unavailable"
    SERIES_CONFLICT = "series-conflict"
    LATE_CHANGE = "late-change-contact-therapist"
    APPOINTMENT_NOT_OPEN = "appointment-not-open"
    APPOINTMENT_NOT_STARTED = "appointment-not-started"
    CLIENT_ARCHIVED = "client-archived"
    ACTIVATION_LINK_INVALID = "activation-link-invalid"
    LINK_INVALID = "link-invalid"
    SECOND_FACTOR_REQUIRED = "second-factor-required"
    SECOND_PERSON_REQUIRED = "second-person-required"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    PAYMENT_NOT_REFUNDABLE = "payment-not-refundable"
    PAYMENT_NOT_OPEN = "payment-not-open"
    EVENTS_GONE = "events-gone"
    RATE_LIMITED = "rate-limited"
    ENGINE_UNAVAILABLE = "engine-unavailable"


OWN_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "request_id"})
"""The members of every problem document (RFC 9457, and the request's id). What a refusal adds has other names."""

NEUTRAL = {
    Problem.VALIDATION_FAILED: "Something in the input cannot be accepted; the details name it.",
    Problem.UNAUTHENTICATED: "It is not known who asks.",
    Problem.NOT_ALLOWED: "Whoever asks may not do this.",
    Problem.OPENING_REQUIRED: "Whoever asks has to open this first, with a reason.",
    Problem.NOT_FOUND: "There is no such thing here: look at the ids in the input.",
    Problem.CLIENT_DETAILS_REQUIRED: "Some of the client's details are needed first.",
    Problem.EMAIL_IN_USE: "Email in use.",
    Problem.NO_THERAPIST_ASSIGNED: "No therapist is assigned yet: match by hand first.",
    Problem.INTRO_CALL_REQUIRED: "An intro call with this therapist has to come first.",
    Problem.INTRO_CALL_NOT_OFFERED: "An intro call is not offered now.",
    Problem.INTAKE_FORMS_INCOMPLETE: "The client has forms to complete first.",
    Problem.BOOKING_DISABLED: "Booking is off for this client.",
    Problem.SLOT_TAKEN: "This time is taken: choose another one.",
    Problem.SLOT_UNAVAILABLE: "This time is not available: choose another one.",
    Problem.SERIES_CONFLICT: "Some times of the series are not free; the details list them.",
    Problem.LATE_CHANGE: "It is too late to change this without the therapist.",
    Problem.APPOINTMENT_NOT_OPEN: "This appointment cannot be changed any more.",
    Problem.APPOINTMENT_NOT_STARTED: "This appointment has not started yet.",
    Problem.CLIENT_ARCHIVED: "The client is archived: send `unarchive` first.",
    Problem.ACTIVATION_LINK_INVALID: "There is nothing to activate with this link.",
    Problem.LINK_INVALID: "This link is not valid, or not any more.",
    Problem.SECOND_FACTOR_REQUIRED: "A second factor is needed beside the password.",
    Problem.SECOND_PERSON_REQUIRED: "One person may not decide this alone: ask for it signed in as yourself, on the "
    "practice's pages or by the API, and another person approves it there.",
    Problem.IDEMPOTENCY_KEY_REUSED: "The same request was sent before with other content.",
    Problem.PAYMENT_NOT_REFUNDABLE: "This cannot be given back; the details say what can.",
    Problem.PAYMENT_NOT_OPEN: "The payment does not stand so that this could be done.",
    Problem.EVENTS_GONE: "Some of these events are not kept any more.",
    Problem.RATE_LIMITED: "Too many requests: try again later.",
    Problem.ENGINE_UNAVAILABLE: "A service cannot be reached now; nothing was changed. Try again shortly.",
}
"""What each refusal comes to, in a sentence that tells nothing of anybody: it is read where nothing is encrypted."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    name: Problem
    detail: str
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if shadowed := OWN_MEMBERS & self.data.keys():
            message = f"a refusal adds {', '.join(sorted(shadowed))}, which every problem document has of its own"
            raise ValueError(message)


def invalid(field_name: str, message: str) -> Refusal:
    """The refusal of one wrong field, in the shape the API gives to every validation error."""
    return Refusal(
        name=Problem.VALIDATION_FAILED,
        detail=f"{field_name}: {message}",
        data={"errors": [{"field": field_name, "message": message}]},
    )


REASON_REQUIRED = invalid("reason", "is required: it is kept with who decided, and when")
