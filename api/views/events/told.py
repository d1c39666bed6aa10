"""Events as they are told: one model for each kind, told apart by ``kind``."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter

from api.access_log.marking import OfClient
from api.views.events.data import (
    BookedData,
    CalendarFailedData,
    CancelledData,
    DetailsChangedData,
    FormData,
    FormRequestedData,
    JourneyOpenedData,
    MatchMadeData,
    MessageWaitsData,
    MovedData,
    NothingMore,
    OfferedData,
    OutcomeData,
    PaymentData,
    RefundedData,
    TaskData,
    TherapistChangedData,
)
from models.reads.events.events import document_of
from models.tables.events.event import Event
from rules.events.kinds import EventKind


class ToldEvent(OfClient):
    """``id`` rises from event to event; events of one client stand in the order of what happened. ``client_id`` and
    ``ref`` are null where it is about no client."""

    id: int
    at: datetime
    client_id: UUID | None
    ref: str | None


class JourneyOpenedEvent(ToldEvent):
    kind: Literal[EventKind.JOURNEY_OPENED]
    data: JourneyOpenedData


class JourneyClosedEvent(ToldEvent):
    kind: Literal[EventKind.JOURNEY_CLOSED]
    data: NothingMore


class MatchMadeEvent(ToldEvent):
    kind: Literal[EventKind.MATCH_MADE]
    data: MatchMadeData


class AccountActivatedEvent(ToldEvent):
    kind: Literal[EventKind.ACCOUNT_ACTIVATED]
    data: NothingMore


class AppointmentBookedEvent(ToldEvent):
    kind: Literal[EventKind.APPOINTMENT_BOOKED]
    data: BookedData


class AppointmentMovedEvent(ToldEvent):
    kind: Literal[EventKind.APPOINTMENT_MOVED]
    data: MovedData


class AppointmentCancelledEvent(ToldEvent):
    kind: Literal[EventKind.APPOINTMENT_CANCELLED]
    data: CancelledData


class AppointmentOccurredEvent(ToldEvent):
    kind: Literal[EventKind.APPOINTMENT_OCCURRED]
    data: OutcomeData


class AppointmentNoShowEvent(ToldEvent):
    kind: Literal[EventKind.APPOINTMENT_NO_SHOW]
    data: OutcomeData


class FormRequestedEvent(ToldEvent):
    kind: Literal[EventKind.FORM_REQUESTED]
    data: FormRequestedData


class FormCompletedEvent(ToldEvent):
    kind: Literal[EventKind.FORM_COMPLETED]
    data: FormData


class PaymentScheduledEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_SCHEDULED]
    data: PaymentData


class PaymentPaidEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_PAID]
    data: PaymentData


class PaymentFailedEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_FAILED]
    data: PaymentData


class PaymentNeedsClientEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_NEEDS_CLIENT]
    data: PaymentData


class PaymentOwedEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_OWED]
    data: PaymentData


class PaymentRefundedEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_REFUNDED]
    data: RefundedData


class PaymentWaivedEvent(ToldEvent):
    kind: Literal[EventKind.PAYMENT_WAIVED]
    data: PaymentData


class CardSavedEvent(ToldEvent):
    kind: Literal[EventKind.CARD_SAVED]
    data: NothingMore


class SlotOfferedEvent(ToldEvent):
    kind: Literal[EventKind.SLOT_OFFERED]
    data: OfferedData


class MessageWaitsEvent(ToldEvent):
    kind: Literal[EventKind.MESSAGE_WAITS]
    data: MessageWaitsData


class DetailsChangedEvent(ToldEvent):
    kind: Literal[EventKind.DETAILS_CHANGED]
    data: DetailsChangedData


class ClientArchivedEvent(ToldEvent):
    kind: Literal[EventKind.CLIENT_ARCHIVED]
    data: NothingMore


class ClientActiveEvent(ToldEvent):
    kind: Literal[EventKind.CLIENT_ACTIVE]
    data: NothingMore


class TaskOpenedEvent(ToldEvent):
    kind: Literal[EventKind.TASK_OPENED]
    data: TaskData


class TaskResolvedEvent(ToldEvent):
    kind: Literal[EventKind.TASK_RESOLVED]
    data: TaskData


class TherapistChangedEvent(ToldEvent):
    kind: Literal[EventKind.THERAPIST_CHANGED]
    data: TherapistChangedData


class CalendarFailedEvent(ToldEvent):
    kind: Literal[EventKind.CALENDAR_FAILED]
    data: CalendarFailedData


AnyEvent = Annotated[
    JourneyOpenedEvent
    | JourneyClosedEvent
    | MatchMadeEvent
    | AccountActivatedEvent
    | AppointmentBookedEvent
    | AppointmentMovedEvent
    | AppointmentCancelledEvent
    | AppointmentOccurredEvent
    | AppointmentNoShowEvent
    | FormRequestedEvent
    | FormCompletedEvent
    | PaymentScheduledEvent
    | PaymentPaidEvent
    | PaymentFailedEvent
    | PaymentNeedsClientEvent
    | PaymentOwedEvent
    | PaymentRefundedEvent
    | PaymentWaivedEvent
    | CardSavedEvent
    | SlotOfferedEvent
    | MessageWaitsEvent
    | DetailsChangedEvent
    | ClientArchivedEvent
    | ClientActiveEvent
    | TaskOpenedEvent
    | TaskResolvedEvent
    | TherapistChangedEvent
    | CalendarFailedEvent,
    Field(discriminator="kind"),
]
_ANY: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class ListedEvents(BaseModel):
    """``after``: where the next request goes on, whether or not there is anything yet. ``more``: there is already."""

    items: list[AnyEvent]
    after: int
    more: bool


def event_view(event: Event) -> AnyEvent:
    return _ANY.validate_python(document_of(event))
