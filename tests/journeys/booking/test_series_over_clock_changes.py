"""A weekly series keeps the wall time of the therapist's zone, through every change of the clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rules.policy import JourneyPolicy
from tests.calendars.reading import read
from tests.care.defaults import NO_LIMITS, Json
from tests.care.story import Booked, Care, Person

NEW_YORK = "America/New_York"
CHANGING = (NEW_YORK, "Europe/London", "Australia/Lord_Howe")
SETTLED = "Asia/Riyadh"
WEEK = timedelta(weeks=1)
WEEKS = 6
BEFORE = 3 * WEEK  # the fourth date of a series is the day of the change
SESSION = timedelta(minutes=50)


@pytest.fixture
def policy() -> JourneyPolicy:
    """No reminders: everything here is booked months ahead, and no time passes."""
    return JourneyPolicy(activation_reminders=(), forms_reminders=(), appointment_reminders=(), **NO_LIMITS)


def offset(instant: datetime, zone: str) -> timedelta:
    told = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert told is not None
    return told


def wall(instant: datetime, zone: str) -> datetime:
    """What a clock on the therapist's wall shows."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def at(wall_time: datetime, zone: str) -> datetime:
    """The instant of a wall time; of one that comes twice, the earlier."""
    return wall_time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


async def next_changes(care: Care, zone: str) -> tuple[datetime, datetime]:
    """When clocks go forward and back the next time for which there are some weeks left before."""
    hour = (await care.now()).replace(minute=0, second=0, microsecond=0) + BEFORE + timedelta(days=3)
    halves = [hour + timedelta(minutes=30 * count) for count in range(2 * 24 * 400)]
    found = [late for early, late in pairwise(halves) if offset(early, zone) != offset(late, zone)]
    forward = next(change for change in found if gained(change, zone) > timedelta())
    back = next(change for change in found if gained(change, zone) < timedelta())
    return forward, back


def gained(change: datetime, zone: str) -> timedelta:
    return offset(change, zone) - offset(change - timedelta(minutes=1), zone)


async def client_of_therapist_in(care: Care, zone: str, *, name: str) -> Person:
    """A client who may book series alone, with a therapist in that zone."""
    slug = zone.rsplit("/", 1)[-1].lower().replace("_", "-")
    if slug not in care.tokens:
        settings = {"session": {"step": 15, "horizon_days": 730}}
        await care.therapist(slug, time_zone=zone, intro_calls="off", settings=settings)
    person = await care.arrives(therapist=slug, name=name)
    await person.completes_forms()
    return person


def file_starts(mail: Json) -> list[datetime]:
    """What a calendar makes of the files of a mail."""
    return sorted(told.starts_at for file in mail["attachments"] for told in read(file["content"].encode())[1])


async def all_mails_agree(care: Care, person: Person, booked: list[Booked]) -> None:
    """The client's and the therapist's: each has one file for each appointment."""
    await care.rest()
    starts = sorted(appointment.starts_at for appointment in booked)
    for template in ("booking_confirmation", "appointment_booked"):
        told = [file_starts(mail) for mail in await care.mails(template=template)]
        assert starts in told, template


async def test_s20_six_weeks_keep_their_wall_time(care: Care) -> None:
    for number, zone in enumerate((*CHANGING, SETTLED)):
        sara = await client_of_therapist_in(care, zone, name=f"Sara{number}")
        # Where clocks stay as they are, the changes of others are nothing.
        for change in await next_changes(care, zone if zone != SETTLED else NEW_YORK):
            first = (wall(change, zone) - BEFORE).replace(hour=10, minute=15)
            booked = await sara.books("session", at(first, zone), weeks=WEEKS)
            starts = [appointment.starts_at for appointment in booked]
            assert [wall(start, zone) for start in starts] == [first + WEEK * week for week in range(WEEKS)]
            assert [appointment.ends_at - appointment.starts_at for appointment in booked] == [SESSION] * WEEKS
            shifts = [late - early - WEEK for early, late in pairwise(starts)]
            assert [shift for shift in shifts if shift] == ([] if zone == SETTLED else [-gained(change, zone)])
            assert [(await appointment.look())["starts_at"] for appointment in booked] == [
                appointment.booked["starts_at"] for appointment in booked
            ]
            await all_mails_agree(care, sara, booked)


