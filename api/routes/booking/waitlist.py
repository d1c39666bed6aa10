"""Waitlists: wait for a time with a therapist, see who waits, and leave."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import Field

from api.access_log.declared import shows
from api.access_log.marking import OfClient
from api.bodies import Body, Zone
from api.commands import ByKnown
from api.dates import edge
from api.deps import ByTime, Known, Now, Practice, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, responses, wrong_fields
from api.views.base import View
from api.views.lists import Listed, cut, listed
from models.paging import Page
from models.reads.booking.therapists import therapist_by_slug
from models.reads.booking.waitlist import PlaceRow, client_of_place, waitlist_places
from rules.accounts.accesses import AccessKind
from rules.enums import AppointmentType
from rules.refusals import Problem
from workflows.messages import JOIN_WAITLIST, LEAVE_WAITLIST

router = APIRouter(
    prefix="/v1", tags=["waitlist"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

LONGEST = timedelta(days=366, hours=25)
Edge = Annotated[str, Field(max_length=40, description="A date, or a time with its offset.")]


class WaitBody(Body):
    """``from`` and ``to`` are dates, both included, in ``time_zone`` (the client's unless said); or times."""

    client_id: UUID
    type: AppointmentType
    first: Edge = Field(alias="from", exclude=True)
    last: Edge = Field(alias="to", exclude=True)
    time_zone: Zone | None = Field(default=None, exclude=True)


class OfferView(View):
    """A time that is held for the client: whoever presents ``hold_id`` with a booking takes it."""

    hold_id: UUID
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


class PlaceView(View, OfClient):
    """``position`` counts from 1; ``to`` is the end of the wish, and not in it."""

    id: UUID
    client_id: UUID
    therapist: str
    type: AppointmentType
    first: datetime = Field(serialization_alias="from")
    last: datetime = Field(serialization_alias="to")
    joined_at: datetime
    position: int
    offer: OfferView | None


@router.post(
    "/therapists/{slug}/waitlist",
    status_code=201,
    summary="Wait for a time with a therapist, or change the wish",
    responses=responses(
        Problem.NOT_FOUND,
        Problem.CLIENT_DETAILS_REQUIRED,
        Problem.BOOKING_DISABLED,
        Problem.NO_THERAPIST_ASSIGNED,
        Problem.INTRO_CALL_REQUIRED,
        Problem.INTRO_CALL_NOT_OFFERED,
        Problem.INTAKE_FORMS_INCOMPLETE,
    ),
)
async def join_waitlist(*, slug: str, body: WaitBody, command: ByKnown, now: Now) -> PlaceView:
    """Who waits is offered the first time that becomes free, by mail, and it is held for them for a while."""
    services = command.services
    client = await command.must_see_client(body.client_id)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
    zone = ZoneInfo(body.time_zone or client.time_zone or therapist.time_zone)
    first, last = edge("from", body.first, zone, days_on=0), edge("to", body.last, zone, days_on=1)
    if last <= first:
        raise wrong_fields([("to", "must not be before from")])
    if last <= now:
        raise wrong_fields([("to", "must not be in the past")])
    if last - first > LONGEST:
        raise wrong_fields([("to", f"must be at most {LONGEST.days} days after from")])
    if last - now > LONGEST:
        raise wrong_fields([("to", f"must be at most {LONGEST.days} days ahead")])
    wish = {"wished_from": first, "wished_until": last}
    await command.ask(JOIN_WAITLIST, body, client_id=body.client_id, therapist=slug, **wish)
    async with services.sessions() as session:
        rows = await waitlist_places(
            session, command.caller, client=body.client_id, therapist=slug, page=Page(), now=now
        )
    for row in rows:
        if row.place.type is body.type:
            return _view(row)
    raise not_found("place on the waitlist")  # it ended in the same moment


@router.get(
    "/therapists/{slug}/waitlist",
    summary="Who waits for a time with this therapist, first in line first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_waitlist(slug: str, services: Svc, caller: Practice, page: ByTime, now: Now) -> Listed[PlaceView]:
    async with services.sessions() as session:
        if await therapist_by_slug(session, slug) is None:
            raise not_found("therapist")
        rows, last = cut(await waitlist_places(session, caller, therapist=slug, page=page, now=now), page)
    return listed([_view(row) for row in rows], (last.place.joined_at, last.place.id) if last else None)


@router.get(
    "/clients/{client_id}/waitlist",
    summary="What this client waits for",
    responses=responses(Problem.NOT_FOUND),
)
async def list_client_waitlist(
    client_id: UUID, services: Svc, caller: Known, page: ByTime, now: Now
) -> Listed[PlaceView]:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, last = cut(await waitlist_places(session, caller, client=client_id, page=page, now=now), page)
    return listed([_view(row) for row in rows], (last.place.joined_at, last.place.id) if last else None)


@router.delete(
    "/waitlist/{place_id}",
    status_code=204,
    summary="Leave the waitlist",
    responses=responses(Problem.NOT_FOUND),
)
async def leave_waitlist(place_id: UUID, command: ByKnown) -> None:
    async with command.services.sessions() as session:
        client_id = must_find("place on the waitlist", await client_of_place(session, command.caller, place_id))
    await command.ask(LEAVE_WAITLIST, client_id=client_id, place_id=place_id)


def _view(row: PlaceRow) -> PlaceView:
    place, offer = row.place, row.offer
    held = OfferView.of(offer, hold_id=offer.id) if offer is not None else None
    return PlaceView.of(place, row, first=place.wished_from, last=place.wished_until, offer=held)
