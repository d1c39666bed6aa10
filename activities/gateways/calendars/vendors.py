"""The sources of calendars that are connected by a consent."""

from collections.abc import Callable, Iterable, Mapping

from activities.gateways.calendars.google import GoogleSource
from activities.gateways.calendars.outlook import OutlookSource
from activities.gateways.calendars.port import CalendarSource
from activities.gateways.outbound.door import Door
from rules.booking.calendar_vendors import CalendarVendor
from rules.enums import CalendarKind

_SOURCES: Mapping[CalendarKind, Callable[[CalendarVendor, Door], CalendarSource]] = {
    CalendarKind.GOOGLE: GoogleSource,
    CalendarKind.OUTLOOK: OutlookSource,
}


def vendor_sources(vendors: Iterable[CalendarVendor], door: Door) -> dict[CalendarKind, CalendarSource]:
    """One for each vendor at which the practice is registered."""
    return {vendor.kind: _SOURCES[vendor.kind](vendor, door) for vendor in vendors}
