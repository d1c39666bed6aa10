"""Google's channels: it calls an address of ours when something in a calendar has changed, and does not say what."""

from datetime import UTC, datetime
from uuid import UUID

from activities.gateways.calendars.port import CalendarAccount, Channel, SourceUnavailable
from activities.gateways.calendars.vendor import VendorDesk
from activities.gateways.outbound.door import Door
from rules.booking.calendar_pushes import CHANNEL_TTL
from rules.booking.calendar_vendors import CalendarVendor


class GoogleChannels:
    """Implements ``CalendarChannels``. ``address``: where Google calls."""

    def __init__(self, vendor: CalendarVendor, door: Door, *, address: str) -> None:
        assert vendor.watch is not None, "it has channels"
        assert vendor.stop is not None, "and ends them"
        self._desk, self._address = VendorDesk(vendor, door), address
        self._watch, self._stop = vendor.watch, vendor.stop

    async def open(self, account: CalendarAccount, *, id: UUID, token: str) -> Channel:
        asked = {
            "id": str(id),
            "type": "web_hook",
            "address": self._address,
            "token": token,
            "params": {"ttl": str(int(CHANNEL_TTL.total_seconds()))},
        }
        told = await self._desk.ask("POST", self._watch, await self._desk.open(account.access), body=asked)
        resource, until = told.get("resourceId"), _at(told.get("expiration"))
        if not isinstance(resource, str) or not resource or told.get("id") != str(id):
            raise SourceUnavailable("Google tells of another channel")
        return Channel(id=id, token=token, resource=resource, until=until)

    async def stop(self, account: CalendarAccount, *, id: UUID, resource: str) -> None:
        asked = {"id": str(id), "resourceId": resource}
        await self._desk.ask("POST", self._stop, await self._desk.open(account.access), body=asked)


def _at(milliseconds: object) -> datetime:
    """Of the Unix epoch, as a number or its digits."""
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SourceUnavailable("Google does not say how long the channel lasts") from error
