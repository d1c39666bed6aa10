"""A therapist's feed: what is new with their clients."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.access_log.declared import shows
from api.bodies import Body, Instant
from api.deps import ByTime, Now, Svc, allow
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses
from api.views.care import NotificationView
from api.views.lists import Listed, cut, listed
from models.reads.care.feed import list_notifications as read_list_notifications
from models.writes.feed import mark_all_read, mark_read
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["notifications"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

Reader = Annotated[Caller, Depends(allow(Role.THERAPIST))]


@router.get("/notifications", summary="A therapist's own feed, newest first", responses=responses())
async def list_notifications(
    *,
    services: Svc,
    caller: Reader,
    page: ByTime,
    unread: Annotated[bool, Query(description="true for those that were not read yet.")] = False,
) -> Listed[NotificationView]:
    async with services.sessions() as session:
        rows, last = cut(await read_list_notifications(session, caller, page=page, unread=unread), page)
    return listed([NotificationView.of(row) for row in rows], (last.at, last.id) if last else None)


class ReadAllBody(Body):
    """``until``: how far the reader has seen; what came later stays unread. All, if it is left out."""

    until: Instant | None = None


class ReadAllView(BaseModel):
    """``read``: how many were unread."""

    read: int


@router.post("/notifications/read", summary="Say that all were read", responses=responses())
async def read_all_notifications(
    *, services: Svc, caller: Reader, now: Now, body: ReadAllBody | None = None
) -> ReadAllView:
    """What is about a client who is archived is in no feed, and stays as it is."""
    until = body.until if body is not None else None
    async with services.sessions() as session:
        read = await mark_all_read(session, caller, until=until, at=now)
        await session.commit()
    return ReadAllView(read=read)


@router.post(
    "/notifications/{notification_id}/read", summary="Say that it was read", responses=responses(Problem.NOT_FOUND)
)
async def read_notification(*, notification_id: UUID, services: Svc, caller: Reader, now: Now) -> NotificationView:
    """The same again gives the same answer: what counts is the first time."""
    async with services.sessions() as session:
        row = must_find("notification", await mark_read(session, caller, notification_id, at=now))
        view = NotificationView.of(row)
        await session.commit()
    return view
