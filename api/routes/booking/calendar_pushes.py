"""What Google calls when something in a calendar has changed: by a channel that was opened after a reading.

It says no more than that, and is believed no more than that: the calendar is read. Whoever calls learns nothing.
"""

from hmac import compare_digest
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header

from api.access_log.declared import shows_no_client
from api.commands import wake_calendar
from api.deps import Now, Svc
from api.problems import responses
from models.reads.booking.outside import calendar_of_channel
from models.writes.booking.connected_calendars import hear_push

router = APIRouter(prefix="/v1", tags=["webhooks"], dependencies=[shows_no_client("Google tells, and is told nothing")])

_OPENED = "sync"  # the first call of every channel: nothing has changed


@router.post(
    "/calendar-pushes", status_code=204, summary="Google tells that a calendar has changed", responses=responses()
)
async def receive_calendar_push(
    *,
    services: Svc,
    now: Now,
    channel: Annotated[str, Header(alias="X-Goog-Channel-ID")] = "",
    token: Annotated[str, Header(alias="X-Goog-Channel-Token")] = "",
    state: Annotated[str, Header(alias="X-Goog-Resource-State")] = "",
) -> None:
    """The calendar is read at once, and again a minute later: what changes meanwhile is seen then. The answer is the
    same for a channel that nobody has opened, and for a wrong token. The body is not looked at."""
    id = _id(channel)
    if id is None or state == _OPENED:
        return
    async with services.sessions() as session:
        row = await calendar_of_channel(session, id)
        if row is None or row.channel is None:
            return
        if not compare_digest(str(row.channel["token"]).encode(), token.encode()):
            return
        calendar_id = row.id
        heard = await hear_push(session, calendar_id, at=now)
        await session.commit()
    if heard:
        await wake_calendar(services, calendar_id)


def _id(channel: str) -> UUID | None:
    try:
        return UUID(channel)
    except ValueError:
        return None
