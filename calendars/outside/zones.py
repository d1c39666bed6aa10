"""Which zone a file means: by the names that programs have for zones, and by what a file says itself."""

import re
from collections.abc import Iterable
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendars.outside.lines import FilePart
from calendars.outside.refusing import NotACalendar
from rules.local_time import find_zone

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?$", re.IGNORECASE)
_UTC_NAMES = frozenset(("UTC", "GMT", "Z", "ETC/UTC", "UNIVERSAL", "ZULU"))
_ZONE_DAY = timedelta(hours=24)


class Zones:
    """The zones of one calendar. ``described``: its VTIMEZONE components; ``floating``: whose clocks are meant where no
    zone is named."""

    def __init__(self, described: Iterable[FilePart], *, floating: tzinfo) -> None:
        self.floating = floating
        self._described = {_tzid(part): part for part in described}
        self._found: dict[str, tzinfo] = {}

    def find(self, tzid: str) -> tzinfo:
        """Raises NotACalendar for a zone that nobody knows and the file does not describe.

        A zone of a known name is the one that everybody means by it, whatever the file says of it: descriptions are
        often of one year alone, and some are wrong.
        """
        name = tzid.strip().strip('"')
        if name not in self._found:
            self._found[name] = known_zone(name) or self._by_description(name)
        return self._found[name]

    def _by_description(self, name: str) -> tzinfo:
        part = self._described.get(name)
        if part is None:
            raise NotACalendar("It names a time zone that is not known, and does not describe it.")
        for line in part.lines:
            key, _, value = line.partition(":")
            if key.upper() in ("X-LIC-LOCATION", "TZUNTIL") and (zone := known_zone(value)) is not None:
                return zone
        try:
            described = Timezone.from_ical("\r\n".join(_written(part)))
            assert isinstance(described, Timezone)
            return described.to_tz(lookup_tzid=False)  # type: ignore[no-any-return]
        except Exception as error:
            raise NotACalendar("It describes a time zone in a way that cannot be read.") from error


def known_zone(name: str) -> tzinfo | None:
    """The zone that is commonly meant by this name: IANA's, with whatever stands before it; Windows'; or an offset."""
    name = name.strip().strip('"')
    if name.upper() in _UTC_NAMES:
        return UTC
    if (windows := WINDOWS_TO_OLSON.get(name)) is not None:
        return ZoneInfo(windows)
    pieces = [piece for piece in name.split("/") if piece]
    for number in (3, 2):  # /freeassociation.sourceforge.net/Tzfile/Europe/Berlin
        zone = find_zone("/".join(pieces[-number:])) if len(pieces) >= number else None
        if zone is not None:
            return zone
    if "/" not in name and (zone := find_zone(name)) is not None:
        return zone
    found = _OFFSET.match(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset) if offset < _ZONE_DAY else None


def _tzid(part: FilePart) -> str:
    for line in part.lines:
        key, _, value = line.partition(":")
        if key.split(";")[0].upper() == "TZID":
            return value.strip().strip('"')
    return ""


def _written(part: FilePart) -> Iterable[str]:
    yield f"BEGIN:{part.name}"
    yield from part.lines
    for inner in part.parts:
        yield from _written(inner)
    yield f"END:{part.name}"
