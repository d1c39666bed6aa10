"""Who looked: the access log for admins, and for a client what was looked at of theirs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.access_log.declared import shows_no_client
from api.dates import AskedZone, edge
from api.deps import Admin, ByTime, Svc, allow, must_oversee_client
from api.idempotency import IdempotentRoute
from api.problems import responses
from api.views.accounts import AccessView, LookedView
from api.views.lists import Listed, cut, listed
from models.reads.accounts.accesses import AccessFilter, AccessRow
from models.reads.accounts.accesses import accesses_of_client as read_accesses_of_client
from models.reads.accounts.accesses import list_accesses as read_list_accesses
from models.reads.keeping.access_proof import number_of_lines, verify_accesses
from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("who looked, and nothing of what they saw")],
)

WhoLooked = Annotated[Caller, Depends(allow(Role.CLIENT, Role.ADMIN))]


@router.get("/accesses", summary="The access log, newest first", responses=responses())
async def list_accesses(
    *,
    services: Svc,
    _: Admin,
    page: ByTime,
    zone: AskedZone,
    client: Annotated[UUID | None, Query()] = None,
    who: Annotated[str | None, Query(max_length=254, description="As the lines name them, or an address.")] = None,
    event: Annotated[AccessEvent | None, Query(description="What was done.")] = None,
    first: Annotated[str | None, Query(alias="from", max_length=40, description="A date or a time.")] = None,
    last: Annotated[str | None, Query(alias="to", max_length=40, description="A date (included) or a time.")] = None,
) -> Listed[AccessView]:
    """The same person from the same place, with the same clients and kind of data, is one line for each quarter of an
    hour. An address finds the sign-ins that failed at it."""
    wanted = AccessFilter(
        client=client,
        who=who,
        event=event,
        begin=edge("from", first, zone, days_on=0) if first else None,
        end=edge("to", last, zone, days_on=1) if last else None,
    )
    async with services.sessions() as session:
        rows, behind = cut(await read_list_accesses(session, wanted, page), page)
    return listed([AccessView.of(row, row.line) for row in rows], _place(behind))


class VerifiedAccessesView(BaseModel):
    """``valid`` is null where there are too many lines to go through while somebody waits: ``python -m ops.verify``
    does it then. ``faults`` are sentences, the first hundred of them."""

    valid: bool | None
    lines: int
    faults: list[str]


_MOST_LINES, _MOST_FAULTS = 100_000, 100


@router.get("/accesses/verify", summary="Verify the access log against the keys and the anchors", responses=responses())
async def verify_access_log(
    *,
    services: Svc,
    caller: Admin,  # noqa: ARG001 - who may ask
) -> VerifiedAccessesView:
    """Its chain, the lines that each block covers, and those that none covers."""
    # One statement's view of all: lines that are being added meanwhile belong to a later block.
    async with services.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        lines = await number_of_lines(session)
        if lines > _MOST_LINES:
            return VerifiedAccessesView(valid=None, lines=lines, faults=[])
        found = await verify_accesses(session)
    return VerifiedAccessesView(valid=not found.faults, lines=found.lines, faults=found.faults[:_MOST_FAULTS])


@router.get(
    "/clients/{client_id}/accesses",
    summary="Who looked at a client's data, newest first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_client_accesses(
    *, client_id: UUID, services: Svc, caller: WhoLooked, page: ByTime
) -> Listed[LookedView]:
    """Others than the client themselves."""
    await must_oversee_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, behind = cut(await read_accesses_of_client(session, client_id, page), page)
    return listed([LookedView.of(row, row.line) for row in rows if row.signed], _place(behind))


def _place(row: AccessRow | None) -> tuple[datetime, UUID] | None:
    return (row.line.at, row.line.id) if row is not None else None
