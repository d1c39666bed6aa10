"""The one list of sources, by the kind of calendar that each reads."""

from collections.abc import Callable, Iterable, Mapping

from activities.gateways.calendars.caldav import CaldavSource
from activities.gateways.calendars.google import GoogleSource
from activities.gateways.calendars.ics import IcsSource
from activities.gateways.calendars.outlook import OutlookSource
from activities.gateways.calendars.port import CalendarSource
from activities.gateways.outbound.door import Door
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
