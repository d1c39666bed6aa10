"""The data of a fact, by its kind: each names what concerns it, and leaves out the rest."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.views.archive import MoneyTotals
from api.views.archive_plans import (
    BroughtBack,
    ClosedTask,
    LetGoHold,
    NotBroughtBack,
    PausedGoal,
    PlanChat,
    PlanMail,
    StoppedAppointment,
    StoppedForm,
    StoppedPayment,
    StoppedReminder,
    StoppedWait,
)
from api.views.base import DescribedAs, Plain
from api.views.care import RemindView
from api.views.dates import SetAsideView, SlotView


class TimeAsBooked(BaseModel):
    """An appointment as it was booked."""

    id: UUID
    starts_at: datetime
    ends_at: datetime


class LeftOutDate(SetAsideView):
    """A date of a series that was left out. ``closure``: the day on which the practice is closed."""

    alternatives: list[SlotView]
    closure: date | None = None


class StartedAgain(BaseModel):
    """A workflow that did not run, and what had become of it. ``by``: who ended it, where that is known."""

    workflow_id: str
    because: str
    by: str | None = None


class Waiver(BaseModel):
    """Who let a fee go and when, and which fee policy the client had signed by then."""

    who: str
    when: datetime
    approved_by: str | None = None
    consent_version: str | None


class JoinedChat(BaseModel):
    """Where a chat of a record that was joined goes on, and behind which of its messages."""

    into: str
    behind: int


class StoppedByJoin(BaseModel):
    """A payment that ended with the join, and its appointment."""

    payment: UUID
    appointment: UUID


class FactData(BaseModel):
    """Ids, states, times and amounts (minor units), by the fact's kind: what does not concern a kind is left out. No
    words of anybody's. A member that is not listed is a plain value."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Plain]

    request_id: str | None = None
    therapist: str | None = None
    appointment_id: str | None = None
    payment_id: str | None = None
    task_id: str | None = None
    form_id: str | None = None
    type: str | None = None
    mode: str | None = None
    amount: int | None = None
    currency: str | None = None
    because: str | None = None
    appointments: list[StoppedAppointment | TimeAsBooked | str] | None = None
    outstanding: list[str] | None = None
    fields: list[str] | None = None
    ruled_out: list[str] | None = None
    details: list[str] | None = None
    tasks: list[str] | None = None
    skipped: list[LeftOutDate] | None = None
    exceptions: list[SetAsideView | str] | None = None
    exception: Waiver | None = None
    waiver: Waiver | None = None
    remind: RemindView | None = None
    workflows: list[StartedAgain] | None = None
    chats: dict[str, JoinedChat] | None = None
    stopped: list[StoppedByJoin] | None = None
    restored: BroughtBack | bool | None = None
    not_restored: list[NotBroughtBack] | None = None
    left_unmarked: list[StoppedAppointment] | None = None
    payments: list[StoppedPayment] | None = None
    in_flight: list[StoppedPayment] | None = None
    forms: list[StoppedForm | str] | None = None
    reminders: list[StoppedReminder] | None = None
    waitlist: list[StoppedWait] | None = None
    holds: list[LetGoHold] | None = None
    chats_left: list[PlanChat] | None = None
    chats_kept: list[PlanChat] | None = None
    goals: list[PausedGoal] | None = None
    tasks_closed: list[ClosedTask] | None = None
    mails: list[PlanMail] | None = None
    money: list[MoneyTotals] | None = None
    archived_at: datetime | None = None


class TaskAbout(BaseModel):
    """What the task is about, by its kind. A member that is not listed is a plain value."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Plain]

    appointment_id: str | None = None
    payment_id: str | None = None
    approval_id: str | None = None
    other_id: str | None = None


FactDocument = Annotated[dict[str, Any], DescribedAs(FactData)]
TaskDocument = Annotated[dict[str, Any], DescribedAs(TaskAbout)]
