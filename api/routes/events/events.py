"""Events out: what has changed, for programs that ask for it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.access_log.declared import shows
from api.deps import Limit, Svc, allow
from api.idempotency import IdempotentRoute
from api.problems import refuse, responses
from api.views.events.told import ListedEvents, event_view
from models.paging import DEFAULT_LIMIT, LARGEST_NUMBER
from models.reads.events.events import EventsGone, events_after
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.events.kinds import EventKind
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["events"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])

SiteOrCareTeam = Annotated[Caller, Depends(allow(Role.BOOKING_SITE, Role.CARE_TEAM))]


@router.get(
    "/events",
    summary="What has changed, in order",
    response_model_exclude_unset=True,
    responses=responses(Problem.EVENTS_GONE),
)
async def list_events(
    *,
    services: Svc,
    caller: SiteOrCareTeam,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST_NUMBER, description="Those behind this; all that are kept, if left out.")
    ] = None,
    kinds: Annotated[list[EventKind] | None, Query(description="Of these kinds alone; may be repeated.")] = None,
    client: Annotated[UUID | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ListedEvents:
    """Ask again and again, each time with the `after` of the last answer: no event is missed, none comes twice.

    The booking site is told what its clients may know; the care team everything.
    """
    for_site = caller.role is Role.BOOKING_SITE
    async with services.sessions() as session:
        try:
            read = await events_after(session, after, kinds, for_site=for_site, client=client, limit=limit)
        except EventsGone as gone:
            detail = "Some of these events are not kept any more: read what you need anew, and go on from here."
            raise refuse(Problem.EVENTS_GONE, detail, after=gone.up_to) from gone
    return ListedEvents(items=[event_view(event) for event in read.events], after=read.after, more=read.more)
