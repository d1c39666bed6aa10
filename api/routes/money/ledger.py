"""The ledger, for bookkeepers: every payment with all that became of it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from api.access_log.declared import shows
from api.access_log.lines import record
from api.access_log.shown import shows_as, shows_clients
from api.dates import AskedZone, edge
from api.deps import ByTime, Now, Practice, Services, Svc, services_of
from api.idempotency import IdempotentRoute
from api.problems import responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.routes.money import csv_file
from api.routes.money.csv_file import Cell
from api.views.lists import Listed, cut, listed
from api.views.money import PaymentView
from models.paging import Page
from models.reads.money.ledger import LedgerFilter, LedgerRow, list_ledger
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.caller import Caller
from rules.enums import PaymentKind, PaymentStatus

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)

_ROWS_AT_A_TIME = 500
_LONGEST = timedelta(days=csv_file.MOST_DAYS, hours=25)  # whole local dates, on which clocks may have gone back


class ExceptionView(BaseModel):
    """Who let a fee go, why and when, and which fee policy the client had signed by then."""

    who: str
    why: str
    when: datetime
    approved_by: str | None = None  # the second person, where one was needed
    consent_version: str | None


class LedgerView(PaymentView):
    """A payment as a bookkeeper needs it. Clients are named by their reference alone.

    ``card_amount`` is what the card paid, 0 before it has; ``credit_used`` what is reserved or was taken from credit.
    Refunds that are on their way count. ``disputed`` is in question at the client's bank, or was lost there.
    """

    client_id: UUID
    client_ref: str
    test: bool
    therapist: str
    starts_at: datetime
    ends_at: datetime
    intent: str | None
    card_amount: int
    refunded_to_card: int
    refunded_to_credit: int
    disputed: int
    exception: ExceptionView | None


def _asked(
    *,
    zone: AskedZone,
    first: Annotated[str | None, Query(alias="from", max_length=40, description="Due from: a date or a time.")] = None,
    last: Annotated[
        str | None, Query(alias="to", max_length=40, description="Due to: a date (included) or a time (not).")
    ] = None,
    paid_from: Annotated[str | None, Query(max_length=40, description="Paid from: a date or a time.")] = None,
    paid_to: Annotated[
        str | None, Query(max_length=40, description="Paid to: a date (included) or a time (not).")
    ] = None,
    status: Annotated[list[PaymentStatus] | None, Query(description="Any of these; may be repeated.")] = None,
    therapist: Annotated[str | None, Query(max_length=80, description="A therapist's slug.")] = None,
    client: Annotated[UUID | None, Query()] = None,
    kind: Annotated[PaymentKind | None, Query()] = None,
    test: Annotated[bool, Query(description="Those of test clients, instead of all others.")] = False,
) -> LedgerFilter:
    due_from, due_before = _range(("from", first), ("to", last), zone)
    paid_after, paid_before = _range(("paid_from", paid_from), ("paid_to", paid_to), zone)
    return LedgerFilter(
        due_from=due_from,
        due_before=due_before,
        paid_from=paid_after,
        paid_before=paid_before,
        statuses=tuple(status or ()),
        therapist=therapist,
        client=client,
        kind=kind,
        test=test,
    )


def _range(
    first: tuple[str, str | None], last: tuple[str, str | None], zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Two fields by name, as the first instant and the first that is no longer meant. Raises Refused."""
    begin, end = (
        edge(name, text, zone, days_on=days_on) if text else None for (name, text), days_on in ((first, 0), (last, 1))
    )
    for (name, _), instant in ((first, begin), (last, end)):
        if instant is not None and not 2000 <= instant.year < 2200:
            raise wrong_fields([(name, "must lie between 2000 and 2200")])
    if begin is not None and end is not None and end < begin:
        raise wrong_fields([(last[0], f"must not be before {first[0]}")])
    return begin, end


@router.get(
    "/payments",
    dependencies=[versioned(MadeOf.MANY)],
    summary="The ledger: every payment, by due time",
    response_model=Listed[LedgerView],
    response_model_exclude_unset=True,
    responses=responses() | csv_file.DESCRIBED,
)
async def list_payments(
    *,
    request: Request,
    services: Svc,
    caller: Practice,
    now: Now,
    page: ByTime,
    wanted: Annotated[LedgerFilter, Depends(_asked)],
    zone: AskedZone,
    response: Response,
    accept: csv_file.Accept = None,
) -> Any:
    """The care team sees all payments, a therapist those of their own appointments.

    As `text/csv` it is one file of all pages, with times in `time_zone`, for at most 366 days of due or of paid times;
    where no beginning is given, for the 366 days before the end. Amounts stand there twice, in minor units as
    everywhere, and as decimals.
    """
    if csv_file.is_wanted(accept):
        wanted = _bounded(wanted, now=now)
        # Read before the answer begins, so that what cannot be had is refused in the ordinary way.
        rows = await _read(services, caller, wanted, Page(limit=_ROWS_AT_A_TIME))
        shows_as(AccessEvent.EXPORT)
        shows_clients(*_clients_in(rows))
        name = _filename(wanted, now=now, zone=zone)
        return csv_file.file(name, _payments_as_csv(request, caller, wanted, rows, zone))
    response.headers["Vary"] = "Accept"
    rows, last = cut(await _read(services, caller, wanted, page), page)
    views = [_ledger_view(row, caller) for row in rows]
    return listed(views, (last.payment.due_at, last.payment.id) if last else None)


