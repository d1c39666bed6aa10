"""Comparing the ledger with Stripe, on demand; and what earlier comparisons have shown."""

import asyncio
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Response
from pydantic import BaseModel

from activities.types.reconciliation import ReconciliationOrder
from api.access_log.declared import shows
from api.access_log.marking import OfNamedClient
from api.bodies import Body, Instant
from api.deps import ByTime, CareTeam, Now, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.views.base import View
from api.views.lists import Listed, cut, listed
from models.reads.money import reconciliation as ledger
from models.tables.money.reconciliation import Reconciliation
from models.writes.money.reconciliation import begin_reconciliation
from rules.accounts.accesses import AccessKind
from rules.money.discrepancies import DiscrepancyKind
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)

USUAL = timedelta(days=30)
LONGEST = timedelta(days=366)
_WAIT_AT_MOST = 10.0
_LOOK_EVERY = 0.05


class ReconciliationBody(Body):
    """What happened from ``since`` to ``until`` is compared, and whatever is unfinished, however old. The last thirty
    days unless said; at most 366 days."""

    since: Instant | None = None
    until: Instant | None = None


class DifferenceView(OfNamedClient):
    """``kind`` names the difference, ``text`` says it in a sentence. ``intent``, ``stripe_refund`` and ``dispute`` are
    Stripe's ids. ``task_id`` is the care team's task, where a person must look at it."""

    kind: DiscrepancyKind
    text: str
    payment_id: UUID | None = None
    client_id: UUID | None = None
    intent: str | None = None
    refund_id: UUID | None = None
    stripe_refund: str | None = None
    dispute: str | None = None
    task_id: UUID | None = None


class ReconciliationView(View):
    """``status`` is ``running``, ``finished``, or ``stopped`` by somebody before all was compared; ``compared`` counts
    what was looked at."""

    id: UUID
    status: str
    asked_by: str
    since: datetime
    until: datetime
    started_at: datetime
    finished_at: datetime | None
    compared: dict[str, int]
    healed: list[DifferenceView]
    differences: list[DifferenceView]


class PendingView(BaseModel):
    id: UUID
    status: str


_PENDING: dict[int | str, dict[str, Any]] = {202: {"description": "Not finished yet", "model": PendingView}}


@router.post(
    "/reconciliations",
    summary="Compare the ledger with Stripe",
    response_model_exclude_unset=True,
    responses={**_PENDING, **responses()},
)
async def start_reconciliation(
    *,
    services: Svc,
    caller: CareTeam,
    request_id: RequestId,
    now: Now,
    response: Response,
    body: ReconciliationBody | None = None,
) -> ReconciliationView | PendingView:
    """What is certain is healed, and a task is opened for each other difference. It does no harm at any moment."""
    since, until = _window(body or ReconciliationBody(), now=now)
    id = uuid5(request_id, "reconciliation")
    await services.engine.reconcile(ReconciliationOrder(id=str(id), asked_by=caller.actor, since=since, until=until))
    async with services.sessions() as session:
        await begin_reconciliation(session, id=id, asked_by=caller.actor, since=since, until=until, at=now)
        await session.commit()
    return await _result(services, id, response=response)


def _window(body: ReconciliationBody, *, now: datetime) -> tuple[datetime, datetime]:
    """Raises Refused."""
    until = (body.until or now).replace(microsecond=0)
    since = (body.since or until - USUAL).replace(microsecond=0)
    if until > now:
        raise wrong_fields([("until", "must not be in the future")])
    if since >= until:
        raise wrong_fields([("since", "must be before until")])
    if until - since > LONGEST:
        raise wrong_fields([("since", f"must be at most {LONGEST.days} days before until")])
    return since, until


async def _result(services: Services, id: UUID, *, response: Response) -> ReconciliationView | PendingView:
    give_up = monotonic() + _WAIT_AT_MOST
    while True:
        async with services.sessions() as session:
            row = await session.get_one(Reconciliation, id)
        if row.finished_at is not None:
            return _view(row)
        if monotonic() > give_up:
            response.status_code = 202
            return PendingView(id=id, status="running")
        await asyncio.sleep(_LOOK_EVERY)


@router.get(
    "/reconciliations",
    summary="Comparisons with Stripe, newest first",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_reconciliations(*, services: Svc, _: CareTeam, page: ByTime) -> Listed[ReconciliationView]:
    async with services.sessions() as session:
        rows, last = cut(await ledger.list_reconciliations(session, page), page)
    return listed([_view(row) for row in rows], (last.started_at, last.id) if last else None)


@router.get(
    "/reconciliations/{id}",
    summary="What a comparison with Stripe has shown",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_reconciliation(*, id: UUID, services: Svc, _: CareTeam) -> ReconciliationView:
    async with services.sessions() as session:
        row = must_find("reconciliation", await session.get(Reconciliation, id))
    return _view(row)


def _view(row: Reconciliation) -> ReconciliationView:
    ended = "stopped" if row.stopped else "finished"
    return ReconciliationView.of(row, status=ended if row.finished_at else "running")
