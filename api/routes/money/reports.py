"""A practice's months: sessions held and missed, money, and how long clients are in which stage."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.access_log.declared import shows
from api.access_log.shown import shows_as
from api.dates import days_asked
from api.deps import CareTeamOrAdmin, Now, Svc
from api.idempotency import IdempotentRoute
from api.problems import responses
from api.routes.money import csv_file
from api.routes.money.csv_file import Cell
from api.routes.money.totals import SumsView, sums_by_currency
from models.reads.clients.stages import Went, facts_of_stages, how_they_went
from models.reads.money.ledger import Moved, day_sums
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.clients.stages import InStage, in_stages, stays_of
from rules.enums import AppointmentStatus, AppointmentType, Stage

router = APIRouter(
    prefix="/v1", tags=["reports"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)

_MONTHS = 12  # that are told of where nobody says from when
_MOST_DAYS = 5 * csv_file.MOST_DAYS
_DAY = timedelta(days=1)


class StageView(BaseModel):
    """``entered`` and ``left``: stays that began and ended in this time; ``at_end``: clients who were in the stage at
    its end, or are now. ``median_days``: of the stays that ended; null where none did."""

    stage: Stage
    entered: int
    left: int
    at_end: int
    median_days: float | None


class MonthView(BaseModel):
    """Appointments count in the month in which they begin, money as in ``GET /v1/payments/totals``. ``cancelled`` are
    sessions that were called off without a fee."""

    month: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    sessions_held: int
    no_shows: int
    late_cancellations: int
    cancelled: int
    intro_calls_held: int
    money: list[SumsView]
    stages: list[StageView]


class ReportView(BaseModel):
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    by: Literal["month"] = "month"
    time_zone: str
    items: list[MonthView]


@router.get(
    "/reports",
    summary="Sessions, money and time in stages, month by month",
    response_model=ReportView,
    responses=responses() | csv_file.DESCRIBED,
)
async def get_report(
    *,
    services: Svc,
    caller: CareTeamOrAdmin,  # noqa: ARG001 - who may ask
    now: Now,
    response: Response,
    first: Annotated[date | None, Query(alias="from", description="A date; a year of months if left out.")] = None,
    last: Annotated[date | None, Query(alias="to", description="A date, included; today if left out.")] = None,
    by: Literal["month"] = "month",
    accept: csv_file.Accept = None,
) -> Any:
    """In the practice's time zone, for at most five years; the first and the last month may be cut. Test clients are
    left out, and nobody is named."""
    zone = ZoneInfo(services.settings.policy.time_zone)
    today = now.astimezone(zone).date()
    begin, end = days_asked(first or _a_year_before(last or today), last, today=today, most=_MOST_DAYS)
    months = list(_months(begin, end))
    bounds = [_instant(day, zone) for day, _ in months] + [_instant(end + _DAY, zone)]
    async with services.sessions() as session:
        went = await how_they_went(session, bounds=bounds)
        moved = await day_sums(session, bounds=bounds, now=now)
        facts = await facts_of_stages(session, end=min(bounds[-1], now))
    stays = stays_of(facts)
    items = [
        MonthView(
            month=f"{month:%Y-%m}",
            first=month,
            last=until,
            **_numbers([one for one in went if one.stretch == number]),
            money=sums_by_currency([one for one in moved if one.day == number]),
            stages=[_stage_view(one) for one in in_stages(stays, first=bounds[number], end=bounds[number + 1])],
        )
        for number, (month, until) in enumerate(months)
    ]
    if csv_file.is_wanted(accept):
        shows_as(AccessEvent.EXPORT)
        return csv_file.file(f"report-{begin}-to-{end}.csv", _as_csv(items))
    response.headers["Vary"] = "Accept"
    return ReportView(first=begin, last=end, by=by, time_zone=zone.key, items=items)


def _a_year_before(last: date) -> date:
    """The first day of the month which, with that of ``last``, makes a year of months."""
    months = last.year * 12 + last.month - _MONTHS
    return date(max(months // 12, 2000), months % 12 + 1, 1)


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and the last day of each month between two days, both included."""
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        yield first, min(following - _DAY, last)
        first = following


def _instant(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _numbers(went: Sequence[Went]) -> dict[str, int]:
    def number(type: AppointmentType, status: AppointmentStatus) -> int:
        return sum(one.number for one in went if (one.type, one.status) == (type, status))

    session = AppointmentType.SESSION
    return {
        "sessions_held": number(session, AppointmentStatus.OCCURRED),
        "no_shows": number(session, AppointmentStatus.NO_SHOW),
        "late_cancellations": number(session, AppointmentStatus.LATE_CANCELLED),
        "cancelled": number(session, AppointmentStatus.CANCELLED),
        "intro_calls_held": number(AppointmentType.INTRO_CALL, AppointmentStatus.OCCURRED),
    }


def _stage_view(one: InStage) -> StageView:
    days = round(one.median / _DAY, 2) if one.median is not None else None
    return StageView(stage=one.stage, entered=one.entered, left=one.left, at_end=one.at_end, median_days=days)


REPORT_COLUMNS = ("month", "what", "currency", "count", "amount", "amount_decimal", "median_days")
_COUNTS = ("sessions_held", "no_shows", "late_cancellations", "cancelled", "intro_calls_held")


async def _as_csv(items: Sequence[MonthView]) -> AsyncIterator[str]:
    yield csv_file.lines([REPORT_COLUMNS])
    for item in items:
        yield csv_file.lines(_cells(item))


def _cells(item: MonthView) -> Iterator[list[Cell]]:
    """One line for each number: what is in one currency, and what is in none, do not share a line."""
    for name in _COUNTS:
        yield [item.month, name, None, getattr(item, name), None, None, None]
    for sums in item.money:
        for what in Moved:
            told = getattr(sums, what.value)
            amount = csv_file.amount(told.amount, sums.currency)
            yield [item.month, what.value, sums.currency, told.count, *amount, None]
    for one in item.stages:
        for name in ("entered", "left", "at_end"):
            days = str(one.median_days) if name == "left" and one.median_days is not None else None
            yield [item.month, f"{one.stage.value}_{name}", None, getattr(one, name), None, None, days]
