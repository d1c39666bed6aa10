"""Calendars that a therapist keeps elsewhere: their events are busy times here, without a word of what they are."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.bodies import Body, Name
from api.calendars import consents
from api.commands import wake_calendar
from api.dates import MOST_DAYS
from api.deps import Now, PracticeOrAdmin, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses, wrong_fields
from api.routes.booking.therapists import must_be_own
from api.views.base import View
from api.views.lists import Listed, listed
from models.reads.booking.outside import busy_times, calendars_of
from models.reads.booking.therapists import therapist_by_slug
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.writes.booking.connected_calendars import wait_for_consent
from models.writes.booking.outside import add_calendar, end_calendar, lock_calendar
from models.writes.locks import lock_therapist
from rules.accounts.caller import Caller
from rules.booking.calendar_vendors import BY_CONSENT
from rules.booking.outside import MOST_CALENDARS, MOST_SPANS, fetched_from, place_of
from rules.enums import CalendarKind, CalendarTrouble, Role
from rules.outbound import LONGEST_ADDRESS, trouble_with
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["calendars"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("when a therapist is busy elsewhere, and not with whom")],
)

CalendarId = Annotated[UUID, Path(description="The id of a calendar that is kept elsewhere.")]
_Secret = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ADDRESS)]
_NEEDED: dict[CalendarKind, tuple[str, ...]] = {
    CalendarKind.ICS: ("address",),
    CalendarKind.CALDAV: ("address", "user", "password"),
}


class CalendarState(StrEnum):
    NEW = "new"  # never read yet
    WAITING = "waiting"  # for a consent at its vendor
    NEEDS_CONNECTING = "needs_connecting"  # the consent is over
    OK = "ok"
    FAILING = "failing"


class CalendarBody(Body):
    """Of the kind ``ics`` the private ``address`` of a file; of ``caldav`` the ``address`` of the account or of one of
    its calendars, with ``user`` and ``password``. ``google`` and ``outlook`` are connected at the vendor's own page,
    which sends the browser back to ``return_to``, below ``STAFF_URL`` and known to the vendor."""

    kind: CalendarKind
    label: Name | None = None
    address: _Secret | None = None
    user: _Secret | None = None
    password: _Secret | None = None
    return_to: Annotated[str | None, StringConstraints(max_length=500)] = None


class CalendarView(View):
    """``place`` is the machine that has it: the rest of the address is a secret, and is not told again. ``trouble``
    says why it cannot be read since ``failing_since``; what was read last counts meanwhile."""

    id: UUID
    kind: CalendarKind
    label: str | None
    place: str | None
    state: CalendarState
    trouble: CalendarTrouble | None
    failing_since: datetime | None
    read_at: datetime | None
    busy_times: int
    made_at: datetime


class AddedCalendarView(CalendarView):
    """``connect_url``: the page of the vendor where the therapist consents, of the kinds that need it; good until
    ``connect_by``."""

    connect_url: str | None
    connect_by: datetime | None


class BusyTimeView(BaseModel):
    """``all_day``: of whole days in its own calendar. ``tentative``: not yet sure there, and busy all the same."""

    calendar_id: UUID
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    tentative: bool


class BusyTimesView(BaseModel):
    """In the order of time, in the therapist's zone."""

    time_zone: str
    busy: list[BusyTimeView]


@router.post(
    "/therapists/{slug}/calendars",
    status_code=201,
    summary="Add a calendar that the therapist keeps elsewhere",
    responses=responses(Problem.NOT_FOUND),
)
async def add_outside_calendar(
    *, slug: str, body: CalendarBody, services: Svc, caller: PracticeOrAdmin, request_id: RequestId, now: Now
) -> AddedCalendarView:
    """It is read within seconds, or as soon as it is connected, and then again and again."""
    must_be_theirs(caller, slug)
    access = _access_of(body)
    return_to = consents.return_url(services, body.return_to) if body.kind in BY_CONSENT else None
    async with services.sessions() as session:
        found = must_find("therapist", await therapist_by_slug(session, slug))
        therapist = await lock_therapist(session, found.id)
        others = await calendars_of(session, therapist.id)
        if len(others) >= MOST_CALENDARS:
            raise wrong_fields([("kind", f"a therapist has at most {MOST_CALENDARS} calendars elsewhere")])
        row = add_calendar(
            session,
            id=uuid5(request_id, "calendar"),
            therapist_id=therapist.id,
            kind=body.kind,
            label=body.label,
            access=access,
            by=caller.actor,
            at=now,
        )
        url, until = None, None
        if return_to is not None:
            wait_for_consent(row, at=now)
            await session.flush()
            url, until = await consents.begin(session, services, row, return_to=return_to, caller=caller)
        await session.commit()
        view = AddedCalendarView(**_view(row, 0).model_dump(), connect_url=url, connect_by=until)
    await wake_calendar(services, row.id)
    return view


@router.get(
    "/therapists/{slug}/calendars",
    summary="The calendars that the therapist keeps elsewhere, and how each can be read",
    responses=responses(Problem.NOT_FOUND),
)
async def list_outside_calendars(slug: str, services: Svc, caller: PracticeOrAdmin) -> Listed[CalendarView]:
    must_be_theirs(caller, slug)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        return listed([_view(row, busy) for row, busy in await calendars_of(session, therapist.id)], None)


