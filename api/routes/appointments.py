"""Appointments: book, look, cancel, move, and say how they went."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.bodies import Body, ClientDetailsBody, Flag, Instant, Reason, Whole
from api.deps import ByTime, Known, Now, Practice, RequestId, Services, Svc, must_see_client
from api.engine import Gone
from api.idempotency import IdempotentRoute
from api.outcomes import appointment_changed, journey_done
from api.problems import Refused, not_found, refuse, responses, wrong_fields
from api.routes.slots import MOST_DAYS
from api.views import AppointmentView, Listed, MoneyView, appointment_view, cut, listed
from models import queries
from models.queries import AppointmentFilter, AppointmentRow
from rules.booking import MOST_WEEKS, not_open, refuse_change
from rules.fees import Money, cancellation
from rules.hours import find_zone
from rules.people import Caller
from rules.refusals import Problem
from rules.words import AppointmentStatus, AppointmentType, Mode, Outcome, PaymentStatus, Role
from workflows.messages import (
    BOOK,
    CANCEL,
    RECORD_OUTCOME,
    RESCHEDULE,
    BookingOrder,
    CancelOrder,
    ClientDetails,
    OutcomeOrder,
    RescheduleOrder,
)

router = APIRouter(prefix="/v1", tags=["appointments"], route_class=IdempotentRoute)

# ---------------------------------------------------------------- book


class BookingBody(Body):
    """``weeks`` above 1 books a weekly series, all of it or nothing; ``skip_conflicts`` books the rest."""

    type: AppointmentType
    starts_at: Instant
    mode: Mode
    weeks: Annotated[Whole, Field(ge=1, le=MOST_WEEKS)] = 1
    skip_conflicts: Flag = False
    hold_id: UUID | None = None
    details: ClientDetailsBody | None = None


class BookedView(BaseModel):
    """``unarchived`` is told to the practice alone."""

    appointments: list[AppointmentView]
    series_id: UUID | None
    skipped: list[dict[str, Any]]
    unarchived: bool = False


@router.post(
    "/clients/{client_id}/appointments",
    status_code=201,
    summary="Book an appointment, or a weekly series",
    response_model_exclude_unset=True,
    responses=responses(
        Problem.NOT_FOUND,
        Problem.CLIENT_DETAILS_REQUIRED,
        Problem.EMAIL_IN_USE,
        Problem.BOOKING_DISABLED,
        Problem.NO_THERAPIST_ASSIGNED,
        Problem.INTRO_CALL_REQUIRED,
        Problem.INTRO_CALL_NOT_OFFERED,
        Problem.INTAKE_FORMS_INCOMPLETE,
        Problem.SLOT_TAKEN,
        Problem.SLOT_UNAVAILABLE,
        Problem.SERIES_CONFLICT,
    ),
)
async def book(
    *, client_id: UUID, body: BookingBody, services: Svc, caller: Known, request_id: RequestId
) -> BookedView:
    await must_see_client(services, caller, client_id)
    order = BookingOrder(
        request_id=str(request_id),
        client_id=str(client_id),
        by=caller,
        type=body.type,
        starts_at=body.starts_at,
        mode=body.mode,
        weeks=body.weeks,
        skip_conflicts=body.skip_conflicts,
        hold_id=str(body.hold_id) if body.hold_id else None,
        details=ClientDetails(**body.details.model_dump()) if body.details else None,
    )
    booked = await journey_done(services, BOOK, order, client_id=client_id, request_id=request_id)
    async with services.sessions() as session:
        rows = await queries.appointments_by_id(session, caller, [UUID(facts.id) for facts in booked.appointments])
    more = {"unarchived": booked.unarchived} if caller.is_practice else {}
    return BookedView(
        appointments=[appointment_view(row, caller=caller) for row in rows],
        series_id=UUID(booked.series_id) if booked.series_id else None,
        skipped=list(booked.skipped),
        **more,
    )


# ---------------------------------------------------------------- look


@router.get(
    "/appointments",
    summary="Appointments in the order of time",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_appointments(
    *,
    services: Svc,
    caller: Known,
    page: ByTime,
    therapist: Annotated[str | None, Query(max_length=80, description="A therapist's slug.")] = None,
    client: Annotated[UUID | None, Query()] = None,
    first: Annotated[str | None, Query(alias="from", max_length=40, description="A date or a time.")] = None,
    last: Annotated[str | None, Query(alias="to", max_length=40, description="A date (included) or a time.")] = None,
    time_zone: Annotated[str, Query(max_length=64, description="In which the dates are meant.")] = "UTC",
    status: Annotated[AppointmentStatus | None, Query()] = None,
) -> Listed[AppointmentView]:
    if find_zone(time_zone) is None:
        raise wrong_fields([("time_zone", "must be an IANA time zone such as America/New_York")])
    zone = ZoneInfo(time_zone)
    starts_from = _edge("from", first, zone, days_on=0) if first else None
    starts_before = _edge("to", last, zone, days_on=1) if last else None
    if starts_from and starts_before and not timedelta() <= starts_before - starts_from <= _LONGEST:
        raise wrong_fields([("to", f"must be after from, and at most {MOST_DAYS} days later")])
    wanted = AppointmentFilter(
        therapist=therapist, client=client, status=status, starts_from=starts_from, starts_before=starts_before
    )
    async with services.sessions() as session:
        rows, behind = cut(await queries.list_appointments(session, caller, wanted, page), page)
        views = [appointment_view(row, caller=caller) for row in await queries.appointment_rows(session, rows)]
    return listed(views, (behind.starts_at, behind.id) if behind else None)


_LONGEST = timedelta(days=MOST_DAYS, hours=25)  # whole local dates, on which clocks may have gone back


def _edge(field: str, text: str, zone: ZoneInfo, *, days_on: int) -> datetime:
    """An instant; a date stands for its first, or (``days_on`` 1) for the first of the next."""
    try:
        if "T" not in text.upper():
            day = date.fromisoformat(text) + timedelta(days=days_on)
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        # A plus sign in a query arrives as a space.
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        if instant.utcoffset() is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise wrong_fields([(field, "must be a date, or a time with its offset")])


@router.get(
    "/appointments/{appointment_id}",
    summary="One appointment",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def one_appointment(*, appointment_id: UUID, services: Svc, caller: Known) -> AppointmentView:
    return appointment_view(await _must_see(services, caller, appointment_id), caller=caller)


async def _must_see(services: Services, caller: Caller, appointment_id: UUID) -> AppointmentRow:
    async with services.sessions() as session:
        row = await queries.visible_appointment(session, caller, appointment_id)
    if row is None:
        raise not_found("appointment")
    return row


async def _must_change(services: Services, caller: Caller, appointment_id: UUID) -> AppointmentRow:
    """The appointment, for one who may change it: a therapist only their own."""
    row = await _must_see(services, caller, appointment_id)
    if caller.role is Role.THERAPIST and row.therapist != caller.therapist:
        raise refuse(Problem.NOT_ALLOWED, "This appointment is another therapist's.")
    return row


# ---------------------------------------------------------------- change


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


class CancelBody(WaiverBody):
    """``requested_by`` says whose wish it is, and is the practice's to say. ``confirm: false`` changes nothing."""

    reason: Reason | None = None
    requested_by: Literal["client", "practice"] | None = None
    confirm: Flag = True


