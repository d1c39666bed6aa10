"""Archiving many clients at once: what it would come to, the one confirmation, and how far it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.bodies import Body, Flag, Reason
from api.deps import ByTime, Now, Practice, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.views.archive import (
    BulkPreview,
    BulkStarted,
    BulkSummary,
    BulkView,
    PreviewTotalsView,
    ResultView,
    by_currency,
    client_preview,
    summary_of,
)
from api.views.lists import Listed, cut, listed
from models.reads.archive import bulk as bulk_archives
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from models.writes.archive.bulk import make_bulk_archive
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.archive.bulk import MOST_CLIENTS, totals_of
from rules.archive.plan import plan_archive
from rules.refusals import Problem
from workflows.messages import bulk_archive_id

router = APIRouter(
    prefix="/v1",
    tags=["archive"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.RECORD, of_archive=True)],
)


class BulkArchiveBody(Body):
    """Clients by id (one that is named twice is one), or a whole group: a therapist's own clients in it. At most 1,000.

    ``dry_run`` archives nobody, and answers what would happen. ``notify``: send the ordinary cancellation mails for
    what is cancelled. Without it neither the clients nor the therapists are told of them.
    """

    client_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CLIENTS)] | None = None
    group_id: UUID | None = None
    reason: Reason | None = None
    notify: Flag = True
    dry_run: Flag = False


_DRY_RUN: dict[int | str, dict[str, Any]] = {
    200: {"description": "What would happen: nobody was archived", "model": BulkPreview}
}


@router.post(
    "/archives",
    summary="Archive many clients, or see what that would come to",
    status_code=202,
    responses={**_DRY_RUN, **responses()},
)
async def archive_clients(
    *, services: Svc, caller: Practice, request_id: RequestId, now: Now, body: BulkArchiveBody, response: Response
) -> BulkStarted | BulkPreview:
    """Clients who are archived already are skipped, and one client's failure stops nobody else."""
    if (body.client_ids is None) is (body.group_id is None):
        raise wrong_fields([("client_ids", "give either client_ids or group_id")])
    async with services.sessions() as session:
        clients = await _wanted(session, caller, body)
        if body.dry_run:
            response.status_code = 200
            return await _preview(session, clients, now=now)
    id = uuid5(request_id, "bulk archive")
    client_ids = [client.id for client in clients]
    async with services.sessions() as session:
        await make_bulk_archive(
            session,
            id=id,
            client_ids=client_ids,
            asked_by=caller.actor,
            at=now,
            group_id=body.group_id,
            reason=body.reason,
            notify=body.notify,
        )
        await session.commit()
    await services.engine.archive_many(id, clients=len(client_ids), asked_by=caller.actor)
    return BulkStarted(archive_id=id)


async def _wanted(session: AsyncSession, caller: Caller, body: BulkArchiveBody) -> Sequence[Client]:
    """Whom this is about, each once. Raises Refused, naming whatever cannot be archived by this caller."""
    if body.client_ids is not None:
        seen = await bulk_archives.visible_clients(session, caller, body.client_ids)
        unknown = [
            (f"client_ids[{place}]", f"there is no such client: {client_id}")
            for place, client_id in enumerate(body.client_ids)
            if client_id not in seen
        ]
        if unknown:
            raise wrong_fields(unknown)
        return [seen[client_id] for client_id in dict.fromkeys(body.client_ids)]
    assert body.group_id is not None
    if await session.get(ClientGroup, body.group_id) is None:
        raise wrong_fields([("group_id", "there is no such group")])
    members = await bulk_archives.clients_of_group(session, caller, body.group_id, limit=MOST_CLIENTS + 1)
    if not members:
        raise wrong_fields([("group_id", "there are no clients in this group")])
    if len(members) > MOST_CLIENTS:
        raise wrong_fields([("group_id", f"has more than {MOST_CLIENTS} clients; archive them by client_ids")])
    return members


async def _preview(session: AsyncSession, clients: Sequence[Client], *, now: datetime) -> BulkPreview:
    situations = await bulk_archives.situations(session, clients)
    plans = [plan_archive(situations[client.id], now=now) for client in clients]
    totals = totals_of(plans)
    one = totals.money[0] if len(totals.money) == 1 else None
    lines = [client_preview(client, plan) for client, plan in zip(clients, plans, strict=True)]
    return BulkPreview(
        clients=lines,
        totals=PreviewTotalsView(
            clients=len(lines),
            already_archived=sum(line.already_archived for line in lines),
            appointments=totals.appointments,
            payments=totals.payments,
            credit=one.credit if one else None,
            owed=one.owed if one else None,
            currency=one.currency if one else None,
            money=by_currency(totals.money),
        ),
    )


# ---------------------------------------------------------------- what became of it


@router.get("/archives", summary="Archives of many clients, newest first", responses=responses())
async def list_archives(*, services: Svc, caller: Practice, page: ByTime) -> Listed[BulkSummary]:
    """The care team sees all of them, a therapist those they asked for."""
    async with services.sessions() as session:
        rows, last = cut(await bulk_archives.list_archives(session, caller, page), page)
    items = [BulkSummary.of(row.archive, **summary_of(row)) for row in rows]
    return listed(items, (last.archive.asked_at, last.archive.id) if last else None)


@router.get(
    "/archives/{archive_id}",
    summary="How far an archive of many clients is, and what became of each",
    responses=responses(Problem.NOT_FOUND),
)
async def get_archive(*, archive_id: UUID, services: Svc, caller: Practice) -> BulkView:
    view = await _look(services, caller, archive_id)
    if view.status == "finished" or await services.engine.is_under_way(bulk_archive_id(str(archive_id))):
        return view
    view = await _look(services, caller, archive_id)  # it may have finished between the two looks
    return view if view.status == "finished" else view.model_copy(update={"status": "stopped"})


async def _look(services: Services, caller: Caller, archive_id: UUID) -> BulkView:
    # One view of both: what is recorded between two statements would be in the list and not in the numbers.
    async with services.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        row = must_find("archive", await bulk_archives.visible_archive(session, caller, archive_id))
        lines = await bulk_archives.lines_of(session, caller, archive_id)
    results = [ResultView.of(line, client, name=client.full_name) for line, client in lines]
    return BulkView.of(row.archive, **summary_of(row), results=results)
