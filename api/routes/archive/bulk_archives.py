"""Archiving many clients at once: what it would come to, the one confirmation, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, StrictInt
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.bodies import Body, Flag, Reason
from api.deps import ByTime, Cursor, Limit, Now, Practice, RequestId, Services, Svc, page_behind
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.routes.clients.choosing import Expected, FilterBody, must_be_expected, must_be_within
from api.views.archive import (
    BulkPreview,
    BulkStarted,
    BulkSummary,
    BulkView,
    ClientPreview,
    PreviewTotalsView,
    ResultView,
    by_currency,
    client_preview,
    summary_of,
)
from api.views.lists import Listed, cut, listed
from models.paging import MOST, Page, cursor_of
from models.reads.archive import bulk as bulk_archives
from models.reads.clients.clients import Chosen, all_that_match, ids_of, visible_clients
from models.tables.clients.group import ClientGroup
from models.writes.archive.bulk import make_bulk_archive
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.archive.bulk import MOST_CLIENTS, MOST_MATCHING, totals_of
from rules.archive.plan import ArchivePlan, plan_archive
from rules.enums import ArchiveResult, ClientStatus
from rules.refusals import Problem
from workflows.messages import bulk_archive_id

router = APIRouter(
    prefix="/v1",
    tags=["archive"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.RECORD, of_archive=True)],
)


class BulkArchiveBody(Body):
    """Clients by id (one that is named twice is one), a whole group, or all that a filter of ``GET /v1/clients`` finds:
    a therapist's own clients among them. At most 1,000 by id, else at most 10,000.

    Who they are is settled once, when the archive is asked for. ``expected``: how many they were when it was decided;
    refused if by now there are others. ``dry_run`` archives nobody, and answers what would happen, with totals over all
    and the lines of ``limit`` clients behind the first ``offset``. ``notify``: send the ordinary cancellation mails for
    what is cancelled. Without it neither the clients nor the therapists are told of them.
    """

    client_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CLIENTS)] | None = None
    group_id: UUID | None = None
    filter: FilterBody | None = None
    expected: Expected | None = None
    reason: Reason | None = None
    notify: Flag = True
    dry_run: Flag = False
    limit: Annotated[StrictInt, Field(ge=1, le=MOST_CLIENTS)] = MOST_CLIENTS
    offset: Annotated[StrictInt, Field(ge=0, le=MOST_MATCHING)] = 0


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
    if [body.client_ids, body.group_id, body.filter].count(None) != 2:
        raise wrong_fields([("client_ids", "give one of client_ids, group_id and filter")])
    if body.dry_run:
        async with services.sessions() as session:
            whom = await _whom(session, caller, body)
            response.status_code = 200
            return await _preview(session, whom, body, now=now)
    id = uuid5(request_id, "bulk archive")
    async with services.sessions() as session:
        made, clients = await make_bulk_archive(
            session,
            id=id,
            whom=await _whom(session, caller, body),
            asked_by=caller.actor,
            at=now,
            group_id=body.group_id,
            reason=body.reason,
            notify=body.notify,
            most=MOST_MATCHING,
        )
        if made:
            _must_be_meant(body, clients)
        await session.commit()
    await services.engine.archive_many(id, clients=clients, asked_by=caller.actor)
    return BulkStarted(archive_id=id)


def _must_be_meant(body: BulkArchiveBody, found: int) -> None:
    must_be_within("group_id" if body.group_id else "filter", found, MOST_MATCHING)
    must_be_expected(body.expected, found)


async def _whom(session: AsyncSession, caller: Caller, body: BulkArchiveBody) -> Sequence[UUID] | Chosen:
    """Whom this is about, each once. Raises Refused, naming whatever cannot be archived by this caller."""
    if body.filter is not None:
        return all_that_match(caller, body.filter.wanted())
    if body.group_id is not None:
        if await session.get(ClientGroup, body.group_id) is None:
            raise wrong_fields([("group_id", "there is no such group")])
        return bulk_archives.all_of_group(caller, body.group_id)
    assert body.client_ids is not None
    seen = await visible_clients(session, caller, body.client_ids)
    unknown = [
        (f"client_ids[{place}]", f"there is no such client: {client_id}")
        for place, client_id in enumerate(body.client_ids)
        if client_id not in seen
    ]
    if unknown:
        raise wrong_fields(unknown)
    return list(dict.fromkeys(body.client_ids))


async def _preview(
    session: AsyncSession, whom: Sequence[UUID] | Chosen, body: BulkArchiveBody, *, now: datetime
) -> BulkPreview:
    ids = await ids_of(session, whom, limit=MOST_MATCHING + 1)
    _must_be_meant(body, len(ids))
    plans: list[ArchivePlan] = []
    lines: list[ClientPreview] = []
    already = 0
    shown = range(body.offset, body.offset + body.limit)
    async for clients in bulk_archives.some_after_others(session, ids):
        situations = await bulk_archives.situations(session, clients)
        for client in clients:
            plan = plan_archive(situations[client.id], now=now)
            if len(plans) in shown:
                lines.append(client_preview(client, plan))
            already += client.status is ClientStatus.ARCHIVED
            plans.append(plan)
    totals = totals_of(plans)
    one = totals.money[0] if len(totals.money) == 1 else None
    return BulkPreview(
        clients=lines,
        next_offset=shown.stop if shown.stop < len(plans) else None,
        totals=PreviewTotalsView(
            clients=len(plans),
            already_archived=already,
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


def _lines(limit: Limit = MOST, cursor: Cursor = None) -> Page:
    return page_behind(cursor, (int, int), limit=limit)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """Which lines of an archive are asked for."""

    page: Page
    result: ArchiveResult | None


@router.get(
    "/archives/{archive_id}",
    summary="How far an archive of many clients is, and what became of each",
    responses=responses(Problem.NOT_FOUND),
)
async def get_archive(
    *,
    archive_id: UUID,
    services: Svc,
    caller: Practice,
    page: Annotated[Page, Depends(_lines)],
    result: Annotated[ArchiveResult | None, Query(description="Only clients of whom this became.")] = None,
) -> BulkView:
    """``results`` is a page of the clients; the numbers are of all of them."""
    lines = _Looked(page=page, result=result)
    view = await _look(services, caller, archive_id, lines)
    if view.status == "finished" or await services.engine.is_under_way(bulk_archive_id(str(archive_id))):
        return view
    view = await _look(services, caller, archive_id, lines)  # it may have finished between the two looks
    return view if view.status == "finished" else view.model_copy(update={"status": "stopped"})


async def _look(services: Services, caller: Caller, archive_id: UUID, wanted: _Looked) -> BulkView:
    # One view of both: what is recorded between two statements would be in the list and not in the numbers.
    async with services.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        row = must_find("archive", await bulk_archives.visible_archive(session, caller, archive_id))
        found = await bulk_archives.lines_of(session, caller, archive_id, wanted.page, result=wanted.result)
    lines, last = cut(found, wanted.page)
    results = [ResultView.of(line, client, name=client.full_name) for line, client in lines]
    behind = cursor_of(*bulk_archives.place_of(last[0])) if last else None
    return BulkView.of(row.archive, **summary_of(row), results=results, next_cursor=behind)
