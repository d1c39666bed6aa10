"""Settings that change while journeys run: what follows, and what stays as it was agreed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from rules.policy import JourneyPolicy
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.test_started_again import kept
from workflows.messages import JOURNEY_QUERY

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
async def care(database_url: str, policy: JourneyPolicy) -> AsyncIterator[Care]:
    """A practice whose worker can be replaced in the middle of a story."""
    async with (
        open_house(database_url, policy, cached_workflows=0) as house,
        httpx.AsyncClient(timeout=120, trust_env=False) as http,
    ):
        yield Care(house, http)


async def told(person: Person) -> None:
    """A round of the keeper, and the person's journey has taken in what it was told: a query is answered after that."""
    await kept(person.care)
    await person.journey.query(JOURNEY_QUERY)


async def reminders(person: Person, kind: str) -> int:
    return (await person.care.mail_counts(to=person.email))[kind]


async def test_a_changed_setting_reaches_everybody_who_is_on_the_way(care: Care) -> None:
    """Each of these had its timer, and nothing else wakes them than that the settings changed."""
    await care.therapist("ana")
    booked, met = await care.arrives(), await care.arrives(name="Tom")
    await booked.books("intro_call", after=timedelta(days=20))
    await met.books("intro_call", after=timedelta(days=1))
    await care.rest()
    await met.activates()
    await met.completes_forms()
    await met.session(1).occurs()
    await care.pass_time(days=4)
    assert await reminders(booked, "activation_reminder") == 2
    assert await reminders(met, "book_first_session") == 1
    await kept(care)
    await care.house.has_settings(
        activation_reminders=(DAY / 2, 3 * DAY, 9 * DAY),
        appointment_reminders=(4 * DAY, HOUR),
        first_session_reminder=2 * DAY,
        first_session_task=3 * DAY,
    )
    await kept(care)
    async with asyncio.timeout(60):
        while not await care.tasks():
            await asyncio.sleep(0.2)
    await care.rest()

    assert [task["kind"] for task in await care.tasks()] == ["no_first_session"]  # it was to come in ten days
    assert await reminders(booked, "activation_reminder") == 2  # half a day after was past long ago
    assert await reminders(met, "book_first_session") == 1
    await care.until(booked.session(1).starts_at - 4 * DAY + HOUR)
    assert await reminders(booked, "activation_reminder") == 3
    assert await reminders(booked, "appointment_reminder") == 1
    await care.until(booked.session(1).starts_at)
    assert await reminders(booked, "appointment_reminder") == 2


async def test_what_concerns_money_stays_as_it_was_booked(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    await kept(care)
    before = await sara.session(1).look()
    await care.house.has_settings(
        notice_window=12 * HOUR, charge_after=2 * HOUR, charge_deadline=6 * HOUR, charge_retries=(HOUR, 2 * HOUR)
    )
    await kept(care)
    after = await sara.session(1).look()
    assert (after["notice_window"], after["change_until"]) == (before["notice_window"], before["change_until"])
    await sara.session(1).occurs()
    await care.until(sara.session(1).ends_at + 23 * HOUR)
    assert await care.charges_at_stripe() == []
    await care.until(sara.session(1).ends_at + 25 * HOUR)
    assert await care.charges_at_stripe() == [12000]


async def test_two_rounds_tell_and_a_third_is_silent(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    await kept(care)
    lengths = []
    await care.house.has_settings(outcome_task=30 * HOUR)
    for _ in range(4):
        lengths.append((await sara.journey.describe()).history_length)
        await told(sara)
    heard = [after - before for before, after in pairwise(lengths)]
    assert heard[0] > 0
    assert heard[1] > 0
    assert heard[2] == 0


async def test_a_journey_that_begins_anew_plans_as_the_one_before(care: Care) -> None:
    """What a change has left out is not mailed by the next run either."""
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call", after=timedelta(days=20))
    await care.pass_time(days=4)
    await kept(care)
    await care.house.has_settings(activation_reminders=(DAY / 2, 3 * DAY))
    await told(sara)
    await sara.journey.terminate("a wrong click")
    await care.pass_time(minutes=2)
    await kept(care)
    await care.pass_time(days=3)
    assert await reminders(sara, "activation_reminder") == 2
