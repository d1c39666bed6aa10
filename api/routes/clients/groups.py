"""Client groups of the practice. Who is in one is said with the client: ``PATCH /v1/clients/{id}``."""

import unicodedata
from datetime import datetime
from uuid import UUID, uuid5

from fastapi import APIRouter

from api.access_log.declared import shows_no_client
from api.bodies import Body, Line
from api.deps import ByTime, Now, Practice, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, not_found, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.views.base import View
from api.views.lists import Listed, cut, listed
from models.reads.clients import groups
from models.tables.clients.group import ClientGroup
from models.writes.clients.groups import NameTaken, make_group, rename_group
from rules.plain_text import one_line
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["groups"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("names of groups, and not who is in them")],
)

_LONGEST_FOLDED = 200


class GroupBody(Body):
    name: Line


class GroupView(View):
    """``active`` and ``archived``: how many such clients are in it."""

    id: UUID
    name: str
    made_at: datetime
    active: int
    archived: int


@router.post("/groups", status_code=201, summary="Make a client group", responses=responses())
async def add_group(*, body: GroupBody, services: Svc, caller: Practice, request_id: RequestId, now: Now) -> GroupView:
    name, folded = _name(body)
    async with services.sessions() as session:
        try:
            group = await make_group(
                session, id=uuid5(request_id, "group"), name=name, name_folded=folded, by=caller.actor, at=now
            )
        except NameTaken:
            raise _taken() from None
        await session.commit()
    return await _shown(services, group)


@router.get(
    "/groups", dependencies=[versioned(MadeOf.MANY)], summary="Client groups, oldest first", responses=responses()
)
async def list_groups(*, services: Svc, _: Practice, page: ByTime) -> Listed[GroupView]:
    async with services.sessions() as session:
        found, last = cut(await groups.list_groups(session, page=page), page)
        rows = await groups.with_members(session, found)
    return listed([GroupView.of(row.group, row) for row in rows], (last.made_at, last.id) if last else None)


@router.get(
    "/groups/{group_id}",
    dependencies=[versioned(MadeOf.MANY)],
    summary="One client group",
    responses=responses(Problem.NOT_FOUND),
)
async def get_group(*, group_id: UUID, services: Svc, _: Practice) -> GroupView:
    async with services.sessions() as session:
        group = must_find("group", await session.get(ClientGroup, group_id))
    return await _shown(services, group)


@router.patch("/groups/{group_id}", summary="Rename a client group", responses=responses(Problem.NOT_FOUND))
async def change_group(*, group_id: UUID, body: GroupBody, services: Svc, _: Practice) -> GroupView:
    name, folded = _name(body)
    async with services.sessions() as session:
        try:
            group = await rename_group(session, group_id, name=name, name_folded=folded)
        except NameTaken:
            raise _taken() from None
        if group is None:
            raise not_found("group")
        await session.commit()
    return await _shown(services, group)


async def _shown(services: Services, group: ClientGroup) -> GroupView:
    async with services.sessions() as session:
        (row,) = await groups.with_members(session, [group])
    return GroupView.of(row.group, row)


def _name(body: GroupBody) -> tuple[str, str]:
    """The name, and what it is compared by: people cannot tell apart what differs in case alone."""
    name = one_line(body.name)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    if not folded or len(folded) > _LONGEST_FOLDED:
        raise wrong_fields([("name", f"must be from 1 to {_LONGEST_FOLDED} characters, written out")])
    return name, folded


def _taken() -> Refused:
    return wrong_fields([("name", "there is a group of this name already")])
