"""Rounds of the keeper, on demand; and what earlier ones have started again."""

import asyncio
from datetime import datetime
from time import monotonic
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.keeping import KeepingOrder
from api.access_log.declared import shows_no_client
from api.deps import ByTime, CareTeam, Now, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses
from api.views.base import View
from api.views.lists import Listed, cut, listed
from models.reads.keeping import keepings as reads
from models.tables.keeping.keeping import Keeping
from models.writes.keeping.keepings import begin_keeping
from rules.keeping import ResumedBecause
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["keeping"], route_class=IdempotentRoute, dependencies=[shows_no_client("counts of rows")]
)

_LOOK_EVERY = 0.1
_MOST = 1000  # workflows that one answer names

Wait = Annotated[int, Query(ge=0, le=60, description="Seconds to wait for the end of the round.")]


class ResumedView(View):
    workflow_id: str
    because: ResumedBecause


class KeepingView(View):
    """``status`` is ``running`` or ``finished``. ``looked_at`` counts the rows that were compared, ``tasks`` those that
    were opened; ``resumed`` names what was started again, at most a thousand."""

    id: UUID
    status: str
    asked_by: str
    started_at: datetime
    finished_at: datetime | None
    looked_at: int
    resumed: list[ResumedView]
    tasks: int


class KeepingStarted(BaseModel):
    keeping_id: UUID


class KeepingFinished(KeepingView):
    keeping_id: UUID


_FINISHED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Waited for, and finished", "model": KeepingFinished}
}


@router.post(
    "/keepings",
    summary="Compare what must run with what runs, and start again what is lost",
    status_code=202,
    response_model=KeepingFinished | KeepingStarted,
    responses={**_FINISHED, **responses()},
)
async def start_keeping(
    *, services: Svc, caller: CareTeam, request_id: RequestId, now: Now, response: Response, wait: Wait = 0
) -> KeepingFinished | KeepingStarted:
    """It does no harm at any moment. Rounds that are asked for at once come one after the other."""
    id = uuid5(request_id, "keeping")
    async with services.sessions() as session:
        await begin_keeping(session, id=id, asked_by=caller.actor, at=now)
        await session.commit()
    await services.engine.keep(KeepingOrder(id=str(id), asked_by=caller.actor))
    view = await _look(services, id, wait=wait)
    if view.finished_at is None:
        return KeepingStarted(keeping_id=id)
    response.status_code = 200
    return KeepingFinished(keeping_id=id, **view.model_dump())


@router.get("/keepings", summary="Rounds of the keeper, newest first", responses=responses())
async def list_keepings(*, services: Svc, _: CareTeam, page: ByTime) -> Listed[KeepingView]:
    async with services.sessions() as session:
        rows, last = cut(await reads.list_keepings(session, page), page)
        views = [await _view(session, row) for row in rows]
    return listed(views, (last.started_at, last.id) if last else None)


@router.get("/keepings/{keeping_id}", summary="What a round has come to", responses=responses(Problem.NOT_FOUND))
async def get_keeping(*, keeping_id: UUID, services: Svc, _: CareTeam, wait: Wait = 0) -> KeepingView:
    return await _look(services, keeping_id, wait=wait)


async def _look(services: Services, id: UUID, *, wait: float) -> KeepingView:
    """The round when it has ended, or as far as it is when that was waited for long enough. Raises Refused."""
    give_up = monotonic() + wait
    while True:
        async with services.sessions() as session:
            row = must_find("keeping", await session.get(Keeping, id))
            if row.finished_at is not None or monotonic() >= give_up:
                return await _view(session, row)
        await asyncio.sleep(_LOOK_EVERY)


async def _view(session: AsyncSession, row: Keeping) -> KeepingView:
    resumed = [ResumedView.of(each) for each in await reads.resumed_in(session, row.id, limit=_MOST)]
    return KeepingView.of(row, status="finished" if row.finished_at else "running", resumed=resumed)
