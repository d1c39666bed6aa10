"""A refusal: the product's "no", as a value. It has a name, a sentence that says why, and what a program needs."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Problem(StrEnum):
    """Every name a refusal can have. The API maps each to one HTTP status."""

    VALIDATION_FAILED = "validation-failed"
    UNAUTHENTICATED = "unauthenticated"
    NOT_ALLOWED = "not-allowed"
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
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    PAYMENT_NOT_REFUNDABLE = "payment-not-refundable"
    PAYMENT_NOT_OPEN = "payment-not-open"
    RATE_LIMITED = "rate-limited"
    ENGINE_UNAVAILABLE = "engine-unavailable"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    name: Problem
    detail: str
    data: dict[str, Any] = field(default_factory=dict)


def invalid(field_name: str, message: str) -> Refusal:
    """The refusal of one wrong field, in the shape the API gives to every validation error."""
    return Refusal(
        name=Problem.VALIDATION_FAILED,
        detail=f"{field_name}: {message}",
        data={"errors": [{"field": field_name, "message": message}]},
    )
