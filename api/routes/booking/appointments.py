"""Appointments: book, and look."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field

from api.access_log.declared import shows
from api.bodies import Body, ClientDetailsBody, Flag, Instant, Reason, Whole
from api.commands import ByKnown
from api.dates import MOST_DAYS, edge
from api.deps import ByTime, ForWhom, Known, Services, Svc, UpdatedSince, must_see_appointment
from api.idempotency import IdempotentRoute
from api.problems import refuse, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.views.base import PracticeOnly, View
from api.views.booking import AppointmentView, seen_by
from api.views.dates import SetAsideView, SkippedDateView
from api.views.lists import Polled, cut
from models.paging import Page, cursor_of
from models.reads.booking.appointments import AppointmentFilter, appointment_rows, list_changed_appointments
from models.reads.booking.appointments import list_appointments as read_list_appointments
from models.reads.changed_since import changed_since
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.booking.series import EVERY, MOST_WEEKS
from rules.changes import ChangedKind
from rules.enums import AppointmentStatus, AppointmentType, Mode, OnClosure
from rules.local_time import find_zone
from rules.refusals import Problem
from workflows.messages import BOOK

router = APIRouter(
    prefix="/v1", tags=["appointments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

# ---------------------------------------------------------------- book


def _every(weeks: int) -> int:
    if weeks not in EVERY:
        raise ValueError("must be 1, 2 or 4")
    return weeks


class BookingBody(Body):
    """``weeks`` above 1 books a series of so many appointments, one ``every`` 1, 2 or 4 weeks: all of it or nothing;
    ``skip_conflicts`` books the rest. Where the practice is closed on one of its dates, ``ask`` makes that a conflict,
    and ``skip`` leaves the date out: the series ends where it would have ended.

    ``reason`` is for the practice: why it books, where it sets rules aside.
    """

    type: AppointmentType
    starts_at: Instant
    mode: Mode
    weeks: Annotated[Whole, Field(ge=1, le=MOST_WEEKS)] = 1
    every: Annotated[Whole, AfterValidator(_every)] = 1
    on_closure: OnClosure = OnClosure.ASK
    skip_conflicts: Flag = False
    hold_id: UUID | None = None
    reason: Reason | None = None
    details: ClientDetailsBody | None = None


class BookedView(View):
    """``skipped`` are the dates of a series that was booked without them: conflicts, and with ``closure`` the days on
    which the practice is closed.

    Told to the practice alone: ``unarchived``, and the ``exceptions``, which are the dates that the client side could
    not have booked, and why.
    """

    appointments: list[AppointmentView]
    series_id: UUID | None
    skipped: list[SkippedDateView]
    unarchived: PracticeOnly[bool] = False
    exceptions: PracticeOnly[list[SetAsideView]] = Field(default_factory=list)


@router.post(
    "/clients/{client_id}/appointments",
    status_code=201,
    summary="Book an appointment, or a series",
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
        Problem.RATE_LIMITED,
    ),
)
async def book_appointment(*, client_id: UUID, body: BookingBody, command: ByKnown, whom: ForWhom) -> BookedView:
    caller = command.caller
    if body.reason is not None and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "Only the practice gives a reason for booking.")
    await command.must_see_client(client_id)
    booked = await command.ask(BOOK, body, client_id=client_id, whom=None if caller.is_practice else whom)
    seen = seen_by(caller, booked.appointments, booked.facts)
    views = [AppointmentView.of_answer(one, booked.facts, caller=caller) for one in seen]
    return BookedView.of(booked, caller=caller, appointments=views)


# ---------------------------------------------------------------- look


@router.get(
    "/appointments",
    dependencies=[versioned(MadeOf.MANY)],
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
    newest_first: Annotated[bool, Query(description="The last one first; a cursor goes on in the same order.")] = False,
    updated_since: UpdatedSince = None,
) -> Polled[AppointmentView]:
    if find_zone(time_zone) is None:
        raise wrong_fields([("time_zone", "must be an IANA time zone such as America/New_York")])
    zone = ZoneInfo(time_zone)
    starts_from = edge("from", first, zone, days_on=0) if first else None
    starts_before = edge("to", last, zone, days_on=1) if last else None
    if starts_from and starts_before and not timedelta() <= starts_before - starts_from <= _LONGEST:
        raise wrong_fields([("to", f"must be after from, and at most {MOST_DAYS} days later")])
    wanted = AppointmentFilter(
        therapist=therapist, client=client, status=status, starts_from=starts_from, starts_before=starts_before
    )
    if updated_since is not None:
        if newest_first:
            raise wrong_fields([("newest_first", "does not go with updated_since")])
        return await _changed(services, caller, wanted, page, updated_since)
    async with services.sessions() as session:
        found = await read_list_appointments(session, caller, wanted, page, newest_first=newest_first)
        rows, behind = cut(found, page)
        views = [AppointmentView.of_row(row, caller=caller) for row in await appointment_rows(session, rows)]
    return Polled(items=views, next_cursor=cursor_of(behind.starts_at, behind.id) if behind else None)


async def _changed(
    services: Services, caller: Caller, wanted: AppointmentFilter, page: Page, since: datetime
) -> Polled[AppointmentView]:
    async with services.sessions() as session:
        changed = await changed_since(session, caller, ChangedKind.APPOINTMENT, since)
        found, last = cut(await list_changed_appointments(session, caller, wanted, page, changed), page)
        rows = await appointment_rows(session, [appointment for appointment, _ in found])
    return Polled(
        items=[AppointmentView.of_row(row, caller=caller) for row in rows],
        next_cursor=cursor_of(last[1], last[0].id) if last else None,
        as_of=changed.caught_up,
    )


_LONGEST = timedelta(days=MOST_DAYS, hours=25)  # whole local dates, on which clocks may have gone back


@router.get(
    "/appointments/{appointment_id}",
    dependencies=[versioned(MadeOf.ONE)],
    summary="One appointment",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_appointment(*, appointment_id: UUID, services: Svc, caller: Known) -> AppointmentView:
    return AppointmentView.of_row(await must_see_appointment(services, caller, appointment_id), caller=caller)