class CancelPreview(BaseModel):
    """What cancelling now would mean: whether it is late, and the fee that would be due."""

    appointment: AppointmentView
    late: bool
    fee: MoneyView | None


@router.post(
    "/appointments/{appointment_id}/cancel",
    summary="Cancel an appointment, or ask what that would cost",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.LATE_CHANGE, Problem.APPOINTMENT_NOT_OPEN),
)
async def cancel(
    *, appointment_id: UUID, body: CancelBody, services: Svc, caller: Known, request_id: RequestId, now: Now
) -> AppointmentView | CancelPreview:
    body.check_waiver(caller)
    if body.requested_by == "practice" and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "Only the practice cancels for its own reasons.")
    row = await _must_change(services, caller, appointment_id)
    by_client = body.requested_by == "client" or not caller.is_practice
    if not body.confirm:
        return _preview(services, caller, row, body, by_client=by_client, now=now)
    order = CancelOrder(
        request_id=str(request_id),
        appointment_id=str(appointment_id),
        by=caller,
        reason=body.reason,
        requested_by_client=by_client,
        waive_fee=body.waive_fee,
        waive_reason=body.waive_reason,
    )
    changed = await appointment_changed(services, caller, CANCEL, order, row=row, request_id=request_id)
    if isinstance(changed, Gone):
        changed = await _as_this_request_left_it(services, caller, appointment_id, request_id)
    return appointment_view(changed, caller=caller)


