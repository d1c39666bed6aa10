"""What moved on which day, for bookkeepers: sums by local day, therapist and currency."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.access_log.declared import shows
from api.access_log.shown import shows_as
from api.dates import AskedZone, days_asked
from api.deps import CareTeamOrAdmin, Now, Svc
from api.idempotency import IdempotentRoute
from api.problems import responses
from api.routes.money import csv_file
from api.routes.money.csv_file import Cell
from models.reads.money.ledger import DaySum, Moved, day_sums
from rules.accounts.accesses import AccessEvent, AccessKind

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)

_DAY = timedelta(days=1)


class SumView(BaseModel):
    """How many there were, and how much that is in minor units."""

    count: int = 0
    amount: int = 0


class SumsView(BaseModel):
    """``card_net`` is ``card`` less ``refunded_to_card``: what Stripe's own books add up to."""

    currency: str
    card: SumView
    refunded_to_card: SumView
    card_net: int
    credit: SumView
    refunded_to_credit: SumView
    disputed: SumView
    dispute_lost: SumView
    waived: SumView
    written_off: SumView
    owed: SumView


class TotalsDayView(SumsView):
    """One local day of one therapist in one currency."""

    date: date
    therapist: str


class TotalsView(BaseModel):
    """``items`` are the days on which something moved, ``sums`` all of them together, by currency."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    time_zone: str
    items: list[TotalsDayView]
    sums: list[SumsView]


@router.get(
    "/payments/totals",
    summary="What was taken, given back, let go and owed, by day and therapist",
    response_model=TotalsView,
    responses=responses() | csv_file.DESCRIBED,
)
async def list_payment_totals(
    *,
    services: Svc,
    caller: CareTeamOrAdmin,  # noqa: ARG001 - who may ask
    now: Now,
    zone: AskedZone,
    response: Response,
    first: Annotated[date | None, Query(alias="from", description="A date; 30 days before `to` if left out.")] = None,
    last: Annotated[date | None, Query(alias="to", description="A date, included; today if left out.")] = None,
    therapist: Annotated[str | None, Query(max_length=80, description="A therapist's slug.")] = None,
    accept: csv_file.Accept = None,
) -> Any:
    """For at most 366 days of `time_zone`; test clients are left out.

    Taken: on the day it was paid. Given back: on the day it was asked for, and taken back on the day it failed, if it
    did. So what was taken and given back on a day that is over never changes. Disputed and lost: on the day the bank
    said so. Waived and written off: on the day it was decided. Owed: what is owed at this moment, by the day on which
    it was due.
    """
    begin, end = days_asked(first, last, today=now.astimezone(zone).date(), most=csv_file.MOST_DAYS)
    days = [begin + number * _DAY for number in range((end - begin).days + 2)]
    bounds = [datetime.combine(day, time(), tzinfo=zone).astimezone(UTC) for day in days]
    async with services.sessions() as session:
        found = await day_sums(session, bounds=bounds, now=now, therapist=therapist)
    items = [
        TotalsDayView(date=days[day], therapist=slug, **_sums(currency, group))
        for (day, slug, currency), group in _grouped(found, lambda one: (one.day, one.therapist, one.currency))
    ]
    if csv_file.is_wanted(accept):
        shows_as(AccessEvent.EXPORT)
        return csv_file.file(f"totals-{begin}-to-{end}.csv", _totals_as_csv(items))
    response.headers["Vary"] = "Accept"
    return TotalsView(first=begin, last=end, time_zone=zone.key, items=items, sums=sums_by_currency(found))


def sums_by_currency(found: Iterable[DaySum]) -> list[SumsView]:
    return [SumsView(**_sums(currency, group)) for currency, group in _grouped(found, lambda one: one.currency)]


Group = TypeVar("Group", str, tuple[int, str, str])


def _grouped(found: Iterable[DaySum], key: Callable[[DaySum], Group]) -> list[tuple[Group, list[DaySum]]]:
    groups: dict[Group, list[DaySum]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return sorted(groups.items(), key=lambda group: group[0])


def _sums(currency: str, found: Iterable[DaySum]) -> dict[str, Any]:
    sums = {what: SumView() for what in Moved}
    for one in found:
        sums[one.what].count += one.number
        sums[one.what].amount += one.amount
    net = sums[Moved.CARD].amount - sums[Moved.REFUNDED_TO_CARD].amount
    return {"currency": currency, "card_net": net, **{what.value: told for what, told in sums.items()}}


TOTAL_COLUMNS = (
    "date",
    "therapist",
    "currency",
    *(f"{what.value}_{part}" for what in Moved for part in ("count", "amount", "amount_decimal")),
    "card_net",
    "card_net_decimal",
)


async def _totals_as_csv(items: Sequence[TotalsDayView]) -> AsyncIterator[str]:
    yield csv_file.lines([TOTAL_COLUMNS])
    yield csv_file.lines(_total_cells(item) for item in items)


def _total_cells(item: TotalsDayView) -> list[Cell]:
    sums: list[SumView] = [getattr(item, what.value) for what in Moved]
    return [
        item.date,
        item.therapist,
        item.currency,
        *(cell for told in sums for cell in (told.count, *csv_file.amount(told.amount, item.currency))),
        *csv_file.amount(item.card_net, item.currency),
    ]
