"""2,000 random calendars: every question answered as the slow model answers it, where clocks change above all.

More of them, by hand: ``compare(place(number), seed="another", count=1000)``.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.booking.availability import (
    Slot,
    alternatives,
    check_slot,
    earliest_slot,
    offered_until,
    open_slots,
    outside_hours,
    week_of_series,
)
from rules.enums import AppointmentType
from tests.rules.booking.random_calendars import Calendar, Place, calendars, place
from tests.rules.booking.slow_model import DAY, MINUTE, SlowModel, WallClock

PLACES = 80
AT_EACH = 25


def differences(asked: Calendar, clock: WallClock) -> Iterator[str]:
    """Each answer that is not the model's, in words; none if all agree."""
    models = {
        kind: SlowModel(clock, asked.availability, kind, busy=asked.busy, now=asked.now) for kind in AppointmentType
    }
    model = models[asked.type]
    common: dict[str, Any] = {
        "availability": asked.availability,
        "type": asked.type,
        "busy": asked.busy,
        "now": asked.now,
    }

    def starts(slots: list[Slot]) -> list[datetime]:
        length = model.settings.duration * MINUTE
        assert all(slot.starts_at.tzinfo is UTC and slot.ends_at - slot.starts_at == length for slot in slots)
        return [slot.starts_at for slot in slots]

    def told(question: str, answer: object, expected: object) -> Iterator[str]:
        if answer != expected:
            yield f"{question}:\n  {answer}\n  and not {expected}"

    first, last = asked.days
    slots = open_slots(**common, first_day=first, last_day=last, asker_zone=asked.asker_zone)
    yield from told("open_slots", starts(slots), model.on_days(first, last, asker_zone=asked.asker_zone))
    until = offered_until(**common, last_day=last, asker_zone=asked.asker_zone, offered=slots)
    for later in (asked.now + (until - asked.now) / 3, until - timedelta(microseconds=1)):
        goes_on = open_slots(**{**common, "now": later}, first_day=first, last_day=last, asker_zone=asked.asker_zone)
        yield from told(f"open_slots at {later}, before {until}", goes_on, slots)
    for wanted in asked.wanted:
        problem = check_slot(**common, **wanted)
        around = {name: value for name, value in wanted.items() if name not in {"starts_at", "ends_at"}}
        broken = next(model.broken(wanted["starts_at"], wanted.get("ends_at"), **around), None)
        answer = problem and (problem.kind, problem.because)
        yield from told(f"check_slot {wanted}", answer, broken and (broken.kind, broken.value))
    for other in asked.others:
        yield from told(f"alternatives {other}", starts(alternatives(**common, **other)), model.alternatives(**other))
    for wish in asked.earliest:
        yield from told(f"earliest_slot {wish}", earliest_slot(**common, **wish), model.earliest(**wish))
    for week in asked.series:
        start = week_of_series(**week, time_zone=asked.availability.time_zone)
        yield from told(f"week_of_series {week}", start, model.week_of_series(**week))
    outside = [
        booked
        for booked in asked.booked
        if booked.type is not None
        if not models[booked.type].inside_hours(booked.starts_at, booked.ends_at)
        or model.under_time_off(booked.starts_at, booked.ends_at)
        or model.on_closure(booked.starts_at, booked.ends_at)
    ]
    listed = outside_hours(availability=asked.availability, appointments=asked.booked)
    yield from told("outside_hours", listed, outside)


def smaller(asked: Calendar) -> Iterator[Calendar]:
    """The same calendar, each time with one line less."""
    for name in ("wanted", "others", "earliest", "series", "booked", "busy"):
        lines = getattr(asked, name)
        for n in range(len(lines)):
            fewer: dict[str, Any] = {name: [*lines[:n], *lines[n + 1 :]]}
            yield replace(asked, **fewer)
    for name in ("weekly", "overrides", "time_off", "closures"):
        lines = getattr(asked.availability, name)
        for n in range(len(lines)):
            fewer = {name: (*lines[:n], *lines[n + 1 :])}
            yield replace(asked, availability=replace(asked.availability, **fewer))


def compare(where: Place, *, seed: str, count: int) -> int:
    """Compare so many calendars at a place; AssertionError tells what differs, on the smallest such calendar."""
    clock = where.clock()
    for number, asked in enumerate(calendars(where, seed=seed, count=count)):
        least, found = asked, list(differences(asked, clock))
        while found:
            one_less = next((each for each in smaller(least) if any(differences(each, clock))), None)
            if one_less is None:
                raise AssertionError("\n".join([f"calendar {number} of {seed!r}: {least}", *found]))
            least, found = one_less, list(differences(one_less, clock))
    return count


@pytest.mark.parametrize("number", range(PLACES), ids=lambda number: f"{place(number).zone}-{place(number).near}")
def test_every_answer_is_that_of_the_slow_model(number: int) -> None:
    assert compare(place(number), seed=f"place {number}", count=AT_EACH) == AT_EACH


def test_there_are_two_thousand_calendars_half_of_them_near_a_change() -> None:
    def clocks_change(where: Place) -> bool:
        around = [(where.middle + n * DAY).astimezone(ZoneInfo(where.zone)) for n in range(-4, 6)]
        return len({day.utcoffset() for day in around}) > 1

    assert PLACES * AT_EACH >= 2_000
    assert sum(clocks_change(place(number)) for number in range(PLACES)) >= PLACES / 2
