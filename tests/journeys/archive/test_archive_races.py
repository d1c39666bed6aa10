"""An archive at the same moment as a booking, an outcome, a charge, Stripe's webhook and the end of a run.

Whoever comes first: all records agree, and Stripe with them.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from rules.policy import JourneyPolicy
from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.archive.situations import of_the_desk

CLIENTS = 20
ROUNDS = int(os.environ.get("ARCHIVE_ROUNDS", "2"))  # and one more for runs that end meanwhile: 60 interleavings
SEED = 20261122
ACTS_WITHIN, ARCHIVED_WITHIN = 0.3, 1.2  # seconds: a signal is quicker than a crowd's requests

End = tuple[str, str, str | None, str | None]

# What each race may come to: the client, the session that was held, its payment, and what was booked meanwhile.
ACCEPTABLE: dict[tuple[str, ...], set[End]] = {
    ("outcome",): {
        ("archived", "occurred", "paid", None),  # charged before the archive, or on its way to the card by then
        ("archived", "occurred", "cancelled", None),  # stopped, or earned in the archive: owed
    },
    ("booking",): {
        ("archived", "scheduled", None, "cancelled"),  # booked, and then archived with all that was ahead
        ("active", "scheduled", None, "scheduled"),  # archived, and made active again by the booking
    },
    ("outcome", "booking"): {
        ("archived", "occurred", "paid", "cancelled"),
        ("archived", "occurred", "cancelled", "cancelled"),
        ("active", "occurred", "paid", "scheduled"),
        ("active", "occurred", "cancelled", "scheduled"),  # earned in the archive, or stopped by it: stays owed
    },
}


SHORT_RUNS = 60  # events, after which a journey continues as new


@pytest.fixture(params=[(ROUNDS, JourneyPolicy().history_limit), (1, SHORT_RUNS)], ids=["long runs", "short runs"])
def rounds_and_limit(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def policy(rounds_and_limit: tuple[int, int]) -> JourneyPolicy:
    """A session is charged the moment it is marked: outcome, charge and archive then meet."""
    return JourneyPolicy(charge_after=timedelta(0), history_limit=rounds_and_limit[1])


@dataclass(frozen=True)
class Race:
    """One client's race: what happens besides the archive, and when each begins."""

    person: Person
    acts: tuple[str, ...]
    delays: tuple[float, ...]  # of the archive, and of each act
    held: str  # the session that is over
    free_time: datetime


async def after(delay: float, work: Awaitable[Any]) -> Any:
    await asyncio.sleep(delay)
    return await work


async def run(care: Care, race: Race) -> None:
    outcome = f"/v1/appointments/{race.held}/outcome"
    person = race.person
    doings: dict[str, Awaitable[Any]] = {
        act: care.post(outcome, {"outcome": "occurred"}, by="desk", expect=200)
        if act == "outcome"
        else person.books("session", race.free_time, by="desk")
        for act in race.acts
    }
    archive, *delays = race.delays
    await asyncio.gather(
        after(archive, person.journey.signal("archive", {"notify": False})),
        *(after(delay, doings[act]) for delay, act in zip(delays, race.acts, strict=True)),
    )


