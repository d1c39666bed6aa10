"""The channel by which a vendor tells that a calendar has changed: opened after a reading, and renewed before it ends.

Without one the calendar is read as often as always: nothing that goes wrong here fails a reading.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import structlog

from activities.base import derived_id
from activities.gateways.calendars.port import CalendarAccount, CalendarChannels, Channel, SourceFailed
from models.tables.booking.outside_calendar import OutsideCalendarRow
from rules.booking.calendar_pushes import is_due

log = structlog.get_logger(__name__)
_LONGEST = 15.0  # seconds for opening, and for stopping


@dataclass(frozen=True, kw_only=True)
class Before:
    """The channel that a row has."""

    id: UUID
    resource: str
    until: datetime | None

    @classmethod
    def of(cls, row: OutsideCalendarRow) -> Self | None:
        if row.channel_id is None or row.channel is None:
            return None
        return cls(id=row.channel_id, resource=str(row.channel["resource"]), until=row.channel_until)


async def renewed(
    channels: CalendarChannels, account: CalendarAccount, before: Before | None, *, look: int, now: datetime
) -> Channel | None:
    """A new channel where one is due, in place of the one before, which is stopped. One that is lost before it stands
    in the row is known to nobody: what it tells is not heard, and it ends within a week."""
    if not is_due(before.until if before is not None else None, now=now):
        return None
    id, token = derived_id(account.id, "channel", look), secrets.token_urlsafe(32)
    try:
        async with asyncio.timeout(_LONGEST):
            opened = await channels.open(account, id=id, token=token)
    except (SourceFailed, TimeoutError) as problem:
        log.warning("a calendar's vendor opens no channel", calendar=account.id, because=str(problem))
        return None
    if before is not None:
        try:
            async with asyncio.timeout(_LONGEST):
                await channels.stop(account, id=before.id, resource=before.resource)
        except (SourceFailed, TimeoutError) as problem:
            log.info("a channel could not be stopped, and ends by itself", calendar=account.id, because=str(problem))
    return opened


def put_channel(row: OutsideCalendarRow, channel: Channel) -> None:
    row.channel_id, row.channel_until = channel.id, channel.until
    row.channel = {"token": channel.token, "resource": channel.resource}
