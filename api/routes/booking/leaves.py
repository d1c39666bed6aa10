"""A therapist's leaves: time off in one call, with the list of whom it touches, and mails to them if asked."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.marking import OfClient, WhoseView
from api.bodies import Body, Flag, Instant, Reason
from api.commands import wake_line
from api.deps import ByTime, Now, PracticeOrAdmin, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.routes.booking.therapists import must_be_own
from api.views.base import View
from api.views.booking import AppointmentView
from api.views.lists import Listed, cut, listed
from models.reads.booking.appointments import appointments_by_id
from models.reads.booking.leaves import (
    OfferedTime,
    Touched,
    list_leaves,
    reasons_of,
    standing_leave,
    told_of,
    touched_in,
)
from models.reads.booking.therapists import therapist_by_slug
from models.tables.booking.leave import Leave
from models.writes.booking.leaves import order_notices, take_back, take_leave
from models.writes.locks import lock_therapist
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.booking.leaves import wrong_leave
from rules.enums import AppointmentType
from rules.refusals import Problem
from workflows.messages import OUTBOX_FILLED, journey_id

router = APIRouter(
    prefix="/v1", tags=["therapists"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

LeaveId = Annotated[UUID, Path(description="A leave's id.")]
_AT_ONCE = 20


class LeaveBody(Body):
    """``reason`` is the practice's own: no client is told. ``notify``: a mail to each client who has something booked
    in it, once. ``dry_run``: nothing is changed, and nobody is told."""

    starts_at: Instant
    ends_at: Instant
    reason: Reason | None = None
    notify: Flag = False
    dry_run: Flag = False


class LeaveView(View):
    """``id`` is null where it was only tried."""

    id: UUID | None
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    made_by: str
    made_at: datetime


class HeldTimeView(View):
    """A time that somebody is choosing just now."""

    type: AppointmentType
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime


class OfferedTimeView(HeldTimeView, OfClient):
    """A time that is offered to somebody on the waitlist."""

    client_id: UUID
    client: WhoseView


class TouchedCounts(BaseModel):
    """``clients``: who have something booked in it."""

    appointments: int
    clients: int
    holds: int
    offers: int


class TouchingView(LeaveView):
    """Whom it touches. The appointments stand until somebody moves or cancels them; what is held or offered can no
    longer be booked by the client side. To an admin, who sees no client, ``appointments`` and ``offers`` are not there.

    ``mailed``: how many of these clients were told of it, or are about to be.
    """

    counts: TouchedCounts
    appointments: list[AppointmentView] = Field(default=[])
    holds: list[HeldTimeView]
    offers: list[OfferedTimeView] = Field(default=[])
    mailed: int = 0


@router.post(
    "/therapists/{slug}/leaves",
    status_code=201,
    summary="Take time off, and see whom it touches",
    response_model_exclude_unset=True,
    responses={
        200: {"model": TouchingView, "description": "It was only tried, or is there already"},
        **responses(Problem.NOT_FOUND),
    },
)
async def add_leave(
    *,
    slug: str,
    body: LeaveBody,
    response: Response,
    services: Svc,
    caller: PracticeOrAdmin,
    request_id: RequestId,
    now: Now,
) -> TouchingView:
    """It is time off in the therapist's availability from then on. Asked again for the same instants, it is the same
    leave; with ``notify`` whoever was not told yet is told."""
    must_be_own(caller, slug)
    wrong = wrong_leave(starts_at=body.starts_at, ends_at=body.ends_at, now=now)
    if wrong:
        raise wrong_fields(wrong)
    id, told = uuid5(request_id, "leave"), list[UUID]()
    async with services.sessions() as session:
        found = must_find("therapist", await therapist_by_slug(session, slug))
        therapist = await lock_therapist(session, found.id)
        period = {"starts_at": body.starts_at, "ends_at": body.ends_at}
        touched = await touched_in(session, caller, therapist.id, **period, now=now)
        if body.dry_run:
            response.status_code = 200
            tried = LeaveView(id=None, reason=body.reason, made_by=caller.actor, made_at=now, **period)
            return await _touching(session, tried, touched, caller=caller)
        leave = await take_leave(session, therapist, id=id, reason=body.reason, by=caller, at=now, **period)
        if leave.id != id:
            response.status_code = 200
        if body.notify:
            told = [client.id for client in await order_notices(session, leave, touched.booked, at=now)]
        reason = (await reasons_of(session, [leave]))[leave.id]
        view = await _touching(session, LeaveView.of(leave, reason=reason), touched, caller=caller)
        await session.commit()
    await wake_line(services, therapist)
    await _have_mailed(services, told)
    return view


@router.get(
    "/therapists/{slug}/leaves",
    summary="A therapist's leaves that are not over, in the order of time",
    responses=responses(Problem.NOT_FOUND),
)
async def list_therapist_leaves(
    *, slug: str, services: Svc, caller: PracticeOrAdmin, page: ByTime, now: Now
) -> Listed[LeaveView]:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        rows, last = cut(await list_leaves(session, therapist.id, page=page, now=now), page)
        reasons = await reasons_of(session, rows)
    views = [LeaveView.of(leave, reason=reasons[leave.id]) for leave in rows]
    return listed(views, (last.starts_at, last.id) if last else None)


@router.get(
    "/therapists/{slug}/leaves/{leave_id}",
    summary="One leave, and whom it still touches",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_leave(*, slug: str, leave_id: LeaveId, services: Svc, caller: PracticeOrAdmin, now: Now) -> TouchingView:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        leave = await _standing(session, slug, leave_id)
        period = {"starts_at": leave.starts_at, "ends_at": leave.ends_at}
        touched = await touched_in(session, caller, leave.therapist_id, **period, now=now)
        reason = (await reasons_of(session, [leave]))[leave.id]
        return await _touching(session, LeaveView.of(leave, reason=reason), touched, caller=caller)


@router.delete(
    "/therapists/{slug}/leaves/{leave_id}",
    status_code=204,
    summary="Take a leave back",
    responses=responses(Problem.NOT_FOUND),
)
async def end_leave(*, slug: str, leave_id: LeaveId, services: Svc, caller: PracticeOrAdmin, now: Now) -> None:
    """Its time can be booked again. What was moved or cancelled meanwhile stays so; a mail about it that has not gone
    out yet does not."""
    must_be_own(caller, slug)
    async with services.sessions() as session:
        found = must_find("therapist", await therapist_by_slug(session, slug))
        therapist = await lock_therapist(session, found.id)
        await take_back(session, therapist, await _standing(session, slug, leave_id), by=caller, at=now)
        await session.commit()
    await wake_line(services, therapist)


# ---------------------------------------------------------------- parts


async def _standing(session: AsyncSession, slug: str, leave_id: UUID) -> Leave:
    therapist = must_find("therapist", await therapist_by_slug(session, slug))
    return must_find("leave", await standing_leave(session, therapist.id, leave_id))


async def _touching(session: AsyncSession, leave: LeaveView, touched: Touched, *, caller: Caller) -> TouchingView:
    seen = {}
    if caller.is_practice:
        rows = await appointments_by_id(session, caller, touched.appointments)
        seen = {
            "appointments": [AppointmentView.of_row(row, caller=caller) for row in rows],
            "offers": [_offered(one) for one in touched.offers],
        }
    counts = TouchedCounts(
        appointments=len(touched.appointments),
        clients=len(touched.booked),
        holds=len(touched.held),
        offers=touched.offered,
    )
    mailed = await told_of(session, leave.id, touched.booked) if leave.id is not None else 0
    holds = [HeldTimeView.of(hold) for hold in touched.held]
    return TouchingView(**leave.model_dump(), counts=counts, holds=holds, mailed=mailed, **seen)


def _offered(one: OfferedTime) -> OfferedTimeView:
    whose = WhoseView(ref=one.client.ref, name=one.client.full_name)
    return OfferedTimeView.of(one.offer, client_id=one.client.id, client=whose, type=one.place.type)


async def _have_mailed(services: Services, clients: Sequence[UUID]) -> None:
    """Have the journeys deliver what was put into their outboxes.

    Raises EngineUnavailable when the engine is away: the leave is taken by then, and the same request again tells.
    """
    for first in range(0, len(clients), _AT_ONCE):
        some = clients[first : first + _AT_ONCE]
        await asyncio.gather(*(services.engine.signal(journey_id(str(id)), OUTBOX_FILLED) for id in some))