def _preview(
    services: Services, caller: Caller, row: AppointmentRow, body: CancelBody, *, by_client: bool, now: datetime
) -> CancelPreview:
    appointment = row.appointment
    fee = Money(appointment.fee_amount, appointment.fee_currency)
    window = services.settings.policy.notice_window
    refusal = refuse_change(
        status=appointment.status,
        type=appointment.type,
        starts_at=appointment.starts_at,
        fee=fee,
        therapist=row.therapist,
        now=now,
        by_practice=caller.is_practice,
        notice_window=window,
    )
    if refusal is not None:
        raise Refused(refusal)
    would = cancellation(
        type=appointment.type,
        fee=fee,
        starts_at=appointment.starts_at,
        now=now,
        requested_by_client=by_client,
        notice_window=window,
    )
    due = would.fee if not body.waive_fee else None
    return CancelPreview(
        appointment=appointment_view(row, caller=caller),
        late=would.late,
        fee=MoneyView(amount=due.amount, currency=due.currency) if due else None,
    )


async def _as_this_request_left_it(
    services: Services, caller: Caller, appointment_id: UUID, request_id: UUID
) -> AppointmentRow:
    """The workflow has ended: it may have been by this very request, whose answer was lost. Else it is refused."""
    row = await _must_see(services, caller, appointment_id)
    if row.appointment.changed_by != request_id:
        raise Refused(not_open(row.appointment.status))
    return row


class RescheduleBody(Body):
    starts_at: Instant
    reason: Reason | None = None
    hold_id: UUID | None = None


@router.post(
    "/appointments/{appointment_id}/reschedule",
    summary="Move an appointment to another time",
    response_model_exclude_unset=True,
    responses=responses(
        Problem.NOT_FOUND,
        Problem.LATE_CHANGE,
        Problem.APPOINTMENT_NOT_OPEN,
        Problem.SLOT_TAKEN,
        Problem.SLOT_UNAVAILABLE,
    ),
)
async def reschedule(
    *, appointment_id: UUID, body: RescheduleBody, services: Svc, caller: Known, request_id: RequestId
) -> AppointmentView:
    row = await _must_change(services, caller, appointment_id)
    order = RescheduleOrder(
        request_id=str(request_id),
        appointment_id=str(appointment_id),
        by=caller,
        starts_at=body.starts_at,
        reason=body.reason,
        hold_id=str(body.hold_id) if body.hold_id else None,
    )
    changed = await appointment_changed(services, caller, RESCHEDULE, order, row=row, request_id=request_id)
    if isinstance(changed, Gone):
        changed = await _as_this_request_left_it(services, caller, appointment_id, request_id)
    return appointment_view(changed, caller=caller)


class OutcomeBody(WaiverBody):
    outcome: Outcome


@router.post(
    "/appointments/{appointment_id}/outcome",
    summary="Say that an appointment took place, or that nobody came",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.APPOINTMENT_NOT_STARTED, Problem.APPOINTMENT_NOT_OPEN),
)
async def record_outcome(
    *, appointment_id: UUID, body: OutcomeBody, services: Svc, caller: Practice, request_id: RequestId
) -> AppointmentView:
    body.check_waiver(caller)
    row = await _must_change(services, caller, appointment_id)
    order = OutcomeOrder(
        request_id=str(request_id),
        appointment_id=str(appointment_id),
        by=caller,
        outcome=body.outcome,
        waive_fee=body.waive_fee,
        waive_reason=body.waive_reason,
    )
    changed = await appointment_changed(services, caller, RECORD_OUTCOME, order, row=row, request_id=request_id)
    if isinstance(changed, Gone):
        stands = await _must_see(services, caller, appointment_id)
        waived = stands.payment is not None and stands.payment.status is PaymentStatus.WAIVED
        if stands.appointment.status.value != body.outcome.value or (body.waive_fee and not waived):
            raise Refused(not_open(stands.appointment.status))
        return appointment_view(stands, caller=caller)
    return appointment_view(changed, caller=caller)