@router.delete(
    "/therapists/{slug}/calendars/{calendar_id}",
    status_code=204,
    summary="Take a calendar away, and its busy times with it",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_outside_calendar(
    slug: str, calendar_id: CalendarId, services: Svc, caller: PracticeOrAdmin, now: Now
) -> None:
    must_be_theirs(caller, slug)
    async with services.sessions() as session:
        row = await _locked(session, slug, calendar_id)
        kind, access, channel, channel_id = row.kind, row.access, row.channel, row.channel_id
        await end_calendar(session, row, at=now)
        await session.commit()
    await wake_calendar(services, calendar_id)
    vendor = services.settings.calendar_vendors.get(kind)
    await consents.stop_channel(vendor, access, channel, channel_id=channel_id, calendar_id=calendar_id)
    await consents.give_back(vendor, access, calendar_id=calendar_id)


@router.post(
    "/therapists/{slug}/calendars/{calendar_id}/read",
    status_code=202,
    summary="Read a calendar now",
    responses=responses(Problem.NOT_FOUND),
)
async def read_outside_calendar(
    slug: str, calendar_id: CalendarId, services: Svc, caller: PracticeOrAdmin
) -> CalendarView:
    """The answer is how it stood before: list the calendars to see how it went."""
    must_be_theirs(caller, slug)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        found = [each for each in await calendars_of(session, therapist.id) if each[0].id == calendar_id]
        view = _view(*must_find("calendar", next(iter(found), None)))
    await wake_calendar(services, calendar_id)
    return view


@router.get(
    "/therapists/{slug}/busy",
    summary="When the therapist is busy in calendars kept elsewhere",
    responses=responses(Problem.NOT_FOUND),
)
async def list_busy_times(
    *,
    slug: str,
    services: Svc,
    caller: PracticeOrAdmin,
    first: Annotated[date, Query(alias="from", description="A date of the therapist's.")],
    last: Annotated[date, Query(alias="to", description="A date of the therapist's, included.")],
) -> BusyTimesView:
    must_be_own(caller, slug)
    if last < first:
        raise wrong_fields([("to", "must not be before from")])
    if (last - first).days >= MOST_DAYS or first.year < 2000 or last.year >= 2200:
        raise wrong_fields([("to", f"must be at most {MOST_DAYS} days from the first, between 2000 and 2200")])
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        zone = ZoneInfo(therapist.time_zone)
        found = await busy_times(
            session,
            therapist.id,
            starts_before=datetime.combine(last + timedelta(days=1), time.min, zone),
            ends_after=datetime.combine(first, time.min, zone),
            limit=MOST_SPANS * MOST_CALENDARS,
        )
    return BusyTimesView(time_zone=therapist.time_zone, busy=[_busy(row, zone) for row in found])


def _busy(row: OutsideBusy, zone: ZoneInfo) -> BusyTimeView:
    return BusyTimeView(
        calendar_id=row.calendar_id,
        starts_at=row.starts_at.astimezone(zone),
        ends_at=row.ends_at.astimezone(zone),
        all_day=row.all_day,
        tentative=row.tentative,
    )


def must_be_theirs(caller: Caller, slug: str) -> None:
    """What somebody does elsewhere is theirs to show: not even the care team adds a calendar, or reads of one."""
    if caller.role is not Role.ADMIN and caller.therapist != slug:
        raise refuse(Problem.NOT_ALLOWED, "Only the therapist and admins see to calendars that are kept elsewhere.")


def _access_of(body: CalendarBody) -> dict[str, str]:
    """Of a calendar that waits for a consent: nothing yet."""
    needed = _NEEDED.get(body.kind, ())
    said = body.model_dump(include={"address", "user", "password"}, exclude_none=True)
    wrong = [(name, f"is needed for a calendar of the kind {body.kind.value}") for name in needed if name not in said]
    wrong += [(name, f"is not for a calendar of the kind {body.kind.value}") for name in said if name not in needed]
    if body.return_to is not None and body.kind not in BY_CONSENT:
        wrong.append(("return_to", f"is not for a calendar of the kind {body.kind.value}"))
    if wrong:
        raise wrong_fields(wrong)
    if body.kind in BY_CONSENT:
        return {}
    address = fetched_from(said["address"])
    # Where it may lead is looked at whenever it is asked.
    trouble = trouble_with(address, private=True, password=body.kind is CalendarKind.ICS)
    if trouble is not None:
        raise wrong_fields([("address", f"cannot be used: {trouble.sentence}")])
    return said | {"address": address}


def _view(row: OutsideCalendarRow, busy: int) -> CalendarView:
    return CalendarView.of(row, place=place_of(row.access.get("address")), state=_state_of(row), busy_times=busy)


def _state_of(row: OutsideCalendarRow) -> CalendarState:
    if row.trouble is CalendarTrouble.NOT_CONNECTED:
        return CalendarState.NEEDS_CONNECTING if row.access else CalendarState.WAITING
    if row.trouble is not None:
        return CalendarState.FAILING
    return CalendarState.OK if row.read_at else CalendarState.NEW


async def _locked(session: AsyncSession, slug: str, calendar_id: UUID) -> OutsideCalendarRow:
    """The calendar, locked, so that it is not connected meanwhile; and its therapist, so that nothing is stored of
    it."""
    found = must_find("therapist", await therapist_by_slug(session, slug))
    therapist = await lock_therapist(session, found.id)
    return must_find("calendar", await lock_calendar(session, therapist.id, calendar_id))
