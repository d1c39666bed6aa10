"""Open slots, and holds on them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.portal import booking_must_be_on
from api.bodies import Body, Instant, Zone
from api.bounds.kept_slots import AskedSlots, SlotsAnswer
from api.commands import wake_line
from api.dates import MOST_DAYS
from api.deps import Anyone, ForWhom, KnownOrSite, Now, PracticeOrAdmin, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, not_found, responses, wrong_fields
from api.routes.booking.availability import IgnoredLine, availability_in, ignored_lines
from api.routes.booking.therapists import must_be_own
from api.views.availability import PARTS
from api.views.dates import SlotView
from models.reads.booking.calendar import busy_margin, horizon_end, load_busy
from models.reads.booking.hours import load_availability
from models.reads.booking.therapists import therapist_by_slug
from models.reads.booking.written_calendar import written_calendar
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.writes.booking.holds import drop_hold, put_hold
from models.writes.locks import lock_therapist
from rules.booking.availability import Availability, Slot, check_slot, find_zone, offered_until, open_slots
from rules.enums import AppointmentType
from rules.refusals import Problem, Refusal

router = APIRouter(
    prefix="/v1",
    tags=["slots"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("open times are everybody's to see")],
)

_DEFAULT_DAYS = 14
_DAY = timedelta(days=1)


class SlotDayView(BaseModel):
    date: date
    slots: list[SlotView]


class SlotsView(BaseModel):
    """Days that have open slots, by the asker's local date; times in the asker's zone."""

    time_zone: str
    days: list[SlotDayView]


@router.get(
    "/therapists/{slug}/slots",
    summary="When this therapist can be booked",
    response_model=SlotsView,
    responses=responses(Problem.NOT_FOUND),
)
async def list_slots(
    *,
    slug: str,
    services: Svc,
    _: Anyone,
    now: Now,
    type: Annotated[AppointmentType, Query()],
    first: Annotated[date | None, Query(alias="from", description="A date; today if left out.")] = None,
    last: Annotated[date | None, Query(alias="to", description="A date, included.")] = None,
    time_zone: Annotated[str | None, Query(max_length=64, description="The asker's zone.")] = None,
    hold_id: Annotated[UUID | None, Query(description="A hold of the asker's, whose time is then free.")] = None,
) -> Response:
    if time_zone is not None and find_zone(time_zone) is None:
        raise wrong_fields([("time_zone", "must be an IANA time zone such as America/New_York")])
    _must_be_near(first, last)
    async with services.sessions() as session:
        if hold_id is None:
            opens, closes = _around(first, last, today=now.date())
            written = await written_calendar(session, slug, opens=opens, closes=closes, now=now)
        else:
            therapist = must_find("therapist", await therapist_by_slug(session, slug))
            zone_name = time_zone or therapist.time_zone
            found = await _open(
                session,
                therapist,
                await load_availability(session, therapist),
                type=type,
                now=now,
                days=_range(first, last, today=now.astimezone(ZoneInfo(zone_name)).date()),
                zone_name=zone_name,
                hold_id=hold_id,
            )
            return _as_json(_body(found, zone_name))
    calendar = must_find("therapist", written)
    zone_name = time_zone or calendar.time_zone
    days = _range(first, last, today=now.astimezone(ZoneInfo(zone_name)).date())
    asked = AskedSlots(calendar=calendar, type=type, days=days, zone_name=zone_name)
    return _as_json(services.slots.answer(asked, now=now) or services.slots.keep(asked, _answered(asked, now=now)))


def _answered(asked: AskedSlots, *, now: datetime) -> SlotsAnswer:
    availability, busy = asked.calendar.read()
    of_whom: dict[str, Any] = {"availability": availability, "type": asked.type, "busy": busy, "now": now}
    first_day, last_day = asked.days
    zone_name = asked.zone_name
    found = open_slots(**of_whom, first_day=first_day, last_day=last_day, asker_zone=zone_name)
    until = offered_until(**of_whom, last_day=last_day, asker_zone=zone_name, offered=found)
    return SlotsAnswer(body=_body(found, zone_name), since=now, until=until)


def _body(found: Sequence[Slot], zone_name: str) -> bytes:
    return SlotsView.model_validate(_by_day(found, zone_name)).model_dump_json().encode()


def _as_json(body: bytes) -> Response:
    """Not as a view: to look through hundreds of slots for clients, of whom none says anything, takes longer than to
    find them."""
    return Response(body, media_type="application/json")


def _by_day(found: Sequence[Slot], zone_name: str) -> dict[str, Any]:
    """For a view of slots. All at once: hundreds of slots made into views one by one take longer than finding them."""
    zone = ZoneInfo(zone_name)
    days: dict[date, list[dict[str, datetime]]] = {}
    for slot in found:
        local = {"starts_at": slot.starts_at.astimezone(zone), "ends_at": slot.ends_at.astimezone(zone)}
        days.setdefault(local["starts_at"].date(), []).append(local)
    return {"time_zone": zone_name, "days": [{"date": day, "slots": slots} for day, slots in days.items()]}


def _with_hours(schema: dict[str, Any]) -> None:
    """The parts of the document, which rules of their own read."""
    schema |= {"properties": {**PARTS, **schema["properties"]}, "additionalProperties": False}


class PreviewBody(BaseModel):
    """An availability document (as ``PUT .../availability`` takes it), and beside it what slots are asked by. It has no
    zone of its own: ``time_zone`` is the asker's."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, json_schema_extra=_with_hours)

    type: AppointmentType
    first: Annotated[date | None, Field(alias="from", description="A date; today if left out.")] = None
    last: Annotated[date | None, Field(alias="to", description="A date, included.")] = None
    time_zone: Zone | None = None


