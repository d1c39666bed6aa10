"""The one list of sources, by the kind of calendar that each reads; and which vendors tell of changes."""

from collections.abc import Callable, Iterable, Mapping

from activities.gateways.calendars.caldav import CaldavSource
from activities.gateways.calendars.google import GoogleSource
from activities.gateways.calendars.google_channels import GoogleChannels
from activities.gateways.calendars.ics import IcsSource
from activities.gateways.calendars.outlook import OutlookSource
from activities.gateways.calendars.port import CalendarChannels, CalendarSource
from activities.gateways.outbound.door import Door
from rules.booking.calendar_pushes import PUSHES
from rules.booking.calendar_vendors import CalendarVendor
from rules.enums import CalendarKind

_BY_CONSENT: Mapping[CalendarKind, Callable[[CalendarVendor, Door], CalendarSource]] = {
    CalendarKind.GOOGLE: GoogleSource,
    CalendarKind.OUTLOOK: OutlookSource,
}


def calendar_sources(door: Door, vendors: Iterable[CalendarVendor] = ()) -> dict[CalendarKind, CalendarSource]:
    """``vendors``: those at which the practice is registered."""
    consented = {vendor.kind: _BY_CONSENT[vendor.kind](vendor, door) for vendor in vendors}
    return {CalendarKind.ICS: IcsSource(door), CalendarKind.CALDAV: CaldavSource(door), **consented}


def calendar_channels(
    door: Door, vendors: Iterable[CalendarVendor], *, api_url: str | None
) -> dict[CalendarKind, CalendarChannels]:
    """``api_url``: where vendors reach the API; without it there are none."""
    if api_url is None:
        return {}
    address = f"{api_url}{PUSHES}"
    return {v.kind: GoogleChannels(v, door, address=address) for v in vendors if v.watch is not None}
