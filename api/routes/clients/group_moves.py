"""Many clients moved to a group, or out of theirs, by one call."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.marking import OfClient
from api.bodies import Body
from api.deps import Now, Practice, Svc
from api.idempotency import IdempotentRoute
from api.problems import responses, wrong_fields
from api.routes.clients.choosing import Expected, FilterBody, must_be_expected, must_be_within
from api.views.base import View
from models.reads.clients.clients import all_that_match, ids_of, visible_clients
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from models.writes.clients.groups import move_to_group
from models.writes.locks import lock_open_clients
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.clients.moves import AT_ONCE, CLOSED, MOST_MOVED, MoveResult

router = APIRouter(
    prefix="/v1",
    tags=["groups"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.RECORD, of_archive=True)],
)


class MovesBody(Body):
    """Clients by id, or all that a filter of ``GET /v1/clients`` finds, at most 1,000; a therapist's own among them.

    ``group``: where to; null takes them out of theirs. ``expected``: how many they were when it was decided; refused if
    by now there are others.
    """

    group: UUID | None
    client_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_MOVED)] | None = None
    filter: FilterBody | None = None
    expected: Expected | None = None


class GroupMoveView(View, OfClient):
    """``result``: ``moved``, ``already`` where the client was there before, or ``left_out``; ``because`` says why."""

    client_id: UUID
    ref: str
    name: str
    result: MoveResult
    because: str | None


class GroupMovedView(BaseModel):
    group: UUID | None
    moved: int
    already: int
    left_out: int
    results: list[GroupMoveView]


@router.post("/group-moves", summary="Move many clients to a group, or out of theirs", responses=responses())
async def move_many(*, body: MovesBody, services: Svc, caller: Practice, now: Now) -> GroupMovedView:
    """Some after the others, each with its result; archived ones too. The same again moves nobody twice, and moves
    whoever was not reached the first time."""
    if (body.client_ids is None) is (body.filter is None):
        raise wrong_fields([("client_ids", "give either client_ids or filter")])
    async with services.sessions() as session:
        group = await session.get(ClientGroup, body.group) if body.group else None
        if group is None and body.group is not None:
            raise wrong_fields([("group", "there is no such group")])
        clients = await _whom(session, caller, body)
    moved: dict[UUID, bool] = {}
    for start in range(0, len(clients), AT_ONCE):
        some = [client.id for client in clients[start : start + AT_ONCE]]
        async with services.sessions() as session:
            for client in await lock_open_clients(session, caller, some):
                moved[client.id] = move_to_group(session, client, group, by=caller.actor, at=now)
            await session.commit()
    results = [_result(client, moved.get(client.id)) for client in clients]
    return GroupMovedView(
        group=body.group,
        moved=sum(line.result is MoveResult.MOVED for line in results),
        already=sum(line.result is MoveResult.ALREADY for line in results),
        left_out=sum(line.result is MoveResult.LEFT_OUT for line in results),
        results=results,
    )


async def _whom(session: AsyncSession, caller: Caller, body: MovesBody) -> Sequence[Client]:
    """Each once, as they are when it is asked."""
    ids = list(dict.fromkeys(body.client_ids or ()))
    if body.filter is not None:
        ids = list(await ids_of(session, all_that_match(caller, body.filter.wanted()), limit=MOST_MOVED + 1))
        must_be_within("filter", len(ids), MOST_MOVED)
    must_be_expected(body.expected, len(ids))
    seen = await visible_clients(session, caller, ids)
    unknown = [
        (f"client_ids[{place}]", f"there is no such client: {client_id}")
        for place, client_id in enumerate(body.client_ids or ())
        if client_id not in seen
    ]
    if unknown:
        raise wrong_fields(unknown)
    return [seen[id] for id in ids if id in seen]


def _result(client: Client, moved: bool | None) -> GroupMoveView:
    """``moved``: None where the record could not be had."""
    if moved is None:
        result, because = MoveResult.LEFT_OUT, CLOSED
    else:
        result, because = (MoveResult.MOVED if moved else MoveResult.ALREADY), None
    return GroupMoveView.of(client, client_id=client.id, name=client.full_name, result=result, because=because)
