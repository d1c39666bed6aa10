"""What an event tells, by its kind: ids, states, times and amounts in minor units, and nobody's names or words."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from rules.enums import AppointmentType, ChatKind, Mode, PaymentStatus, Source, TaskKind
from rules.events.kinds import MessageTo, TherapistPart


class EventData(BaseModel):
    """What does not apply is left out."""

    model_config = ConfigDict(extra="forbid")


class JourneyOpenedData(EventData):
    source: Source
    test: bool


class NothingMore(EventData):
    """An event that its kind says everything of."""


class MatchMadeData(EventData):
    therapist: str
    how: Source


class AppointmentData(EventData):
    appointment_id: UUID
    type: AppointmentType
    therapist: str
    starts_at: datetime


class BookedData(AppointmentData):
    ends_at: datetime
    mode: Mode


class MovedData(AppointmentData):
    ends_at: datetime
    moved_from: datetime


class CancelledData(AppointmentData):
    late: bool


class OutcomeData(AppointmentData):
    corrected: bool


class FormData(EventData):
    form: str
    version: int
    form_id: UUID


class FormRequestedData(FormData):
    gates_from: datetime | None = None


class PaymentData(EventData):
    payment_id: UUID
    appointment_id: UUID
    amount: int
    currency: str
    status: PaymentStatus


class RefundedData(PaymentData):
    refundable: int


class OfferedData(EventData):
    offer_id: UUID
    place_id: UUID
    type: AppointmentType
    therapist: str
    starts_at: datetime
    expires_at: datetime


class MessageWaitsData(EventData):
    chat_id: UUID
    chat: ChatKind
    seq: int
    to: MessageTo


class DetailsChangedData(EventData):
    fields: list[str]


class TaskData(EventData):
    task_id: UUID
    task: TaskKind
    appointment_id: UUID | None = None
    payment_id: UUID | None = None
    approval_id: UUID | None = None


class TherapistChangedData(EventData):
    therapist: str
    what: TherapistPart


class CalendarFailedData(EventData):
    therapist: str
    calendar_id: UUID
