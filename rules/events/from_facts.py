"""Which events a fact of a client's timeline makes, and which of them the client's side may know of.

What an archive did is for the practice alone, but that appointments are cancelled: those look as any other that the
practice cancels. So does nothing that comes back with the way out of the archive tell that there was one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.enums import Outcome, PaymentStatus
from rules.events.kinds import FIELDS, EventKind
from rules.money.payment_states import Because
from rules.timeline import FactKind

Data = Mapping[str, Any]
# A person or a new card has just had it tried again: it has not failed anew.
_BEING_TRIED = frozenset({Because.NEW_CARD.value, Because.TRIED_BY_HAND.value})
# It was cancelled by an archive, and somebody wants it paid.
_WAS_STOPPED = frozenset({Because.ARCHIVED.value, Because.TRIED_BY_HAND.value})


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    kind: EventKind
    data: Data = field(default_factory=dict)
    for_site: bool = True


def events_of(fact: FactKind, data: Data) -> tuple[NewEvent, ...]:
    """The events of a fact of this kind with this data, in order; none, if programs are not told of such."""
    make = _EVENTS.get(fact)
    return tuple(make(data)) if make else ()


def _as_is(kind: EventKind) -> Callable[[Data], Iterable[NewEvent]]:
    """What the fact says, as far as the event may say it."""
    return lambda data: (_event(kind, data),)


def _event(kind: EventKind, data: Data, *, for_site: bool = True, **more: Any) -> NewEvent:
    told = {name: value for name, value in {**data, **more}.items() if name in FIELDS[kind] and value is not None}
    return NewEvent(kind=kind, data=told, for_site=for_site)


def _booked(data: Data) -> Iterable[NewEvent]:
    """One for each appointment of a series: whoever follows one need not know of series."""
    for date in data["appointments"]:
        yield _event(EventKind.APPOINTMENT_BOOKED, {**data, **date}, appointment_id=date["id"])


def _moved(data: Data) -> Iterable[NewEvent]:
    yield _event(EventKind.APPOINTMENT_MOVED, data, moved_from=data["from"], starts_at=data["to"])


def _cancelled(data: Data) -> Iterable[NewEvent]:
    yield _event(EventKind.APPOINTMENT_CANCELLED, data, late=bool(data.get("late")))


def _outcome(data: Data, *, corrected: bool) -> Iterable[NewEvent]:
    occurred = data["outcome"] == Outcome.OCCURRED
    kind = EventKind.APPOINTMENT_OCCURRED if occurred else EventKind.APPOINTMENT_NO_SHOW
    yield _event(kind, data, corrected=corrected)


def _marked(data: Data) -> Iterable[NewEvent]:
    return _outcome(data, corrected=False)


def _corrected(data: Data) -> Iterable[NewEvent]:
    return _outcome(data, corrected=True)


def _forms(data: Data) -> Iterable[NewEvent]:
    for form in data.get("asked", ()):
        yield _event(EventKind.FORM_REQUESTED, form)


def _payment(kind: EventKind, status: PaymentStatus) -> Callable[[Data], Iterable[NewEvent]]:
    def make(data: Data) -> Iterable[NewEvent]:
        because = data.get("because")
        if status is PaymentStatus.FAILED and because in _BEING_TRIED:
            return
        # What an archive had stopped is scheduled again, or owed: that would tell of the archive.
        is_of_archive = data.get("restored") or (status is PaymentStatus.OWED and because in _WAS_STOPPED)
        # A refund that failed after all leaves the payment paid.
        told = EventKind.PAYMENT_REFUNDED if "refundable" in data else kind
        yield _event(told, data, for_site=not is_of_archive, status=status.value)

    return make


def _archived(data: Data) -> Iterable[NewEvent]:
    for line in data.get("appointments", ()):
        yield _event(EventKind.APPOINTMENT_CANCELLED, line, appointment_id=line["id"], late=False)
    for task in data.get("tasks_closed", ()):
        yield _event(EventKind.TASK_RESOLVED, {}, task_id=task["id"], task=task["kind"])
    yield _event(EventKind.CLIENT_ARCHIVED, {})


_PAYMENTS = {
    PaymentStatus.SCHEDULED: EventKind.PAYMENT_SCHEDULED,
    PaymentStatus.PAID: EventKind.PAYMENT_PAID,
    PaymentStatus.FAILED: EventKind.PAYMENT_FAILED,
    PaymentStatus.REQUIRES_ACTION: EventKind.PAYMENT_NEEDS_CLIENT,
    PaymentStatus.OWED: EventKind.PAYMENT_OWED,
    PaymentStatus.WAIVED: EventKind.PAYMENT_WAIVED,
    PaymentStatus.WRITTEN_OFF: EventKind.PAYMENT_WAIVED,
    PaymentStatus.REFUNDED: EventKind.PAYMENT_REFUNDED,
    PaymentStatus.PARTIALLY_REFUNDED: EventKind.PAYMENT_REFUNDED,
}
"""The others are silent: one on its way to the card, or cancelled, which an archive does too."""

_EVENTS: Mapping[FactKind, Callable[[Data], Iterable[NewEvent]]] = {
    FactKind.JOURNEY_STARTED: _as_is(EventKind.JOURNEY_OPENED),
    FactKind.JOURNEY_CLOSED: _as_is(EventKind.JOURNEY_CLOSED),
    FactKind.JOINED_INTO: _as_is(EventKind.JOURNEY_CLOSED),
    FactKind.MATCHED: _as_is(EventKind.MATCH_MADE),
    FactKind.REMATCHED: _as_is(EventKind.MATCH_MADE),
    FactKind.ACCOUNT_ACTIVATED: _as_is(EventKind.ACCOUNT_ACTIVATED),
    FactKind.BOOKED: _booked,
    FactKind.APPOINTMENT_RESCHEDULED: _moved,
    FactKind.APPOINTMENT_CANCELLED: _cancelled,
    FactKind.OUTCOME_RECORDED: _marked,
    FactKind.OUTCOME_CORRECTED: _corrected,
    FactKind.FORMS_REQUESTED: _forms,
    FactKind.FORM_REQUESTED: _as_is(EventKind.FORM_REQUESTED),
    FactKind.FORM_COMPLETED: _as_is(EventKind.FORM_COMPLETED),
    **{FactKind.of_payment(status): _payment(kind, status) for status, kind in _PAYMENTS.items()},
    FactKind.CARD_SAVED: _as_is(EventKind.CARD_SAVED),
    FactKind.TIME_OFFERED: _as_is(EventKind.SLOT_OFFERED),
    FactKind.DETAILS_CHANGED: _as_is(EventKind.DETAILS_CHANGED),
    FactKind.ARCHIVED: _archived,
    FactKind.UNARCHIVED: _as_is(EventKind.CLIENT_ACTIVE),
    FactKind.TASK_OPENED: _as_is(EventKind.TASK_OPENED),
    FactKind.TASK_RESOLVED: _as_is(EventKind.TASK_RESOLVED),
}