class PreviewedSlotsView(SlotsView):
    ignored: list[IgnoredLine]


@router.post(
    "/therapists/{slug}/slots/preview",
    summary="The slots that hours would give which are not saved",
    responses=responses(Problem.NOT_FOUND),
)
async def preview_slots(
    slug: str, body: PreviewBody, services: Svc, caller: PracticeOrAdmin, now: Now
) -> PreviewedSlotsView:
    """Nothing is stored. What is booked or held stays taken; the answer names every line that saving would refuse."""
    must_be_own(caller, slug)
    _must_be_near(body.first, body.last)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        availability = availability_in(body.model_extra or {}, therapist)
        zone_name = body.time_zone or therapist.time_zone
        days = _range(body.first, body.last, today=now.astimezone(ZoneInfo(zone_name)).date())
        found = await _open(
            session, therapist, availability, type=body.type, now=now, days=days, zone_name=zone_name, hold_id=None
        )
    return PreviewedSlotsView.model_validate({**_by_day(found, zone_name), "ignored": ignored_lines(availability)})


def _must_be_near(first: date | None, last: date | None) -> None:
    if any(day is not None and not 2000 <= day.year < 2200 for day in (first, last)):
        raise wrong_fields([("from", "must lie between 2000 and 2200")])


def _range(first: date | None, last: date | None, *, today: date) -> tuple[date, date]:
    first_day = first or (min(last, today) if last else today)
    last_day = last or first_day + (_DEFAULT_DAYS - 1) * _DAY
    if last_day < first_day:
        raise wrong_fields([("to", "must not be before from")])
    if (last_day - first_day).days >= MOST_DAYS:
        raise wrong_fields([("to", f"must be at most {MOST_DAYS} days from the first, both counted")])
    return first_day, last_day


def _around(first: date | None, last: date | None, *, today: date) -> tuple[datetime, datetime]:
    """Instants between which all dates of the range lie, in whatever zone they and ``today``, which is of UTC, are."""
    opens = first or min(last or today, today)
    closes = last or opens + (_DEFAULT_DAYS - 1) * _DAY
    return datetime.combine(opens - 2 * _DAY, time.min, UTC), datetime.combine(closes + 3 * _DAY, time.min, UTC)


