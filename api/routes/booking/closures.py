"""Closures: days on which the practice is closed. Everybody may know them; admins make them, from proposals or not."""

import asyncio
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows, shows_no_client
from api.bodies import Body, Day, Line
from api.commands import wake_every_line
from api.deps import Admin, Anyone, ByDay, Now, Practice, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, refuse, responses, wrong_fields
from api.views.base import View
from api.views.booking import AppointmentView
from api.views.lists import Listed, cut, listed
from calendars.public_holidays import NotKnown, public_holidays
from models.reads.booking.appointments import appointments_by_id
from models.reads.booking.closures import booked_on, days_closed
from models.reads.booking.closures import list_closures as read_closures
from models.tables.booking.closure import Closure
from models.writes.booking.closures import close_days, reopen
from rules.accounts.accesses import AccessKind
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["closures"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("days on which the practice is closed")],
)

_MOST = 100  # days that one request closes
_LAST_ON_EARTH = timedelta(hours=12)  # behind UTC: there a date ends last

# ---------------------------------------------------------------- the days


class ClosureView(View):
    """That date of each therapist's own calendar."""

    id: UUID
    date: date
    name: str


@router.get(
    "/closures",
    summary="Days on which the practice is closed, in the order of time",
    responses=responses(),
)
async def list_closures(
    *,
    services: Svc,
    _: Anyone,
    page: ByDay,
    first: Annotated[date | None, Query(alias="from", description="A date.")] = None,
    last: Annotated[date | None, Query(alias="to", description="A date, included.")] = None,
) -> Listed[ClosureView]:
    async with services.sessions() as session:
        rows, behind = cut(await read_closures(session, page=page, first=first, last=last), page)
    views = [ClosureView.of(row, date=row.day) for row in rows]
    return listed(views, (behind.day,) if behind else None)


class ClosedDayBody(Body):
    date: Day
    name: Line


class ClosuresBody(Body):
    closures: Annotated[list[ClosedDayBody], Field(min_length=1, max_length=_MOST)]


class BookedWithView(BaseModel):
    """With whom how many appointments are booked on that day. They stand: the practice decides about each."""

    therapist: str
    appointments: int


class MadeClosureView(ClosureView):
    booked: list[BookedWithView]


class ClosedView(BaseModel):
    closures: list[MadeClosureView]


@router.post(
    "/closures",
    status_code=201,
    summary="Close the practice on some days",
    responses=responses(),
)
async def close_practice(
    *, body: ClosuresBody, services: Svc, caller: Admin, request_id: RequestId, now: Now
) -> ClosedView:
    """All of the days, or none. Nobody is offered a time on them from now on, and what a waitlist has offered there is
    withdrawn. Nothing is cancelled: the answer says with whom something is booked already, and
    ``GET /v1/closures/{id}/appointments`` shows it to the practice."""
    wanted = _days(body, now=now)
    async with services.sessions() as session:
        rows = await close_days(session, wanted, request_id=request_id, by=caller.actor, at=now)
        others = {row.day: row.name for row in rows if row.name != wanted[row.day]}
        if others:
            raise wrong_fields(
                [
                    (f"closures[{number}].date", f"is closed already: {others[day]}")
                    for number, day in enumerate(wanted)
                    if day in others
                ]
            )
        views = await _with_what_is_booked(session, rows, now=now)
        await session.commit()
    await wake_every_line(services)
    return ClosedView(closures=views)


def _days(body: ClosuresBody, *, now: datetime) -> dict[date, str]:
    """What is to be closed, by date, in the order given. Raises Refused for what is over, and for a date twice."""
    wrong, names = [], dict[date, str]()
    for number, one in enumerate(body.closures):
        if one.date < (now - _LAST_ON_EARTH).date():
            wrong.append((f"closures[{number}].date", "is over"))
        if one.date in names:
            wrong.append((f"closures[{number}].date", "is given twice"))
        names[one.date] = one.name
    if wrong:
        raise wrong_fields(wrong)
    return names


