"""The worked slot cases: settings, hours and bookings in, the exact open slots out."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.booking.availability import Busy, Slot, check_slot, open_slots, read_availability, write_availability
from rules.enums import AppointmentType
from tests.rules.booking.slow_model import SlowModel, WallClock

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("slots.json").read_text("utf-8"))


def test_all_cases_are_here() -> None:
    assert len(CASES) == 17


def answer(case: dict[str, Any], *, rewritten: bool = False) -> list[Slot]:
    """The open slots for one case; ``rewritten`` sends the availability through its own document first."""
    zone = case["therapist"]["time_zone"]
    availability = read_availability(case["therapist"], time_zone=zone)
    if rewritten:
        availability = read_availability(json.loads(json.dumps(write_availability(availability))), time_zone=zone)
    ask = case["ask"]
    return open_slots(
        availability=availability,
        type=AppointmentType(ask["type"]),
        busy=busy(case),
        now=datetime.fromisoformat(case["now"]),
        first_day=date.fromisoformat(ask["from"]),
        last_day=date.fromisoformat(ask["to"]),
        asker_zone=ask["time_zone"],
    )


def busy(case: dict[str, Any]) -> list[Busy]:
    return [
        Busy(
            type=AppointmentType(entry["type"]),
            starts_at=datetime.fromisoformat(entry["starts_at"]),
            ends_at=datetime.fromisoformat(entry["ends_at"]),
        )
        for entry in case["appointments"] + case["holds"]
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    expected = [datetime.fromisoformat(start) for start in case["slots"]]
    assert [slot.starts_at for slot in answer(case)] == expected
    assert [slot.starts_at for slot in answer(case, rewritten=True)] == expected


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_slot_offered_can_be_taken(case: dict[str, Any]) -> None:
    availability = read_availability(case["therapist"], time_zone=case["therapist"]["time_zone"])
    for start in case["slots"]:
        problem = check_slot(
            availability=availability,
            type=AppointmentType(case["ask"]["type"]),
            starts_at=datetime.fromisoformat(start),
            busy=busy(case),
            now=datetime.fromisoformat(case["now"]),
        )
        assert problem is None


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_slow_model_gives_the_same(case: dict[str, Any]) -> None:
    """Who tests the other rules is tested by the same cases."""
    ask, zone = case["ask"], case["therapist"]["time_zone"]
    first, last = date.fromisoformat(ask["from"]), date.fromisoformat(ask["to"])
    since = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=5)
    model = SlowModel(
        WallClock(zone, since=since, days=(last - first).days + 11),
        read_availability(case["therapist"], time_zone=zone),
        AppointmentType(ask["type"]),
        busy=busy(case),
        now=datetime.fromisoformat(case["now"]),
    )
    expected = [datetime.fromisoformat(start) for start in case["slots"]]
    assert model.on_days(first, last, asker_zone=ask["time_zone"]) == expected