async def test_a_time_that_is_skipped_and_one_that_comes_twice(care: Care) -> None:
    """Half past two does not exist one night: it becomes the moment of the change. Of one shown twice, the first."""
    for number, zone in enumerate(CHANGING):
        sara = await client_of_therapist_in(care, zone, name=f"Sara{number}")
        forward, back = await next_changes(care, zone)

        gap = gained(forward, zone)
        skipped = wall(forward, zone) - gap / 2
        first = at(skipped - BEFORE, zone)
        booked = await sara.books("session", first, weeks=WEEKS)
        starts = [appointment.starts_at for appointment in booked]
        assert starts[3] == forward
        assert wall(starts[3], zone) == skipped + gap / 2
        others = [0, 1, 2, 4, 5]
        assert [wall(starts[week], zone) for week in others] == [skipped - BEFORE + WEEK * week for week in others]
        await all_mails_agree(care, sara, booked)

        repeated = wall(back, zone) - gained(back, zone) / 2
        booked = await sara.books("session", at(repeated - BEFORE, zone), weeks=WEEKS)
        starts = [appointment.starts_at for appointment in booked]
        assert [wall(start, zone) for start in starts] == [repeated - BEFORE + WEEK * week for week in range(WEEKS)]
        assert starts[3] == back + gained(back, zone) / 2  # before the clocks went back, not after
        await all_mails_agree(care, sara, booked)


async def test_conflicts_are_looked_for_at_the_wall_time(care: Care) -> None:
    """Whoever has the hour that elapsed weeks would give is in nobody's way; whoever has the wall time is."""
    for number, change in enumerate(await next_changes(care, NEW_YORK)):
        sara = await client_of_therapist_in(care, NEW_YORK, name=f"Sara{number}")
        otto = await client_of_therapist_in(care, NEW_YORK, name=f"Otto{number}")
        first = wall(change, NEW_YORK).replace(hour=10, minute=0) - BEFORE
        elapsed = at(first, NEW_YORK) + 3 * WEEK
        taken = at(first + 4 * WEEK, NEW_YORK)
        assert elapsed != at(first + 3 * WEEK, NEW_YORK)
        await otto.books("session", elapsed)
        await otto.books("session", taken)

        problem = await sara.cannot_book("session", name="series-conflict", starts_at=at(first, NEW_YORK), weeks=WEEKS)
        [conflict] = problem["conflicts"]
        assert (conflict["week"], datetime.fromisoformat(conflict["starts_at"])) == (5, taken)
        others = [datetime.fromisoformat(slot["starts_at"]) for slot in conflict["alternatives"]]
        assert len(others) == 3
        monday = taken.astimezone(ZoneInfo(NEW_YORK)).date() - timedelta(
            days=taken.astimezone(ZoneInfo(NEW_YORK)).weekday()
        )
        for other in others:
            assert abs(other - taken) >= SESSION
            assert monday <= wall(other, NEW_YORK).date() < monday + WEEK
        assert sara.appointments == []

        answer = await care.post(
            f"/v1/clients/{sara.id}/appointments",
            sara.booking("session", at(first, NEW_YORK), weeks=WEEKS, skip_conflicts=True),
        )
        starts = [datetime.fromisoformat(line["starts_at"]) for line in answer["appointments"]]
        assert [wall(start, NEW_YORK) for start in starts] == [first + WEEK * week for week in (0, 1, 2, 3, 5)]
        assert [(line["week"], datetime.fromisoformat(line["starts_at"])) for line in answer["skipped"]] == [(5, taken)]
        # Each of the three that were offered is free.
        await sara.books("session", others[number])