async def _open(
    session: AsyncSession,
    therapist: Therapist,
    availability: Availability,
    *,
    type: AppointmentType,
    now: datetime,
    days: tuple[date, date],
    zone_name: str,
    hold_id: UUID | None,
) -> Sequence[Slot]:
    margin = busy_margin(availability)
    hold = await session.get(OccupiedTime, hold_id) if hold_id else None
    if hold is not None and (hold.expires_at is None or hold.expires_at <= now):
        hold = None
    # A date anywhere on earth lies inside three of UTC.
    opens = datetime.combine(days[0] - _DAY, time.min, UTC)
    closes = datetime.combine(days[1] + 2 * _DAY, time.min, UTC)
    busy = await load_busy(
        session,
        therapist_id=therapist.id,
        starts_before=min(horizon_end(availability, now=now), closes) + margin,
        ends_after=max(now, opens) - margin,
        now=now,
        leave_out=[hold.id] if hold else (),
    )
    found = open_slots(
        availability=availability,
        type=type,
        busy=busy,
        now=now,
        first_day=days[0],
        last_day=days[1],
        asker_zone=zone_name,
    )
    if hold is None or hold.therapist_id != therapist.id or hold.type is not type:
        return found
    # The notice was tested when the hold was made: its own time stays on offer while it lives.
    held = Slot(starts_at=hold.starts_at, ends_at=hold.ends_at)
    inside = days[0] <= hold.starts_at.astimezone(ZoneInfo(zone_name)).date() <= days[1]
    problem = check_slot(
        availability=availability,
        type=type,
        starts_at=hold.starts_at,
        busy=busy,
        now=now,
        notice_from=hold.made_at,
    )
    offered = any(slot.starts_at == held.starts_at for slot in found)
    if inside and problem is None and not offered:
        return sorted([*found, held], key=lambda slot: slot.starts_at)
    return found


class HoldBody(Body):
    type: AppointmentType
    starts_at: Instant


class HoldView(BaseModel):
    hold_id: UUID
    expires_at: datetime


@router.post(
    "/therapists/{slug}/holds",
    status_code=201,
    summary="Hold a time for a few minutes",
    responses=responses(
        Problem.NOT_FOUND,
        Problem.BOOKING_DISABLED,
        Problem.SLOT_TAKEN,
        Problem.SLOT_UNAVAILABLE,
        Problem.RATE_LIMITED,
    ),
)
async def hold_slot(
    *, slug: str, body: HoldBody, services: Svc, caller: KnownOrSite, whom: ForWhom, request_id: RequestId, now: Now
) -> HoldView:
    if caller.client_id is not None:
        booking_must_be_on(await must_see_client(services, caller, UUID(caller.client_id)), caller)
    async with services.sessions() as session:
        held = await put_hold(
            session,
            hold_id=uuid5(request_id, "hold"),
            slug=slug,
            type=body.type,
            starts_at=body.starts_at,
            by=caller,
            whom=whom,
            now=now,
            policy=services.settings.policy,
        )
        if held is None:
            raise not_found("therapist")
        if isinstance(held, Refusal):
            raise Refused(held)
        await session.commit()
    assert held.expires_at is not None
    return HoldView(hold_id=held.id, expires_at=held.expires_at)


class HeldView(HoldView):
    """What is held, for whoever presents its id."""

    therapist: str
    type: AppointmentType
    starts_at: datetime
    ends_at: datetime


@router.get("/holds/{hold_id}", summary="A held time, while it is", responses=responses(Problem.NOT_FOUND))
async def get_hold(*, hold_id: UUID, services: Svc, _: KnownOrSite, now: Now) -> HeldView:
    async with services.sessions() as session:
        held = await session.get(OccupiedTime, hold_id)
        if held is None or held.expires_at is None or held.expires_at <= now:
            raise not_found("hold")
        therapist = await session.get_one(Therapist, held.therapist_id)
    return HeldView(
        hold_id=held.id,
        expires_at=held.expires_at,
        therapist=therapist.slug,
        type=held.type,
        starts_at=held.starts_at,
        ends_at=held.ends_at,
    )


@router.delete(
    "/holds/{hold_id}",
    status_code=204,
    summary="Release a held time",
    responses=responses(Problem.NOT_FOUND),
)
async def release_hold(hold_id: UUID, services: Svc, _: KnownOrSite, now: Now) -> None:
    """Whoever presents the id owns the hold."""
    async with services.sessions() as session:
        held = await session.get(OccupiedTime, hold_id)
        if held is None or held.expires_at is None:
            raise not_found("hold")
        therapist = await lock_therapist(session, held.therapist_id)
        live = await drop_hold(session, hold_id, therapist_id=therapist.id) and held.expires_at > now
        await session.commit()
    if not live:
        raise not_found("hold")
    await wake_line(services, therapist)