def _bounded(wanted: LedgerFilter, *, now: datetime) -> LedgerFilter:
    """The same with a beginning, once it is known to be no longer than a file may be. Raises Refused.

    Nothing is due or paid long after ``now``, so that is the end of a range without one.
    """
    by_due = wanted.due_from is not None or (wanted.paid_from is None and wanted.paid_before is None)
    begin, end = (wanted.due_from, wanted.due_before) if by_due else (wanted.paid_from, wanted.paid_before)
    until = min(end, now) if end else now
    if begin is None:
        begin = until - timedelta(days=csv_file.MOST_DAYS)
        return replace(wanted, due_from=begin) if by_due else replace(wanted, paid_from=begin)
    if until - begin > _LONGEST:
        name = "to" if by_due else "paid_to"
        raise wrong_fields(
            [(name, f"a file has at most {csv_file.MOST_DAYS} days: must be that near to the beginning")]
        )
    return wanted


async def _read(services: Services, caller: Caller, wanted: LedgerFilter, page: Page) -> Sequence[LedgerRow]:
    async with services.sessions() as session:
        return await list_ledger(session, caller, wanted, page)


def _ledger_view(row: LedgerRow, caller: Caller) -> LedgerView:
    made, why = row.payment.exception, row.payment.exception_why
    exception = {**made, "why": why} if made is not None else None
    return LedgerView.of(row.payment, row, caller=caller, card_amount=row.by_card, exception=exception)


_AMOUNTS = ("amount", "card_amount", "credit_used", "refunded_to_card", "refunded_to_credit", "disputed")
_TIMES = ("starts_at", "ends_at", "due_at", "deadline", "paid_at")
_BEFORE = ("id", "appointment_id", "client_id", "client_ref", "therapist", "kind", "status", "because")
_EXCEPTION = ("who", "why", "when", "consent_version")
PAYMENT_COLUMNS = (
    *_BEFORE,
    *_TIMES,
    "attempts",
    "intent",
    "currency",
    *(column for name in _AMOUNTS for column in (name, f"{name}_decimal")),
    *(f"exception_{name}" for name in _EXCEPTION),
    "test",
)


async def _payments_as_csv(
    request: Request, caller: Caller, wanted: LedgerFilter, rows: Sequence[LedgerRow], zone: ZoneInfo
) -> AsyncIterator[str]:
    """Page by page, each read by itself: a reader who is slow, or gone, must not keep a transaction open. Whose it was
    is written down before a page leaves; of the first one the route has."""
    services = services_of(request)
    yield csv_file.lines([PAYMENT_COLUMNS])
    while True:
        yield csv_file.lines(_payment_cells(_ledger_view(row, caller), zone) for row in rows[:_ROWS_AT_A_TIME])
        if len(rows) <= _ROWS_AT_A_TIME:
            return
        last = rows[_ROWS_AT_A_TIME - 1].payment
        rows = await _read(services, caller, wanted, Page(limit=_ROWS_AT_A_TIME, after=(last.due_at, last.id)))
        whose = _clients_in(rows)
        await record(request, AccessEvent.EXPORT, kind=AccessKind.PAYMENTS, whose=whose, caller=caller)


def _clients_in(rows: Sequence[LedgerRow]) -> set[UUID]:
    return {row.payment.client_id for row in rows[:_ROWS_AT_A_TIME]}


def _payment_cells(view: LedgerView, zone: ZoneInfo) -> list[Cell]:
    exception = view.exception.model_dump() if view.exception else {}
    return [
        *(getattr(view, name) for name in _BEFORE),
        *(_local(getattr(view, name), zone) for name in _TIMES),
        view.attempts,
        view.intent,
        view.currency,
        *(cell for name in _AMOUNTS for cell in csv_file.amount(getattr(view, name), view.currency)),
        *(_local(exception.get(name), zone) for name in _EXCEPTION),
        view.test,
    ]


def _local(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone) if isinstance(value, datetime) else value


def _filename(wanted: LedgerFilter, *, now: datetime, zone: ZoneInfo) -> str:
    begin = wanted.due_from or wanted.paid_from or now
    end = (wanted.due_before or wanted.paid_before or now) - timedelta(microseconds=1)
    return f"payments-{begin.astimezone(zone).date()}-to-{end.astimezone(zone).date()}.csv"
