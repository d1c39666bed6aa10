"""The kinds of events (domain events) that programs are told, and what the data of each may name.

An event has ids, states, times and amounts (minor units), and neither a name, nor an address, nor a word that somebody
wrote: whoever it leaks to learns nothing of anybody.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class EventKind(StrEnum):
    JOURNEY_OPENED = "journey.opened"
    JOURNEY_CLOSED = "journey.closed"
    MATCH_MADE = "match.made"
    ACCOUNT_ACTIVATED = "account.activated"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MOVED = "appointment.moved"
    APPOINTMENT_CANCELLED = "appointment.cancelled"
    APPOINTMENT_OCCURRED = "appointment.occurred"
    APPOINTMENT_NO_SHOW = "appointment.no_show"
    FORM_REQUESTED = "form.requested"
    FORM_COMPLETED = "form.completed"
    PAYMENT_SCHEDULED = "payment.scheduled"
    PAYMENT_PAID = "payment.paid"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_NEEDS_CLIENT = "payment.needs_client"
    PAYMENT_OWED = "payment.owed"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_WAIVED = "payment.waived"
    CARD_SAVED = "card.saved"
    SLOT_OFFERED = "slot.offered"
    MESSAGE_WAITS = "message.waits"
    DETAILS_CHANGED = "details.changed"
    CLIENT_ARCHIVED = "client.archived"
    CLIENT_ACTIVE = "client.active"
    TASK_OPENED = "task.opened"
    TASK_RESOLVED = "task.resolved"
    THERAPIST_CHANGED = "therapist.changed"
    CALENDAR_FAILED = "calendar.failed"


class TherapistPart(StrEnum):
    """What of a therapist has changed."""

    PROFILE = "profile"
    HOURS = "hours"
    LEAVE = "leave"
    PHOTO = "photo"


class MessageTo(StrEnum):
    """On which side a message waits to be read."""

    CLIENT = "client"
    PRACTICE = "practice"


PRACTICE_ALONE = frozenset(
    {
        EventKind.CLIENT_ARCHIVED,
        EventKind.CLIENT_ACTIVE,
        EventKind.TASK_OPENED,
        EventKind.TASK_RESOLVED,
        EventKind.THERAPIST_CHANGED,
        EventKind.CALENDAR_FAILED,
    }
)
"""Kinds that the practice's programs alone are told of."""

_APPOINTMENT = frozenset({"appointment_id", "type", "therapist", "starts_at"})
_PAYMENT = frozenset({"payment_id", "appointment_id", "amount", "currency", "status"})
_FORM = frozenset({"form", "version", "form_id"})
_TASK = frozenset({"task_id", "task", "appointment_id", "payment_id", "approval_id"})

FIELDS: Mapping[EventKind, frozenset[str]] = MappingProxyType(
    {
        EventKind.JOURNEY_OPENED: frozenset({"source", "test"}),
        EventKind.JOURNEY_CLOSED: frozenset(),
        EventKind.MATCH_MADE: frozenset({"therapist", "how"}),
        EventKind.ACCOUNT_ACTIVATED: frozenset(),
        EventKind.APPOINTMENT_BOOKED: _APPOINTMENT | {"mode", "ends_at"},
        EventKind.APPOINTMENT_MOVED: _APPOINTMENT | {"moved_from", "ends_at"},
        EventKind.APPOINTMENT_CANCELLED: _APPOINTMENT | {"late"},
        EventKind.APPOINTMENT_OCCURRED: _APPOINTMENT | {"corrected"},
        EventKind.APPOINTMENT_NO_SHOW: _APPOINTMENT | {"corrected"},
        EventKind.FORM_REQUESTED: _FORM | {"gates_from"},
        EventKind.FORM_COMPLETED: _FORM,
        EventKind.PAYMENT_SCHEDULED: _PAYMENT,
        EventKind.PAYMENT_PAID: _PAYMENT,
        EventKind.PAYMENT_FAILED: _PAYMENT,
        EventKind.PAYMENT_NEEDS_CLIENT: _PAYMENT,
        EventKind.PAYMENT_OWED: _PAYMENT,
        EventKind.PAYMENT_REFUNDED: _PAYMENT | {"refundable"},
        EventKind.PAYMENT_WAIVED: _PAYMENT,
        EventKind.CARD_SAVED: frozenset(),
        EventKind.SLOT_OFFERED: frozenset({"offer_id", "place_id", "therapist", "type", "starts_at", "expires_at"}),
        EventKind.MESSAGE_WAITS: frozenset({"chat_id", "chat", "seq", "to"}),
        EventKind.DETAILS_CHANGED: frozenset({"fields"}),
        EventKind.CLIENT_ARCHIVED: frozenset(),
        EventKind.CLIENT_ACTIVE: frozenset(),
        EventKind.TASK_OPENED: _TASK,
        EventKind.TASK_RESOLVED: _TASK,
        EventKind.THERAPIST_CHANGED: frozenset({"therapist", "what"}),
        EventKind.CALENDAR_FAILED: frozenset({"therapist", "calendar_id"}),
    }
)
"""What the data of an event may name. Nothing else is ever written into one."""


class FieldNotForEvents(ValueError):
    """An event was to tell something that events of its kind do not."""


def checked(kind: EventKind, names: frozenset[str]) -> None:
    """Raises FieldNotForEvents."""
    if unknown := names - FIELDS[kind]:
        raise FieldNotForEvents(f"{kind.value} does not tell {', '.join(sorted(unknown))}")
