"""Changes of appointments: cancel, move, and say how they went; one, or one and all after it in its series."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from activities.types.booking import (
    Changed,
    FollowingChanged,
    WouldCancel,
)
from api.access_log.declared import shows
from api.bodies import Body, Flag, Instant, Reason
from api.commands import ByKnown, ByPractice, Command
from api.deps import must_see_appointment
from api.engine import Gone
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, refuse, responses, wrong_fields
from api.views.base import PracticeOnly, View
from api.views.booking import AppointmentView, seen_by
from api.views.dates import SetAsideView
from api.views.lists import MoneyView
from models.reads.booking.appointments import AppointmentRow, appointments_by_id, owner_of_appointment
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.booking.eligibility import not_open
from rules.enums import Outcome, PaymentStatus, Role
from rules.refusals import Problem
from workflows.messages import (
    CANCEL,
    CANCEL_FOLLOWING,
    RECORD_OUTCOME,
    RESCHEDULE,
    RESCHEDULE_FOLLOWING,
    UNMARK_OUTCOME,
)

router = APIRouter(
    prefix="/v1", tags=["appointments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)


class Scope(StrEnum):
    """This appointment alone, or also all after it in its series."""

    ONE = "one"
    FOLLOWING = "following"


class ChangedView(AppointmentView):
    """The appointment after the change; ``following`` are those of its series that changed with it.

    ``exceptions``, for the practice alone: the dates that the client side could not have moved to, and why.
    """

    following: list[AppointmentView] = Field(default_factory=list)
    exceptions: PracticeOnly[list[SetAsideView]] = Field(default_factory=list)


class WaiverBody(Body):
    """A fee may be waived by the practice, with a reason."""

    waive_fee: Flag = False
    waive_reason: Reason | None = None

    def check_waiver(self, caller: Caller) -> None:
        if (self.waive_fee or self.waive_reason is not None) and not caller.is_practice:
            raise refuse(Problem.NOT_ALLOWED, "Only the practice can waive a fee.")
        if self.waive_fee and self.waive_reason is None:
            raise wrong_fields([("waive_reason", "is required to waive a fee")])
        if self.waive_reason is not None and not self.waive_fee:
            raise wrong_fields([("waive_fee", "must be true when a reason is given")])


# ---------------------------------------------------------------- cancel


class CancelBody(WaiverBody):
    """``requested_by`` says whose wish it is, and is the practice's to say. ``confirm: false`` changes nothing."""

    reason: Reason | None = None
    requested_by: Annotated[Literal["client", "practice"] | None, Field(exclude=True)] = None
    scope: Annotated[Scope, Field(exclude=True)] = Scope.ONE
    confirm: Flag = True


class WouldCancelView(BaseModel):
    """One appointment that would be cancelled: whether that is late, and the fee that would be due."""

    appointment_id: UUID
    starts_at: datetime
    late: bool
    fee: MoneyView | None


class CancelPreview(BaseModel):
    """What cancelling now would mean: whether it is late, the fee that would be due in all, and each appointment."""

    appointment: AppointmentView
    late: bool
    fee: MoneyView | None
    appointments: list[WouldCancelView]


@router.post(
    "/appointments/{appointment_id}/cancel",
    summary="Cancel an appointment, or ask what that would cost",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.LATE_CHANGE, Problem.APPOINTMENT_NOT_OPEN),
)
async def cancel_appointment(
    *, appointment_id: UUID, body: CancelBody, command: ByKnown
) -> ChangedView | CancelPreview:
    caller = command.caller
    body.check_waiver(caller)
    if body.requested_by == "practice" and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "Only the practice cancels for its own reasons.")
    client_id = await _must_change(command, appointment_id)
    wish = {"requested_by_client": body.requested_by == "client" or not caller.is_practice}
    if body.scope is Scope.FOLLOWING:
        done = await command.ask(CANCEL_FOLLOWING, body, client_id=client_id, appointment_id=appointment_id, **wish)
        if not body.confirm:
            return await _preview(command, appointment_id, done.would)
        return await _changed_together(command, appointment_id, done, cancel_reason=body.reason)
    answer = await command.change(CANCEL, body, appointment_id=appointment_id, **wish)
    if isinstance(answer, Gone):
        return await _as_this_request_left_it(command, appointment_id)
    if body.confirm:
        return _changed(answer, caller, cancel_reason=body.reason)
    return await _preview(command, appointment_id, answer.would)


