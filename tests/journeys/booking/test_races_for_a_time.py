"""Hundreds want one time at the same moment: one gets it, the others are told what else is free."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog

from models.database import connect, session_factory
from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS, Json
from tests.care.house import open_house
from tests.care.story import Booked, Care, Person
from tests.journeys.booking.at_once import (
    Answers,
    Ask,
    ask_at_once,
    booked_clients,
    deadlocks,
    names_of,
    nobody_is_double_booked,
    occupied,
)

CROWD = 200
BUFFER = timedelta(minutes=10)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WEEKS = 6
log = structlog.get_logger(__name__)  # how long each crowd waited: `pytest -rP` shows it


@pytest.fixture
def policy() -> JourneyPolicy:
    """No reminders: this is about times, and reminders are most of the work."""
    return JourneyPolicy(activation_reminders=(), forms_reminders=(), appointment_reminders=(), **NO_LIMITS)


@pytest.mark.crowd
@pytest.mark.timeout(300)
async def test_two_hundred_at_once(database_url: str, policy: JourneyPolicy) -> None:
    async with (
        open_house(database_url, policy) as house,
        httpx.AsyncClient(timeout=120, trust_env=False) as http,
    ):
        care = Care(house, http)
        # In a zone without changes: a week later is a week later, whatever the day on which this is run.
        await care.therapist(
            "ana",
            time_zone="UTC",
            intro_calls="off",
            caseload_limit=None,
            settings={"session": {"step": 15}},
        )
        races = Races(care, await everybody(care, CROWD + 1))
        for race in (
            races.for_one_time,
            races.for_times_that_overlap,
            races.to_hold_one_time,
            races.with_one_hold,
            races.to_move_into_one_time,
            races.of_series_against_each_other,
            races.of_a_series_against_single_bookings,
        ):
            log.info(race.__name__, figures=(await race()).figures())
    engine = connect(database_url)
    assert await deadlocks(session_factory(engine)) == 0
    await engine.dispose()


async def everybody(care: Care, number: int) -> list[Person]:
    """Clients of Ana's who have booked nothing yet."""
    form = {"source": "direct_booking", "therapist": "ana"}
    answers = await ask_at_once(care, [Ask(path="/v1/journeys", body=form) for _ in range(number)])
    return [Person(care, answer.json(), f"Client{place}") for place, answer in enumerate(answers.all)]


