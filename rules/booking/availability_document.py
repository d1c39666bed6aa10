"""Availability as a JSON document: read with every wrong line named, and written back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rules.booking.hours import (
    DEFAULT_SETTINGS,
    Availability,
    DateOverride,
    DayWindow,
    SlotSettings,
    TimeOff,
    WeeklyWindow,
)
from rules.enums import AppointmentType
from rules.local_time import WEEKDAYS, find_zone

_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})", re.IGNORECASE
)
# Control characters but for line breaks and tabs, and halves of characters, which no answer could carry.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_END_OF_DAY = 24 * 60
_MOST_ENTRIES = 5_000
_MOST_PROBLEMS = 500
_LONGEST_REASON = 500
_LONGEST_NAME = 100
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
LONGEST_TIME_OFF = timedelta(days=5 * 366)

# Least and most of each setting, in its own unit.
_BOUNDS: Mapping[str, tuple[int, int]] = {
    "duration": (1, 1440),
    "step": (1, 1440),
    "buffer_before": (0, 1440),
    "buffer_after": (0, 1440),
    "minimum_notice": (0, 525_600),
    "horizon_days": (1, 730),
    "max_per_day": (1, 1440),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongLine:
    """One wrong line: where it is (``weekly[3].to``) and what is wrong with it, in a sentence."""

    path: str
    message: str


class InvalidAvailability(Exception):
    """A document that is no availability. ``problems`` names every wrong line."""

    def __init__(self, problems: list[WrongLine]) -> None:
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
        self.problems = problems


def read_availability(document: Mapping[str, Any], *, time_zone: str) -> Availability:
    """The availability that a JSON document describes, for a therapist in that zone.

    Shape: ``{"weekly": [{"weekday", "from", "to", "types"}], "overrides": [{"date", "windows": [{"from",
    "to", "types"}]}], "time_off": [{"starts_at", "ends_at", "reason"?}], "settings": {"intro_call": {...},
    "session": {...}}}``. All four parts may be left out; settings left out are the defaults. ``time_zone``
    may stand beside them if it says the same. A window whose end is not after its start is kept and offers
    nothing (see ``ignored_windows``). Dates and instants lie in the years 2000 to 2199, time off lasts five
    years at most, a list has at most 5,000 lines. Raises InvalidAvailability, with up to 500 wrong lines.
    """
    return _Reader().availability(document, time_zone)


def write_availability(availability: Availability) -> dict[str, Any]:
    """The document that reads back as the same availability, with every setting spelled out."""
    return {
        "weekly": [{"weekday": window.weekday, **_written(window)} for window in availability.weekly],
        "overrides": [
            {"date": override.day.isoformat(), "windows": [_written(window) for window in override.windows]}
            for override in availability.overrides
        ],
        "time_off": [
            {"starts_at": _rfc3339(off.starts_at), "ends_at": _rfc3339(off.ends_at), "reason": off.reason}
            for off in availability.time_off
        ],
        "settings": {kind.value: asdict(availability.settings[kind]) for kind in AppointmentType},
    }


def ignored_windows(availability: Availability) -> list[WrongLine]:
    """The windows that offer nothing, because they do not end after they begin: worth telling their author."""
    message = "does not end after it begins, so it offers nothing and is not kept"
    lines = [(f"weekly[{index}]", window.start, window.end) for index, window in enumerate(availability.weekly)]
    for index, override in enumerate(availability.overrides):
        lines += [(f"overrides[{index}].windows[{at}]", w.start, w.end) for at, w in enumerate(override.windows)]
    return [WrongLine(path=path, message=message) for path, start, end in lines if end <= start]


def _written(window: DayWindow) -> dict[str, Any]:
    return {
        "from": f"{window.start // 60:02}:{window.start % 60:02}",
        "to": f"{window.end // 60:02}:{window.end % 60:02}",
        "types": [kind.value for kind in AppointmentType if kind in window.types],
    }


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _tellable(name: object) -> str:
    """A field's name as somebody else wrote it, fit to be told back."""
    text = str(name)
    return text if text.isprintable() and len(text) <= _LONGEST_NAME else ascii(text[:_LONGEST_NAME])


