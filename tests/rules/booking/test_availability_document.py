"""The availability document: read, written, and refused line by line."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from rules.booking.availability import (
    DEFAULT_SETTINGS,
    InvalidAvailability,
    WeeklyWindow,
    find_zone,
    ignored_windows,
    read_availability,
    write_availability,
)
from rules.booking.availability_document import WrongLine
from rules.enums import AppointmentType

SESSION, INTRO = AppointmentType.SESSION, AppointmentType.INTRO_CALL
WINDOW = {"from": "09:00", "to": "24:00", "types": ["session", "intro_call"]}
MONDAY = {"weekday": "mon", **WINDOW}
DOCUMENT: dict[str, Any] = {
    "weekly": [MONDAY, {"weekday": "sun", "from": "00:05", "to": "00:30", "types": ["session"]}],
    "overrides": [{"date": "2026-12-24", "windows": []}, {"date": "2026-12-31", "windows": [WINDOW]}],
    "time_off": [{"starts_at": "2026-12-01T10:00:00+02:00", "ends_at": "2026-12-01T11:00:00Z", "reason": "dentist"}],
    "settings": {"session": {"step": 10, "max_per_day": 3}},
}


def test_a_document_is_read() -> None:
    availability = read_availability(DOCUMENT, time_zone="Europe/London")
    assert availability.weekly[0] == WeeklyWindow(weekday="mon", start=540, end=1440, types=frozenset({SESSION, INTRO}))
    assert availability.weekly[1] == WeeklyWindow(weekday="sun", start=5, end=30, types=frozenset({SESSION}))
    assert [override.day for override in availability.overrides] == [date(2026, 12, 24), date(2026, 12, 31)]
    assert availability.overrides[0].windows == ()
    assert availability.time_off[0].starts_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert availability.time_off[0].reason == "dentist"
    assert availability.settings[INTRO] == DEFAULT_SETTINGS[INTRO]
    session = availability.settings[SESSION]
    assert (session.step, session.max_per_day, session.duration, session.buffer_after) == (10, 3, 50, 10)
    assert (session.buffer_before, session.minimum_notice, session.horizon_days) == (0, 720, 60)


def test_defaults_are_those_of_the_practice() -> None:
    session, intro = DEFAULT_SETTINGS[SESSION], DEFAULT_SETTINGS[INTRO]
    assert (session.duration, session.step, intro.duration, intro.step) == (50, 30, 15, 15)
    for kind in (session, intro):
        assert (kind.buffer_before, kind.buffer_after, kind.minimum_notice) == (0, 10, 720)
        assert (kind.horizon_days, kind.max_per_day) == (60, None)
    assert read_availability({}, time_zone="UTC").settings == DEFAULT_SETTINGS


def test_what_is_written_reads_back_the_same() -> None:
    availability = read_availability(DOCUMENT, time_zone="Europe/London")
    written = write_availability(availability)
    assert read_availability(json.loads(json.dumps(written)), time_zone="Europe/London") == availability
    assert written["weekly"][0] == {
        "weekday": "mon",
        "from": "09:00",
        "to": "24:00",
        "types": ["intro_call", "session"],
    }
    assert written["time_off"][0]["starts_at"] == "2026-12-01T08:00:00Z"
    assert written["settings"]["intro_call"]["max_per_day"] is None
    assert set(written) == {"weekly", "overrides", "time_off", "settings"}


def test_windows_that_end_before_they_begin_are_kept_and_named() -> None:
    backward = {**MONDAY, "from": "12:00", "to": "11:00"}
    override = {"date": "2026-12-24", "windows": [WINDOW, {**WINDOW, "from": "10:00", "to": "10:00"}]}
    availability = read_availability({"weekly": [MONDAY, backward], "overrides": [override]}, time_zone="UTC")
    assert len(availability.weekly) == 2
    assert [problem.path for problem in ignored_windows(availability)] == [
        "weekly[1]",
        "overrides[0].windows[1]",
    ]


def weekly(**changes: object) -> dict[str, Any]:
    return {"weekly": [MONDAY, {**MONDAY, **changes}]}


def off(starts_at: object, ends_at: object = "2026-12-01T10:00:00Z", **more: object) -> dict[str, Any]:
    return {"time_off": [{"starts_at": starts_at, "ends_at": ends_at, **more}]}


def setting(name: str, value: object) -> dict[str, Any]:
    return {"settings": {"session": {name: value}}}


WRONG: list[tuple[object, str]] = [
    (weekly(weekday="monday"), "weekly[1].weekday"),
    (weekly(weekday=["mon"]), "weekly[1].weekday"),
    (weekly(to="25:00"), "weekly[1].to"),
    (weekly(to="24:01"), "weekly[1].to"),
    (weekly(**{"from": "24:00"}), "weekly[1].from"),
    (weekly(**{"from": "09:60"}), "weekly[1].from"),
    (weekly(**{"from": "9:00"}), "weekly[1].from"),
    (weekly(**{"from": "09:00\n"}), "weekly[1].from"),
    (weekly(**{"from": "\u0660\u0669:\u0660\u0660"}), "weekly[1].from"),
    (weekly(**{"from": 9}), "weekly[1].from"),
    (weekly(types=["massage"]), "weekly[1].types[0]"),
    (weekly(types=[{}]), "weekly[1].types[0]"),
    (weekly(types=[]), "weekly[1].types"),
    (weekly(types="session"), "weekly[1].types"),
    (weekly(types=None), "weekly[1].types"),
    (weekly(types=["session", "session"]), "weekly[1].types[1]"),
    (weekly(weekday="funday"), "weekly[1].weekday"),
    (weekly(color="red"), "weekly[1].color"),
    (weekly(**{"\ud800": 1}), "weekly[1].'\\ud800'"),
    (weekly(**{"x" * 101: 1}), f"weekly[1].'{'x' * 100}'"),
    ({"weekly": ["mon"]}, "weekly[0]"),
    ({"weekly": None}, "weekly"),
    ({"weekly": {"mon": []}}, "weekly"),
    ({"weekly": [{"weekday": "mon", "from": "09:00", "types": ["session"]}]}, "weekly[0].to"),
    ({"weekly": [MONDAY] * 5_001}, "weekly"),
    ({"overrides": [{"date": "2026-12-24", "windows": []}] * 2}, "overrides[1].date"),
    ({"overrides": [{"date": "2026-02-30", "windows": []}]}, "overrides[0].date"),
    ({"overrides": [{"date": "20261224", "windows": []}]}, "overrides[0].date"),
    ({"overrides": [{"date": 20261224, "windows": []}]}, "overrides[0].date"),
    ({"overrides": [{"date": "1999-12-31", "windows": []}]}, "overrides[0].date"),
    ({"overrides": [{"date": "2200-01-01", "windows": []}]}, "overrides[0].date"),
    ({"overrides": [{"date": "2026-12-24"}]}, "overrides[0].windows"),
    (
        {"overrides": [{"date": "2026-12-24", "windows": [{**WINDOW, "to": "x"}]}]},
        "overrides[0].windows[0].to",
    ),
    (off("2026-12-01T10:00:00Z"), "time_off[0].ends_at"),
    (off("2026-12-01T11:00:00Z"), "time_off[0].ends_at"),
    (off("2026-12-01T09:00:00"), "time_off[0].starts_at"),
    (off("2026-12-01"), "time_off[0].starts_at"),
    (off("soon"), "time_off[0].starts_at"),
    (off(None), "time_off[0].starts_at"),
    (off("0001-01-01T00:00:00+14:00"), "time_off[0].starts_at"),
    (off("1999-12-31T23:59:59Z"), "time_off[0].starts_at"),
    (off("2026-12-01 09:00:00Z"), "time_off[0].starts_at"),
    (off("2026-W49-2T09:00:00Z"), "time_off[0].starts_at"),
    (off("2026-12-01T09:00:00Z", "2036-12-01T09:00:00Z"), "time_off[0].ends_at"),
    (off("2026-12-01T09:00:00Z", "2031-12-05T09:00:01Z"), "time_off[0].ends_at"),
    (off("2026-12-01T09:00:00Z", "2200-01-01T00:00:00Z"), "time_off[0].ends_at"),
    (off("2026-12-01T09:00:00Z", reason=0), "time_off[0].reason"),
    (off("2026-12-01T09:00:00Z", reason=7), "time_off[0].reason"),
    (off("2026-12-01T09:00:00Z", reason="\x1b"), "time_off[0].reason"),
    (off("2026-12-01T09:00:00Z", reason="\ud800"), "time_off[0].reason"),
    (off("2026-12-01T09:00:00Z", reason="x" * 501), "time_off[0].reason"),
    (off("2026-12-01T09:00:00Z", reason="\0"), "time_off[0].reason"),
    (setting("step", 0), "settings.session.step"),
    (setting("step", None), "settings.session.step"),
    (setting("duration", 0), "settings.session.duration"),
    (setting("duration", 50.0), "settings.session.duration"),
    (setting("duration", True), "settings.session.duration"),
    (setting("buffer_before", -1), "settings.session.buffer_before"),
    (setting("buffer_after", "10"), "settings.session.buffer_after"),
    (setting("minimum_notice", -1), "settings.session.minimum_notice"),
    (setting("horizon_days", 731), "settings.session.horizon_days"),
    (setting("max_per_day", 0), "settings.session.max_per_day"),
    (setting("colour", 1), "settings.session.colour"),
    ({"settings": {"massage": {}}}, "settings.massage"),
    ({"settings": []}, "settings"),
    ({"hours": []}, "hours"),
    ({"time_zone": "Europe/Paris"}, "time_zone"),
    (["weekly"], "availability"),
]


@pytest.mark.parametrize(("document", "path"), WRONG, ids=[f"{n}-{path}" for n, (_, path) in enumerate(WRONG)])
def test_a_wrong_line_is_named(document: Any, path: str) -> None:
    with pytest.raises(InvalidAvailability) as refused:
        read_availability(document, time_zone="Europe/London")
    assert [problem.path for problem in refused.value.problems] == [path]
    assert refused.value.problems[0].message


def test_every_wrong_line_is_named_at_once() -> None:
    document = {**weekly(weekday="x", to="y"), **off("z"), **setting("step", 0)}
    with pytest.raises(InvalidAvailability) as refused:
        read_availability(document, time_zone="Mars/Olympus")
    paths = [problem.path for problem in refused.value.problems]
    assert paths == [
        "time_zone",
        "weekly[1].weekday",
        "weekly[1].to",
        "time_off[0].starts_at",
        "settings.session.step",
    ]
    assert refused.value.problems[0] == WrongLine(path="time_zone", message="'Mars/Olympus' is not a known time zone")
    assert "weekly[1].to: must be a time of day" in str(refused.value)


def test_what_is_just_within_bounds() -> None:
    five_years = off("2026-12-01T09:00:00Z", "2031-12-05T09:00:00Z", reason="Two\nlines\tand " + "x" * 486)
    document = {
        **five_years,
        "weekly": [MONDAY] * 5_000,
        "overrides": [{"date": "2000-01-01", "windows": []}, {"date": "2199-12-31", "windows": []}],
        "settings": {"session": {"duration": 1440, "step": 1, "buffer_after": 0, "minimum_notice": 525_600}},
    }
    availability = read_availability(document, time_zone="UTC")
    assert len(availability.weekly) == 5_000
    assert len(availability.time_off[0].reason) == 500
    assert read_availability(off("2026-12-01T09:00Z", reason=None), time_zone="UTC").time_off[0].reason == ""


def test_of_very_many_wrong_lines_the_first_are_named() -> None:
    with pytest.raises(InvalidAvailability) as refused:
        read_availability({"weekly": [{}] * 5_000}, time_zone="UTC")
    assert len(refused.value.problems) == 500
    assert refused.value.problems[-1].path == "weekly[124].types"


def test_the_same_zone_may_be_repeated_in_the_document() -> None:
    assert read_availability({"time_zone": "Asia/Kolkata"}, time_zone="Asia/Kolkata").time_zone == "Asia/Kolkata"


@pytest.mark.parametrize(
    "name",
    [
        *("", "America", "/etc/passwd", "../UTC", "Mars/Olympus", "UTC\0", "\ud800", "leapseconds", "x" * 5000),
        *("localtime", "posixrules", "Factory", "right/UTC", "posix/UTC"),
    ],
)
def test_what_is_no_zone(name: str) -> None:
    assert find_zone(name) is None


def test_a_zone() -> None:
    assert str(find_zone("Asia/Kathmandu")) == "Asia/Kathmandu"