class Races:
    """One after the other, on days of their own. Whoever has booked nothing runs again."""

    def __init__(self, care: Care, people: Sequence[Person]) -> None:
        self.care = care
        self.fresh = list(people)
        self.booked: set[str] = set()
        self.days = 3

    async def a_new_day(self) -> datetime:
        """A time on a day that no race was run on, at which a session may begin."""
        self.days += 1
        return await self.care.slot("ana", "session", after=self.days * DAY)

    async def book(self, wishes: Sequence[tuple[Person, datetime]], *, by: str = "site", **more: Any) -> Answers:
        """Everybody books what they wish; winners are fresh no longer, and losers have nothing at all."""
        answers = await ask_at_once(
            self.care,
            [
                Ask(path=f"/v1/clients/{who.id}/appointments", body=who.booking("session", start, **more), by=by)
                for who, start in wishes
            ],
        )
        return await self.settle([who for who, _ in wishes], answers)

    async def settle(self, people: Sequence[Person], answers: Answers) -> Answers:
        for number in answers.won:
            people[number].books_at(answers.all[number].json())
            self.booked.add(people[number].id)
        self.fresh = [who for who in self.fresh if who.id not in self.booked]
        assert await booked_clients(self.care.house.sessions) == self.booked
        return answers

    async def rows(self, since: datetime) -> list[Any]:
        rows = await occupied(self.care.house.sessions, since=since)
        nobody_is_double_booked(rows)
        return rows

    async def are_open(self, alternatives: Sequence[Json]) -> bool:
        """Whether each of these is on offer now."""
        days = sorted(datetime.fromisoformat(slot["starts_at"]).date() for slot in alternatives)
        found = await self.care.get(
            "/v1/therapists/ana/slots",
            by=None,
            type="session",
            time_zone="UTC",
            **{"from": days[0].isoformat(), "to": days[-1].isoformat()},
        )
        slots = {datetime.fromisoformat(slot["starts_at"]) for day in found["days"] for slot in day["slots"]}
        return {datetime.fromisoformat(slot["starts_at"]) for slot in alternatives} <= slots

    # ------------------------------------------------------------ the races

    async def for_one_time(self) -> Answers:
        start = await self.a_new_day()
        runners = self.fresh[:CROWD]
        answers = await self.book([(who, start) for who in runners])
        [winner] = answers.won
        assert names_of(answers.problems()) == {"slot-taken": CROWD - 1}
        offered = [problem["alternatives"] for problem in answers.problems()]
        assert {len(others) for others in offered} <= {1, 2, 3}
        every = [slot for others in offered for slot in others]
        assert start not in {datetime.fromisoformat(slot["starts_at"]) for slot in every}
        assert await self.are_open(every)
        assert [row.client for row in await self.rows(start)] == [runners[winner].id]
        loser = runners[winner - 1]
        assert (await loser.journey.query("journey"))["open_appointments"] == []
        assert await loser.stage() == "first_booking"
        return answers

    async def for_times_that_overlap(self) -> Answers:
        first = await self.a_new_day()
        starts = [first + timedelta(minutes=15 * number) for number in range(8)]
        runners = self.fresh[:CROWD]
        answers = await self.book([(who, starts[place % len(starts)]) for place, who in enumerate(runners)])
        assert names_of(answers.problems()) == {"slot-taken": CROWD - len(answers.won)}
        assert 1 <= len(answers.won) <= 2  # an hour each, buffer included, in less than two hours
        rows = await self.rows(first)
        nobody_is_double_booked(rows, gap=BUFFER)
        assert sorted(row.appointment for row in rows) == sorted(line["id"] for line in answers.booked())
        for start in starts:  # nobody was sent away from a time that is still free
            assert not await self.are_open([{"starts_at": start.isoformat()}])
        return answers

    async def to_hold_one_time(self) -> Answers:
        start = await self.a_new_day()
        wish = {"type": "session", "starts_at": start.isoformat()}
        answers = await ask_at_once(self.care, [Ask(path="/v1/therapists/ana/holds", body=wish) for _ in range(CROWD)])
        [winner] = answers.won
        assert names_of(answers.problems()) == {"slot-taken": CROWD - 1}
        [row] = await self.rows(start)
        assert (row.starts_at, row.appointment, row.client) == (start, None, None)

        hold_id = answers.all[winner].json()["hold_id"]
        holder, *others = self.fresh[:20]
        without = [Ask(path=f"/v1/clients/{who.id}/appointments", body=who.booking("session", start)) for who in others]
        own = Ask(path=f"/v1/clients/{holder.id}/appointments", body=holder.booking("session", start, hold_id=hold_id))
        booked = await self.settle([*others, holder], await ask_at_once(self.care, [*without, own]))
        assert booked.won == [len(others)], "the last to ask, who held the time"
        assert names_of(booked.problems()) == {"slot-taken": len(others)}
        assert [row.client for row in await self.rows(start)] == [holder.id]
        return answers

    async def with_one_hold(self) -> Answers:
        """Twenty present the same hold: it is used up once."""
        start = await self.a_new_day()
        hold = await self.care.post("/v1/therapists/ana/holds", {"type": "session", "starts_at": start.isoformat()})
        answers = await self.book([(who, start) for who in self.fresh[:20]], hold_id=hold["hold_id"])
        assert len(answers.won) == 1
        assert names_of(answers.problems()) == {"slot-taken": 19}
        assert [row.appointment for row in await self.rows(start)] == [answers.booked()[0]["id"]]
        return answers

    async def to_move_into_one_time(self) -> Answers:
        first = await self.a_new_day()
        runners = self.fresh[:24]
        booked = await self.book([(who, first + timedelta(hours=place)) for place, who in enumerate(runners)])
        assert len(booked.won) == len(runners)
        aim = await self.a_new_day()
        assert aim >= first + timedelta(hours=len(runners))
        answers = await self.move([(who.session(1), aim) for who in runners])
        [winner] = answers.won
        assert names_of(answers.problems()) == {"slot-taken": len(runners) - 1}
        assert all(1 <= len(problem["alternatives"]) <= 3 for problem in answers.problems())
        stand = {who.session(1).id: who.session(1).starts_at for who in runners}
        stand[runners[winner].session(1).id] = aim
        assert {row.appointment: row.starts_at for row in await self.rows(first)} == stand

        # Two who want each other's time: neither is free, and neither waits for the other.
        rest = [who.session(1) for place, who in enumerate(runners) if place != winner]
        pairs = list(zip(rest[0:8:2], rest[1:8:2], strict=True))
        swaps = await self.move([(one, other.starts_at) for pair in pairs for one, other in (pair, pair[::-1])])
        assert names_of(swaps.problems()) == {"slot-taken": 2 * len(pairs)}
        assert {row.appointment: row.starts_at for row in await self.rows(first)} == stand
        return answers

    async def move(self, moves: Sequence[tuple[Booked, datetime]], *, by: str = "site", **more: str) -> Answers:
        return await ask_at_once(
            self.care,
            [
                Ask(path=f"/v1/appointments/{one.id}/reschedule", body={"starts_at": to.isoformat(), **more}, by=by)
                for one, to in moves
            ],
        )

    async def of_series_against_each_other(self) -> Answers:
        """Each begins a week before or after the next, asked for in both directions: all overlap with some others."""
        first = await self.a_new_day()
        offsets = list(range(2 * WEEKS))
        runners = self.fresh[: 2 * len(offsets)]
        wishes = [(who, first + WEEK * week) for who, week in zip(runners, offsets + offsets[::-1], strict=True)]
        answers = await self.book(wishes, by="desk", weeks=WEEKS)
        assert names_of(answers.problems()) == {"series-conflict": len(runners) - len(answers.won)}
        assert answers.won
        of_clients = Counter(row.client for row in await self.rows(first) if row.client in {who.id for who in runners})
        assert of_clients == {runners[number].id: WEEKS for number in answers.won}

        # Whole series that want each other's weeks: each would have to wait for the other's dates, in turns.
        noon = await self.a_new_day() + timedelta(minutes=30)
        pairs = [(noon + timedelta(hours=2 * number), noon + timedelta(hours=2 * number + 1)) for number in range(3)]
        movers = self.fresh[: 2 * len(pairs)]
        starts = [start for pair in pairs for start in pair]
        booked = await self.book(list(zip(movers, starts, strict=True)), by="desk", weeks=WEEKS)
        assert len(booked.won) == len(movers)
        before = await self.rows(noon)
        swapped = [start for pair in pairs for start in pair[::-1]]
        moves = await self.move(
            [(who.session(1), to) for who, to in zip(movers, swapped, strict=True)], by="desk", scope="following"
        )
        assert names_of(moves.problems()) == {"series-conflict": len(movers)}
        assert await self.rows(noon) == before
        return answers

    async def of_a_series_against_single_bookings(self) -> Answers:
        """Once the series asks first, once last: it has all of its weeks, or none, and then each week has one other."""
        answers = None
        for asks_first in (True, False):
            # Some hours later: the series before left these.
            first = await self.a_new_day() + timedelta(hours=3)
            long, *runners = self.fresh[: 1 + 3 * WEEKS]
            series = Ask(
                path=f"/v1/clients/{long.id}/appointments",
                body=long.booking("session", first, weeks=WEEKS),
                by="desk",
            )
            singles = [
                Ask(
                    path=f"/v1/clients/{who.id}/appointments",
                    body=who.booking("session", first + WEEK * (place % WEEKS)),
                    by="desk",
                )
                for place, who in enumerate(runners)
            ]
            asked = [series, *singles] if asks_first else [*singles, series]
            people = [long, *runners] if asks_first else [*runners, long]
            answers = await self.settle(people, await ask_at_once(self.care, asked))
            dates = [first + WEEK * week for week in range(WEEKS)]
            rows = [row for row in await self.rows(first) if row.starts_at in dates]
            assert [row.starts_at for row in rows] == dates
            assert sorted(row.appointment for row in rows) == sorted(line["id"] for line in answers.booked())
            if long.id in self.booked:
                assert {row.client for row in rows} == {long.id}
            else:
                assert len({row.client for row in rows}) == WEEKS
        assert answers is not None
        return answers