async def _preview(command: Command, appointment_id: UUID, would: Sequence[WouldCancel]) -> CancelPreview:
    row = await _appointment(command, appointment_id)
    fees = [line.fee for line in would if line.fee]
    currency = row.appointment.fee_currency
    return CancelPreview(
        appointment=AppointmentView.of_row(row, caller=command.caller),
        late=any(line.late for line in would),
        fee=MoneyView(amount=sum(fees), currency=currency) if fees else None,
        appointments=[
            WouldCancelView(
                appointment_id=UUID(line.appointment_id),
                starts_at=line.starts_at,
                late=line.late,
                fee=MoneyView(amount=line.fee, currency=line.currency) if line.fee else None,
            )
            for line in would
        ],
    )


# ---------------------------------------------------------------- move


class RescheduleBody(Body):
    """``scope: following`` moves the rest of the series along, whole weeks after the new time."""

    starts_at: Instant
    reason: Reason | None = None
    hold_id: UUID | None = None
    scope: Annotated[Scope, Field(exclude=True)] = Scope.ONE
    confirm: Flag = True


class WouldMove(BaseModel):
    """One appointment that would be moved."""

    appointment_id: UUID
    starts_at: datetime
    to: datetime


class MovePreview(View):
    """What moving now would mean. A move that is allowed is never late, and costs nothing."""

    appointment: AppointmentView
    late: bool = False
    fee: MoneyView | None = None
    appointments: list[WouldMove]
    exceptions: PracticeOnly[list[SetAsideView]] = Field(default_factory=list)


@router.post(
    "/appointments/{appointment_id}/reschedule",
    summary="Move an appointment to another time, or ask whether that can be",
    response_model_exclude_unset=True,
    responses=responses(
        Problem.NOT_FOUND,
        Problem.BOOKING_DISABLED,
        Problem.LATE_CHANGE,
        Problem.APPOINTMENT_NOT_OPEN,
        Problem.SLOT_TAKEN,
        Problem.SLOT_UNAVAILABLE,
        Problem.SERIES_CONFLICT,
    ),
)
async def reschedule_appointment(
    *, appointment_id: UUID, body: RescheduleBody, command: ByKnown
) -> ChangedView | MovePreview:
    client_id = await _must_change(command, appointment_id)
    if body.scope is Scope.FOLLOWING:
        done = await command.ask(RESCHEDULE_FOLLOWING, body, client_id=client_id, appointment_id=appointment_id)
        if body.confirm:
            return await _changed_together(command, appointment_id, done)
        return await _move_preview(command, appointment_id, done.moves, done.exceptions)
    answer = await command.change(RESCHEDULE, body, appointment_id=appointment_id)
    if isinstance(answer, Gone):
        return await _as_this_request_left_it(command, appointment_id)
    if body.confirm:
        return _changed(answer, command.caller)
    moves = {str(appointment_id): body.starts_at}
    return await _move_preview(command, appointment_id, moves, answer.exceptions)


async def _move_preview(
    command: Command,
    appointment_id: UUID,
    moves: Mapping[str, datetime],
    exceptions: Sequence[dict[str, Any]],
) -> MovePreview:
    async with command.services.sessions() as session:
        rows = await appointments_by_id(session, command.caller, [UUID(id) for id in moves])
    first = next(row for row in rows if row.appointment.id == appointment_id)
    would = [
        WouldMove(appointment_id=one.id, starts_at=one.starts_at, to=moves[str(one.id)])
        for one in (row.appointment for row in rows)
    ]
    return MovePreview.of(
        caller=command.caller,
        appointment=AppointmentView.of_row(first, caller=command.caller),
        late=False,
        fee=None,
        appointments=sorted(would, key=lambda one: one.to),
        exceptions=exceptions,
    )


# ---------------------------------------------------------------- outcome


