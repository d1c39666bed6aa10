"""What an archive of one client stops, before and after; and what coming back brings again."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.views.archive import MoneyTotals
from api.views.care import RemindView
from rules.enums import AppointmentType, ChatKind, ClientStatus, PaymentStatus, TaskKind


class StoppedAppointment(BaseModel):
    id: UUID
    type: AppointmentType
    therapist: str
    starts_at: datetime
    ends_at: datetime


class StoppedPayment(BaseModel):
    """``text`` says in a sentence when the card would have been charged."""

    id: UUID
    appointment_id: UUID
    amount: int
    currency: str
    status: PaymentStatus
    due_at: datetime
    text: str


class StoppedForm(BaseModel):
    kind: str


class StoppedReminder(BaseModel):
    kind: str
    at: datetime
    appointment_id: str | None
    chat_id: str | None
    text: str


class StoppedWait(BaseModel):
    """``to`` is the end of the wish, and not in it."""

    therapist: str
    type: AppointmentType
    first: datetime = Field(alias="from")
    last: datetime = Field(alias="to")


class LetGoHold(BaseModel):
    id: UUID
    therapist: str
    type: AppointmentType
    starts_at: datetime
    ends_at: datetime


class PlanChat(BaseModel):
    id: UUID
    kind: ChatKind


class PausedGoal(BaseModel):
    id: UUID
    remind: RemindView | None


class ClosedTask(BaseModel):
    id: UUID
    kind: TaskKind


class PlanMail(BaseModel):
    """A mail that is sent: ``to`` is whose, the client's or the therapist's."""

    template: str
    to: str
    appointment_id: UUID


class ArchivedView(BaseModel):
    """What an archive stops, or has stopped. ``credit`` and ``owed`` are minor units of the client's own ``currency``
    as they are afterwards; ``in_flight`` are payments on their way to the card, which are waited for; times in the
    sentences are told in ``time_zone``. ``reason`` and who asked are there once it is done."""

    client_id: UUID
    test: bool
    already_archived: bool
    appointments: list[StoppedAppointment] = Field(default_factory=list)
    left_unmarked: list[StoppedAppointment] = Field(default_factory=list)
    payments: list[StoppedPayment] = Field(default_factory=list)
    in_flight: list[StoppedPayment] = Field(default_factory=list)
    forms: list[StoppedForm] = Field(default_factory=list)
    reminders: list[StoppedReminder] = Field(default_factory=list)
    waitlist: list[StoppedWait] = Field(default_factory=list)
    holds: list[LetGoHold] = Field(default_factory=list)
    chats_left: list[PlanChat] = Field(default_factory=list)
    chats_kept: list[PlanChat] = Field(default_factory=list)
    goals: list[PausedGoal] = Field(default_factory=list)
    tasks_closed: list[ClosedTask] = Field(default_factory=list)
    mails: list[PlanMail] = Field(default_factory=list)
    credit: int = 0
    owed: int = 0
    currency: str = ""
    money: list[MoneyTotals] = Field(default_factory=list)
    time_zone: str = ""
    reason: str | None = None
    archived_at: datetime | None = None
    by: str | None = None
    request_id: str | None = None
    notify: bool | None = None
    unreadable: str | None = None


class BookedAgain(BaseModel):
    """``exceptions``: the rules that only the practice could set aside for it."""

    id: UUID
    restored_from: UUID
    type: AppointmentType
    therapist: str
    starts_at: datetime
    ends_at: datetime
    series_id: UUID | None
    exceptions: list[str]


class ScheduledAgain(BaseModel):
    id: UUID
    appointment_id: UUID
    amount: int
    currency: str
    due_at: datetime
    deadline: datetime


class BroughtBack(BaseModel):
    """What was brought back: appointments are booked anew, payments are scheduled again."""

    appointments: list[BookedAgain]
    payments: list[ScheduledAgain]


class NotBroughtBack(BaseModel):
    """``kind`` is ``appointment``, ``payment`` or ``chat``."""

    kind: str
    id: str
    because: str


class UnarchivedView(BaseModel):
    """``already_active``: the client was active before this request came; nothing was restored by it then."""

    client_id: UUID
    test: bool
    status: ClientStatus
    already_active: bool
    restored: BroughtBack
    not_restored: list[NotBroughtBack]


class ArchiveUnderWay(BaseModel):
    """Sent, and not recorded yet."""

    client_id: UUID
    test: bool
    status: Literal["pending"]
    request_id: UUID
