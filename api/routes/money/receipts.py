"""Receipts and statements, as PDF files. Whoever sees a client's payments has them."""

from datetime import date, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from api.access_log.declared import shows
from api.access_log.shown import shows_clients
from api.deps import Known, Svc
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, responses, wrong_fields
from api.views.papers import PAPER, paper_file
from models.reads.clients.clients import visible_client
from models.reads.money.receipts import receipt_of, statement_lines, visible_payment
from papers.receipt import receipt_file
from papers.statement import statement_file
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.local_time import day_start, from_micros
from rules.money.receipts import MOST_DAYS, MOST_LINES, TOO_MANY_LINES, Statement, no_receipt, refuse_period
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["payments"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.PAYMENTS, AccessEvent.EXPORT)],
)

_ISO = r"^\d{4}-\d{2}-\d{2}$"


@router.head("/payments/{payment_id}/receipt.pdf", include_in_schema=False)
@router.get(
    "/payments/{payment_id}/receipt.pdf",
    summary="The receipt of a payment that was made",
    description="Practice, therapist and client are named as they were when it was made; what was given back since is"
    " added. The same content is the same file.",
    response_class=Response,
    responses=PAPER | responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN, Problem.RATE_LIMITED),
)
async def download_receipt(*, payment_id: UUID, services: Svc, caller: Known) -> Response:
    async with services.sessions() as session:
        paid = must_find("payment", await visible_payment(session, caller, payment_id))
        receipt = await receipt_of(session, paid)
    if receipt is None:
        raise Refused(no_receipt(paid.payment.status))
    shows_clients(paid.client.id)
    paper = await services.making.make(partial(receipt_file, receipt, logo=services.settings.logo), who=caller.actor)
    return paper_file(f"receipt-{receipt.number}.pdf", paper, caller)


@router.head("/clients/{client_id}/statement.pdf", include_in_schema=False)
@router.get(
    "/clients/{client_id}/statement.pdf",
    summary="The fees for a client's appointments in a time",
    description=f"Dates are the client's own, both included, {MOST_DAYS} days and {MOST_LINES} fees at most. Each fee"
    " with how it stands, and sums by currency.",
    response_class=Response,
    responses=PAPER | responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def download_statement(
    *,
    client_id: UUID,
    services: Svc,
    caller: Known,
    first: Annotated[str, Query(alias="from", pattern=_ISO, description="A date.")],
    last: Annotated[str, Query(alias="to", pattern=_ISO, description="A date, included.")],
) -> Response:
    days = _day("from", first), _day("to", last)
    refusal = refuse_period(*days)
    if refusal is not None:
        raise Refused(refusal)
    letterhead = services.settings.letterhead
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        zone = client.time_zone or services.settings.policy.time_zone
        begins_at, ends_at = (
            from_micros(day_start(day, ZoneInfo(zone))) for day in (days[0], days[1] + timedelta(days=1))
        )
        lines = await statement_lines(
            session, client, begins_at=begins_at, ends_at=ends_at, state=letterhead.state, limit=MOST_LINES
        )
    if lines is None:
        raise Refused(TOO_MANY_LINES)
    told = Statement(
        practice=letterhead,
        client_name=client.full_name,
        client_ref=client.ref,
        time_zone=zone,
        first=days[0],
        last=days[1],
        begins_at=begins_at,
        lines=tuple(lines),
        test=client.test,
    )
    paper = await services.making.make(partial(statement_file, told, logo=services.settings.logo), who=caller.actor)
    return paper_file(f"statement-{first}-to-{last}.pdf", paper, caller)


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong_fields([(field, "must be a date")]) from None