async def test_one_client_is_in_one_place(care: Care) -> None:
    """At the same moment a session with the new therapist is booked, and one with the former moved, to one time."""
    for slug in ("ana", "ben"):
        await care.therapist(slug, intro_calls="off")
    people = [await care.arrives(name=f"Sara{number}") for number in range(6)]
    for number, person in enumerate(people):
        await person.books("session", await care.slot("ana", "session", number=2 * number))
        await care.call(
            "PUT", f"/v1/clients/{person.id}/match", {"therapist": "ben", "reason": "wished"}, by="desk", expect=200
        )
    aim = await care.slot("ben", "session", after=timedelta(days=9))
    aims = [aim + timedelta(hours=2 * number) for number in range(len(people))]
    asked = [
        ask
        for person, start in zip(people, aims, strict=True)
        for ask in (
            Ask(path=f"/v1/clients/{person.id}/appointments", body=person.booking("session", start), by="desk"),
            Ask(
                path=f"/v1/appointments/{person.session(1).id}/reschedule",
                body={"starts_at": (start + timedelta(minutes=20)).isoformat()},
                by="desk",
            ),
        )
    ]
    answers = await ask_at_once(care, asked)
    assert [number // 2 for number in answers.won] == list(range(len(people)))
    assert names_of(answers.problems()) == {"slot-taken": len(people)}
    rows = await occupied(care.house.sessions)
    nobody_is_double_booked(rows)
    in_time = Counter(row.client for row in rows if row.starts_at >= aim)
    assert in_time == {person.id: 1 for person in people}


async def test_one_client_asks_thirty_times(care: Care) -> None:
    """More than the engine lets into one workflow at a time: the others wait, and are told the same as anybody."""
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives()
    start = await care.slot("ana", "session")
    wish = Ask(path=f"/v1/clients/{sara.id}/appointments", body=sara.booking("session", start), by="desk")
    answers = await ask_at_once(care, [wish] * 30)
    assert len(answers.won) == 1
    assert names_of(answers.problems()) == {"slot-taken": 29}
    assert len(await occupied(care.house.sessions)) == 1
    await care.rest()
    assert [fact for fact in await sara.facts() if fact == "booked"] == ["booked"]
    assert (await care.mail_counts(to=sara.email))["booking_confirmation"] == 1


async def test_a_hold_is_released_while_it_is_used(care: Care) -> None:
    """The time is free for its holder either way: the booking stands, and the hold is gone."""
    await care.therapist("ana", intro_calls="off")
    people = [await care.arrives(name=f"Sara{number}") for number in range(6)]
    first = await care.slot("ana", "session")
    starts = [first + timedelta(hours=number) for number in range(len(people))]
    holds = [
        (await care.post("/v1/therapists/ana/holds", {"type": "session", "starts_at": start.isoformat()}))["hold_id"]
        for start in starts
    ]

    async def race(number: int) -> tuple[int, int]:
        person, hold_id = people[number], holds[number]
        body = person.booking("session", starts[number], hold_id=hold_id)

        async def release() -> httpx.Response:
            await asyncio.sleep(0.01 * number)
            return await care.call("DELETE", f"/v1/holds/{hold_id}")

        booked, released = await asyncio.gather(
            care.call("POST", f"/v1/clients/{person.id}/appointments", body), release()
        )
        return booked.status_code, released.status_code

    ends = await asyncio.gather(*(race(number) for number in range(len(people))))
    assert {booked for booked, _ in ends} == {201}
    assert {released for _, released in ends} <= {204, 404}
    rows = await occupied(care.house.sessions)
    nobody_is_double_booked(rows)
    assert sorted(row.client or "" for row in rows) == sorted(person.id for person in people)