async def all_of(care: Care, path: str, **params: Any) -> list[Json]:
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = await care.get(path, limit=200, **params, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def ends_of(care: Care, races: list[Race]) -> list[End]:
    clients = {client["id"]: client["status"] for client in await all_of(care, "/v1/clients")}
    appointments = {line["id"]: line for line in await all_of(care, "/v1/appointments")}
    booked = {(line["client_id"], line["starts_at"]): line["status"] for line in appointments.values()}
    ends: list[End] = []
    for race in races:
        held = appointments[race.held]
        payment = held["payment"]["status"] if held["payment"] else None
        new = booked.get((race.person.id, race.free_time.isoformat().replace("+00:00", "Z")))
        ends.append((clients[race.person.id], held["status"], payment, new))
    return ends


async def stripe_agrees(care: Care) -> Counter[str]:
    """Each payment is paid by one intent and no other can pay it; the reconciler has nothing to say."""
    at_stripe: dict[str, list[str]] = defaultdict(list)
    for intent in (await care.stripe())["payment_intents"]:
        at_stripe[intent["metadata"]["payment_id"]].append(intent["status"])
    states = Counter[str]()
    for payment in await all_of(care, "/v1/payments"):
        states[payment["status"]] += 1
        statuses = Counter(at_stripe.pop(payment["id"], []))
        assert statuses.pop("succeeded", 0) == (payment["status"] == "paid"), payment
        assert set(statuses) <= {"canceled"}, payment
    assert at_stripe == {}
    told = await care.post("/v1/reconciliations", by="desk", expect=200)
    assert (told["status"], told["healed"], told["differences"]) == ("finished", [], []), told
    return states


@pytest.mark.crowd
@pytest.mark.timeout(900)
async def test_x2_an_archive_at_any_moment_leaves_an_end_that_all_records_agree_on(
    care: Care, rounds_and_limit: tuple[int, int]
) -> None:
    rounds, limit = rounds_and_limit
    chance = Random(SEED + limit)  # noqa: S311 - which races are run, the same every time
    await care.therapist()
    people = await asyncio.gather(*(of_the_desk(care, f"Sara{number}") for number in range(CLIENTS)))
    await asyncio.gather(*(person.gives_card() for person in people))
    calm = await of_the_desk(care, "Clara")
    await calm.gives_card()
    soon = (await care.now()).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    [held] = await calm.books("session", soon, by="desk")
    seen: dict[tuple[str, ...], Counter[End]] = defaultdict(Counter)
    for number in range(rounds):
        begin = (await care.now()).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
        # By the desk: whoever is archived from the round before becomes active again.
        booked = await asyncio.gather(
            *(person.books("session", begin + timedelta(hours=place), by="desk") for place, person in enumerate(people))
        )
        races = []
        for place, (person, [raced]) in enumerate(zip(people, booked, strict=True)):
            acts = chance.choice(list(ACCEPTABLE))
            delays = (chance.uniform(0, ARCHIVED_WITHIN), *(chance.uniform(0, ACTS_WITHIN) for _ in acts))
            free_time = begin + timedelta(days=400 + 2 * number, hours=place)
            races.append(Race(person, acts, delays, raced.id, free_time))
        await care.until(begin + timedelta(hours=CLIENTS))
        await asyncio.gather(*(run(care, race) for race in races))
        await care.rest()
        await care.rest()  # what the last webhook and the last errand set going
        for race, end in zip(races, await ends_of(care, races), strict=True):
            assert end in ACCEPTABLE[race.acts], (number, race, end)
            seen[race.acts][end] += 1
    assert sum(ends.total() for ends in seen.values()) == CLIENTS * rounds
    assert any(len(ends) > 1 for ends in seen.values()), seen  # won by either side

    # In the races that is left to chance: a fee that is due while its client is archived.
    await calm.is_archived()
    await held.marked("occurred")
    assert set(await stripe_agrees(care)) <= {"paid", "cancelled"}
    # And back: what the last archive stopped is charged after all, once.
    people.append(calm)
    stopped = await owed_since_the_last_archive(care, people)
    for person in people:
        await person.journey.signal("unarchive", {"restore": True})
    await care.rest()
    await care.pass_time(minutes=1)
    for number, payments in stopped.items():
        now = {line["id"]: line["status"] for line in await people[number].payments()}
        assert {now[payment] for payment in payments} <= {"paid"}
    await stripe_agrees(care)


async def owed_since_the_last_archive(care: Care, people: list[Person]) -> dict[int, list[str]]:
    """The payments that an archive stopped, or that were earned in it, of those who are archived now."""
    found = {}
    for number, person in enumerate(people):
        view = await person.look()
        if view["status"] != "archived":
            continue
        record = await care.get(f"/v1/clients/{person.id}/archive")
        begun = datetime.fromisoformat(record["archived_at"])
        stopped = {line["id"] for line in record["payments"]}
        found[number] = [
            fact["data"]["payment_id"]
            for fact in await person.timeline()
            if fact["kind"] == "payment_cancelled" and datetime.fromisoformat(fact["at"]) >= begun
        ] + sorted(stopped)
    assert found[len(people) - 1], "the one that was left in peace"
    return found