_NO_DAY = date.min  # what is read in place of a wrong date
_YEARS = f"in the years {_FIRST_YEAR} to {_LAST_YEAR}"


class _Reader:
    """Reads on after a wrong line, so that one answer names them all; what it then returns is never used."""

    def __init__(self) -> None:
        self.problems: list[WrongLine] = []

    def availability(self, document: object, time_zone: str) -> Availability:
        parts = self.mapping(
            document, "", required=(), optional=("weekly", "overrides", "time_off", "settings", "time_zone")
        )
        if find_zone(time_zone) is None:
            self.wrong("time_zone", f"{time_zone!r} is not a known time zone")
        elif parts.get("time_zone", time_zone) != time_zone:
            self.wrong("time_zone", "is not the therapist's; change it with the therapist's other details")
        weekly = tuple(self.weekly(line, path) for line, path in self.lines(parts, "weekly", ""))
        overrides = tuple(self.override(line, path) for line, path in self.lines(parts, "overrides", ""))
        seen: set[date] = set()
        for index, override in enumerate(overrides):
            if override.day in seen and override.day != _NO_DAY:
                self.wrong(f"overrides[{index}].date", f"{override.day.isoformat()} has an override already")
            seen.add(override.day)
        time_off = tuple(self.time_off(line, path) for line, path in self.lines(parts, "time_off", ""))
        settings = self.settings(parts.get("settings", {}))
        if self.problems:
            raise InvalidAvailability(self.problems)
        return Availability(
            time_zone=time_zone, weekly=weekly, overrides=overrides, time_off=time_off, settings=settings
        )

    def wrong(self, path: str, message: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(WrongLine(path=path, message=message))

    def mapping(
        self, value: object, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.wrong(path or "availability", "must be an object")
            return {}
        prefix = f"{path}." if path else ""
        for key in required:
            if key not in value:
                self.wrong(prefix + key, "is required")
        for key in value:
            if key not in required and key not in optional:
                self.wrong(prefix + _tellable(key), "is not a known field")
        return value

    def lines(self, parent: Mapping[str, Any], key: str, path: str) -> Iterator[tuple[object, str]]:
        here = f"{path}.{key}" if path else key
        value = parent.get(key, [])
        if not isinstance(value, list | tuple):
            self.wrong(here, "must be a list")
        elif len(value) > _MOST_ENTRIES:
            self.wrong(here, f"has more than {_MOST_ENTRIES} entries")
        else:
            yield from ((line, f"{here}[{index}]") for index, line in enumerate(value))

    def weekly(self, line: object, path: str) -> WeeklyWindow:
        fields = self.mapping(line, path, required=("weekday", "from", "to", "types"))
        weekday = fields.get("weekday", WEEKDAYS[0])
        if weekday not in WEEKDAYS:
            self.wrong(f"{path}.weekday", f"must be one of {', '.join(WEEKDAYS)}")
        window = self.window(fields, path)
        return WeeklyWindow(weekday=weekday, start=window.start, end=window.end, types=window.types)

    def override(self, line: object, path: str) -> DateOverride:
        fields = self.mapping(line, path, required=("date", "windows"))
        windows = []
        for window, at in self.lines(fields, "windows", path):
            windows.append(self.window(self.mapping(window, at, required=("from", "to", "types")), at))
        return DateOverride(day=self.day(fields, path), windows=tuple(windows))

    def window(self, fields: Mapping[str, Any], path: str) -> DayWindow:
        start = self.clock(fields, "from", path, latest=_END_OF_DAY - 1)
        end = self.clock(fields, "to", path, latest=_END_OF_DAY)
        return DayWindow(start=start, end=end, types=self.types(fields, path))

    def clock(self, fields: Mapping[str, Any], key: str, path: str, *, latest: int) -> int:
        if key not in fields:
            return 0
        text = fields[key]
        found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
        minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else None
        if minutes is None or minutes > latest:
            last = f"{latest // 60:02}:{latest % 60:02}"
            self.wrong(f"{path}.{key}", f"must be a time of day like 09:30, from 00:00 to {last}")
            return 0
        return minutes

    def types(self, fields: Mapping[str, Any], path: str) -> frozenset[AppointmentType]:
        names = ", ".join(AppointmentType)
        found: set[AppointmentType] = set()
        if fields.get("types") == []:
            self.wrong(f"{path}.types", f"must name at least one of {names}")
        for value, at in self.lines(fields, "types", path):
            if not isinstance(value, str) or value not in set(AppointmentType):
                self.wrong(at, f"must be one of {names}")
            elif value in found:
                self.wrong(at, f"names {value} again")
            else:
                found.add(AppointmentType(value))
        return frozenset(found)

    def day(self, fields: Mapping[str, Any], path: str) -> date:
        text = fields.get("date")
        try:
            if isinstance(text, str) and _DATE.fullmatch(text):
                day = date.fromisoformat(text)
                if _FIRST_YEAR <= day.year <= _LAST_YEAR:
                    return day
        except ValueError:
            pass
        if "date" in fields:
            self.wrong(f"{path}.date", f"must be a date like 2026-12-24, {_YEARS}")
        return _NO_DAY

    def time_off(self, line: object, path: str) -> TimeOff:
        fields = self.mapping(line, path, required=("starts_at", "ends_at"), optional=("reason",))
        starts_at, ends_at = self.instant(fields, "starts_at", path), self.instant(fields, "ends_at", path)
        if starts_at and ends_at and ends_at <= starts_at:
            self.wrong(f"{path}.ends_at", "must be after starts_at")
        elif starts_at and ends_at and ends_at - starts_at > LONGEST_TIME_OFF:
            self.wrong(f"{path}.ends_at", "must be at most five years after starts_at")
        reason = "" if fields.get("reason") is None else fields["reason"]
        if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
            self.wrong(f"{path}.reason", f"must be text of at most {_LONGEST_REASON} characters")
        elif _UNPRINTABLE.search(reason):
            self.wrong(f"{path}.reason", "must not contain control characters")
        never = datetime.min.replace(tzinfo=UTC)
        return TimeOff(starts_at=starts_at or never, ends_at=ends_at or never, reason=reason)

    def instant(self, fields: Mapping[str, Any], key: str, path: str) -> datetime | None:
        if key not in fields:
            return None
        text = fields[key]
        try:
            if isinstance(text, str) and _INSTANT.fullmatch(text):
                instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
                if _FIRST_YEAR <= instant.year <= _LAST_YEAR:
                    return instant
        except (ValueError, OverflowError):
            pass
        self.wrong(f"{path}.{key}", f"must be a time with its offset, like 2026-12-24T09:00:00Z, {_YEARS}")
        return None

    def settings(self, value: object) -> Mapping[AppointmentType, SlotSettings]:
        kinds = self.mapping(value, "settings", required=(), optional=tuple(AppointmentType))
        return {kind: self.kind_settings(kinds.get(kind, {}), kind) for kind in AppointmentType}

    def kind_settings(self, value: object, kind: AppointmentType) -> SlotSettings:
        path = f"settings.{kind}"
        fields = self.mapping(value, path, required=(), optional=tuple(_BOUNDS))
        given: dict[str, int | None] = {}
        for name, number in fields.items():
            if name not in _BOUNDS:
                continue
            least, most = _BOUNDS[name]
            whole = isinstance(number, int) and not isinstance(number, bool)
            if (name == "max_per_day" and number is None) or (whole and least <= number <= most):
                given[name] = number
            else:
                nothing = " or null" if name == "max_per_day" else ""
                self.wrong(f"{path}.{name}", f"must be a whole number from {least} to {most}{nothing}")
        return replace(DEFAULT_SETTINGS[kind], **given)  # type: ignore[arg-type]  # None: checked