async def _with_what_is_booked(session: AsyncSession, rows: list[Closure], *, now: datetime) -> list[MadeClosureView]:
    booked = Counter((one.day, one.therapist) for one in await booked_on(session, rows, now=now))
    return [
        MadeClosureView.of(
            row,
            date=row.day,
            booked=[
                BookedWithView(therapist=therapist, appointments=number)
                for (day, therapist), number in sorted(booked.items())
                if day == row.day
            ],
        )
        for row in rows
    ]


@router.delete(
    "/closures/{closure_id}",
    status_code=204,
    summary="Open the practice again on a day",
    responses=responses(Problem.NOT_FOUND),
)
async def end_closure(*, closure_id: UUID, services: Svc, _: Admin) -> None:
    """Its times are on offer again, to waitlists first. Series that were booked without the day stay without it."""
    async with services.sessions() as session:
        if not await reopen(session, closure_id):
            raise not_found("closure")
        await session.commit()
    await wake_every_line(services)


# ---------------------------------------------------------------- what is booked on them


class BookedOnClosureView(BaseModel):
    appointments: list[AppointmentView]


@router.get(
    "/closures/{closure_id}/appointments",
    summary="What is booked on a day on which the practice is closed",
    response_model_exclude_unset=True,
    dependencies=[shows(AccessKind.RECORD)],
    responses=responses(Problem.NOT_FOUND),
)
async def list_closure_appointments(
    *, closure_id: UUID, services: Svc, caller: Practice, now: Now
) -> BookedOnClosureView:
    """Ahead or running; to a therapist their own."""
    async with services.sessions() as session:
        closure = must_find("closure", await session.get(Closure, closure_id))
        found = await booked_on(session, [closure], now=now)
        rows = await appointments_by_id(session, caller, [one.appointment_id for one in found])
    return BookedOnClosureView(appointments=[AppointmentView.of_row(row, caller=caller) for row in rows])


# ---------------------------------------------------------------- proposals


class ProposalView(BaseModel):
    """``closed``: the practice is closed on that day already."""

    date: date
    name: str
    closed: bool


class ProposalsView(BaseModel):
    country: str
    state: str | None
    year: int
    items: list[ProposalView]


@router.get(
    "/closures/proposals",
    summary="Public holidays, of which closures can be made",
    responses=responses(),
)
async def propose_closures(
    *,
    services: Svc,
    _: Admin,
    now: Now,
    country: Annotated[
        str | None, Query(max_length=2, description="An ISO 3166-1 code; the practice's own if left out.")
    ] = None,
    state: Annotated[
        str | None, Query(max_length=60, description="A code of ISO 3166-2 without the country's, such as NY.")
    ] = None,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year if left out.")] = None,
) -> ProposalsView:
    """Nothing is closed by it. Without a country it is the practice's, and then its state too unless one is named."""
    house = services.settings.letterhead
    wanted = country.upper() if country is not None else house.country
    where = (state or None) if state is not None or wanted != house.country else (house.state or None)
    this_year = now.astimezone(ZoneInfo(services.settings.policy.time_zone)).year
    asked: dict[str, Any] = {"country": wanted, "state": where, "year": year or this_year}
    try:
        found = await asyncio.to_thread(public_holidays, **asked)  # the first look at a country reads its files
    except NotKnown as unknown:
        message = "is not known; those that are, are listed"
        errors = [{"field": unknown.field, "message": message, "known": list(unknown.known)}]
        raise refuse(Problem.VALIDATION_FAILED, f"{unknown.field}: {message}", errors=errors) from unknown
    async with services.sessions() as session:
        closed = await days_closed(session, [one.day for one in found])
    items = [ProposalView(date=one.day, name=one.name, closed=one.day in closed) for one in found]
    return ProposalsView(**asked, items=items)
