"""The one list of sources, by the kind of calendar that each reads."""

from activities.gateways.calendars.caldav import CaldavSource
from activities.gateways.calendars.ics import IcsSource
from activities.gateways.calendars.port import CalendarSource
from activities.gateways.outbound.door import Door
from rules.enums import CalendarKind


def calendar_sources(door: Door) -> dict[CalendarKind, CalendarSource]:
    return {CalendarKind.ICS: IcsSource(door), CalendarKind.CALDAV: CaldavSource(door)}