class OutcomeBody(WaiverBody):
    """``reason`` is kept in the timeline: why it is marked late, or corrected."""

    outcome: Outcome
    reason: Reason | None = None


@router.post(
    "/appointments/{appointment_id}/outcome",
    summary="Say that an appointment took place, or that nobody came",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.APPOINTMENT_NOT_STARTED, Problem.APPOINTMENT_NOT_OPEN),
)
async def record_outcome(*, appointment_id: UUID, body: OutcomeBody, command: ByPractice) -> AppointmentView:
    body.check_waiver(command.caller)
    _ = await _must_change(command, appointment_id)
    answer = await command.change(RECORD_OUTCOME, body, appointment_id=appointment_id)
    if isinstance(answer, Gone):
        stands = await _appointment(command, appointment_id)
        waived = stands.payment is not None and stands.payment.status is PaymentStatus.WAIVED
        if stands.appointment.status.value != body.outcome.value or (body.waive_fee and not waived):
            raise Refused(not_open(stands.appointment.status))
        return AppointmentView.of_row(stands, caller=command.caller)
    return AppointmentView.of_answer(answer.appointment, answer.journey, caller=command.caller)


@router.delete(
    "/appointments/{appointment_id}/outcome",
    summary="Take an outcome back, as if nobody had said anything yet",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.APPOINTMENT_NOT_OPEN),
)
async def remove_outcome(*, appointment_id: UUID, command: ByPractice) -> AppointmentView:
    """While its payment is ``scheduled``, which is cancelled; without a payment for a day after it was marked. One that
    is not marked stands as it is. Once money has moved, it is refunded instead."""
    client_id = await _must_change(command, appointment_id)
    answer = await command.ask(UNMARK_OUTCOME, client_id=client_id, appointment_id=appointment_id)
    return AppointmentView.of_answer(answer.appointment, answer.journey, caller=command.caller)


# ---------------------------------------------------------------- parts


async def _appointment(command: Command, appointment_id: UUID) -> AppointmentRow:
    return await must_see_appointment(command.services, command.caller, appointment_id)


async def _must_change(command: Command, appointment_id: UUID) -> UUID:
    """The client of the appointment, for one who may change it: a therapist only their own."""
    caller = command.caller
    async with command.services.sessions() as session:
        owner = must_find("appointment", await owner_of_appointment(session, caller, appointment_id))
    client_id, therapist = owner
    if caller.role is Role.THERAPIST and therapist != caller.therapist:
        raise refuse(Problem.NOT_ALLOWED, "This appointment is another therapist's.")
    return client_id


def _changed(answer: Changed, caller: Caller, *, cancel_reason: str | None = None) -> ChangedView:
    more: dict[str, Any] = {"following": [], "exceptions": answer.exceptions, "cancel_reason": cancel_reason}
    return ChangedView.of_answer(answer.appointment, answer.journey, caller=caller, **more)


async def _changed_together(
    command: Command, appointment_id: UUID, done: FollowingChanged, *, cancel_reason: str | None = None
) -> ChangedView:
    """``cancel_reason``: as it was asked for; what an engine carries has none."""
    caller, why = command.caller, {"cancel_reason": cancel_reason}
    seen = seen_by(caller, done.appointments, done.journey)
    first = next((one for one in seen if one.id == str(appointment_id)), None)
    others = [AppointmentView.of_answer(one, done.journey, caller=caller, **why) for one in seen if one is not first]
    more = {"following": others, "exceptions": done.exceptions}
    if first is None:  # the others came back into its rhythm, and it stays where it is
        return ChangedView.of_row(await _appointment(command, appointment_id), caller=caller, **more)
    return ChangedView.of_answer(first, done.journey, caller=caller, **more, **why)


async def _as_this_request_left_it(command: Command, appointment_id: UUID) -> ChangedView:
    """The workflow has ended: it may have been by this very request, whose answer was lost. Else it is refused."""
    row = await _appointment(command, appointment_id)
    if row.appointment.changed_by != command.request_id:
        raise Refused(not_open(row.appointment.status))
    return ChangedView.of_row(row, caller=command.caller, following=[], exceptions=[])
