"""Files that are broken, made to hurt, or none at all: refused by a sentence, and never half read."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calendars.outside.lines import calendars_in
from calendars.outside.reading import busy_in
from calendars.outside.refusing import NotACalendar, TooMuch
from rules.booking.outside import BusySpan
from tests.calendars.outside.test_files import FILES, NAMES, WINDOW, read

UNKNOWN_ZONE = "It names a time zone that is not known, and does not describe it."
NOT_HOW_OFTEN = "A rule by which an event repeats does not say how often."
NO_END = "A rule by which an event repeats does not end at a time."
WHOLE = [(FILES / f"{name}.ics").read_bytes() for name in NAMES]
OFTEN = st.sampled_from(
    [b"\r\n", b":", b";", b"BEGIN:VEVENT\r\n", b"END:VCALENDAR\r\n", b"\x00", b"99999999T999999Z", b"="]
)


def outcome(file: bytes) -> list[BusySpan] | str:
    """The busy times, or the sentence. Anything else that is raised fails the test."""
    try:
        return busy_in(calendars_in(file), WINDOW, time_zone="Europe/Berlin", owner="ana@practice.example")
    except (NotACalendar, TooMuch) as problem:
        sentence = str(problem)
        assert sentence.endswith(".")
        return sentence


def event(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]).encode()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_with_faults_is_read_or_refused_by_name(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(file)))
        until = place + data.draw(st.integers(0, 30))
        file[place:until] = data.draw(st.one_of(st.binary(max_size=8), OFTEN))
    found = outcome(bytes(file))
    if not isinstance(found, str):
        assert all(span.starts_at < span.ends_at for span in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_what_is_no_calendar_at_all_is_refused(file: bytes) -> None:
    assert isinstance(outcome(file), str)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "It is empty."),
        (b"<!DOCTYPE html><html>Please sign in</html>", "It does not begin as a calendar does."),
        (b'{"error": "not found"}', "It does not begin as a calendar does."),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "It is cut off: its end is missing."),
        (event("DTSTART:20261101T100000Z")[:-15], "It is cut off: its end is missing."),
        (event("DTSTART:20261101T100000Z") + b"\r\n<script>", "It goes on after its end."),
        (event("DTEND:20261101T100000Z"), "An event of it has no beginning."),
        (event("DTSTART:20261301T100000Z"), "A time in it is none."),
        (event("DTSTART:tomorrow"), "A time in it is none."),
        (event("DTSTART:20261101T100000Z", "a line that is none"), "A line of it is no property."),
        (event("DTSTART;TZID=Atlantis/Capital:20261101T100000"), UNKNOWN_ZONE),
        (event("DTSTART:20261101T100000Z", "RRULE:FREQ=SOMETIMES"), "A rule by which an event repeats cannot be read."),
        (event("DTSTART:20261101T100000Z", "RRULE:COUNT=2"), NOT_HOW_OFTEN),
        (event("DTSTART:20261101T100000Z", "RRULE:FREQ=DAILY;UNTIL=100000"), NO_END),
        (event("DTSTART:20261101T100000Z", "DURATION:LONG"), "A time in it is none."),
        (b"BEGIN:VCALENDAR\r\nCALSCALE:HEBREW\r\nEND:VCALENDAR", "Its dates are not of the Gregorian calendar."),
        (b"BEGIN:VCALENDAR\r\n" * 9, "Its components are nested too deep."),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong(file: bytes, sentence: str) -> None:
    assert outcome(file) == sentence


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=2",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,10,20,30,40,50",
        "FREQ=MINUTELY;COUNT=100000",
        "FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60))),
    ],
)
def test_what_would_be_too_much_is_not_even_tried(rule: str) -> None:
    found = outcome(event("DTSTART:20260901T000000Z", "DURATION:PT1S", f"RRULE:{rule}"))
    assert found == "An event of it repeats more often than any appointment does."


@pytest.mark.parametrize("many", [lambda n: f"UID:{n}", lambda n: "UID:one"])
def test_more_busy_times_than_are_read_are_refused(many: Callable[[int], str]) -> None:
    day = datetime(2026, 10, 1, tzinfo=UTC)
    lines = [
        line
        for n in range(5001)
        for line in (
            "BEGIN:VEVENT",
            many(n),
            f"DTSTART:{day:%Y%m%d}T{n // 3600:02}{n // 60 % 60:02}{n % 60:02}Z",
            "DURATION:PT1S",
            "END:VEVENT",
        )
    ]
    file = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"]).encode()
    assert outcome(file) == "It has more busy times than are read."


def test_nothing_of_a_file_is_kept_but_its_times() -> None:
    parts = calendars_in((FILES / "google-single.ics").read_bytes())
    assert "lunch" not in repr(parts)
    assert read((FILES / "google-single.ics").read_bytes())[0].event.isalnum()


def test_the_program_that_reads_a_file_ends_also_if_nobody_ends_it() -> None:
    """Whoever began it may have been killed."""
    code = (
        "import resource, runpy, sys; runpy.run_module('calendars.outside', run_name='__main__');"
        "print(*resource.getrlimit(resource.RLIMIT_CPU), file=sys.stderr)"
    )
    asked = json.dumps({"from": 0, "until": 1, "time_zone": "Europe/Berlin", "owner": None}).encode()
    file = event("DTSTART:20261101T100000Z")
    ended = subprocess.run([sys.executable, "-c", code], input=asked + b"\n" + file, capture_output=True, check=True)
    assert (json.loads(ended.stdout), ended.stderr.split()) == ({"busy": []}, [b"60", b"60"])
