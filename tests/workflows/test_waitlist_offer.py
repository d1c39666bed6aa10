"""The workflow of a therapist's line: what staff see of it, and that neither an offer nor a wake is ever lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from activities.booking.waitlist import WaitlistActivities
from activities.ports import MailerUnavailable, OutgoingMail
from rules.enums import AppointmentType
from rules.policy import SHORTEST_HISTORY, JourneyPolicy
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.booking.waitlists.waitlist import (
    comes,
    hour_of,
    is_running,
    leaves,
    offer_to,
    offered_start,
    offers_mailed,
    opens,
    takes,
    waitlist_of,
    waits_for,
)
from tests.replay.record import runs_of
from tests.workflows.conftest import attributes_of
from tests.workflows.test_what_staff_see import details
from workflows.messages import LOOK_AGAIN, WAITLIST_QUERY, WaitlistProgress
from workflows.shown.words import at

TTL = timedelta(seconds=3)
DAY = timedelta(days=1)


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Care]:
    """In real time: offers of seconds, and a new run every few steps."""
    rules = JourneyPolicy(history_limit=SHORTEST_HISTORY, waitlist_offer_ttl=TTL)
    async with (
        open_house(database_url, rules, real_time=True) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        yield Care(house, http)


def journeys_told(history: WorkflowHistory) -> int:
    """How often the line told a journey that a mail about an offer is in its outbox."""
    told = EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
    return sum(event.event_type == told for event in history.events)


async def test_x7_a_support_person_reads_who_waits_and_what_is_offered(care: Care) -> None:
    await opens(care)
    taken = await takes(care, "Holder", day=3)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    await waits_for(anna, taken.starts_at)
    await waits_for(berta, taken.starts_at)
    await care.rest()
    line = waitlist_of(care)
    text = await details(line)
    refs = [(await person.look())["ref"] for person in (anna, berta)]
    assert text.startswith("**2** waiting for a time with **ana**")
    assert text.index(refs[0]) < text.index(refs[1])
    assert "leave_waitlist" in text
    assert "offered" not in text
    assert (await attributes_of(line))["TherapistSlug"] == "ana"

    await taken.cancelled(by="desk")
    await care.rest()
    text = await details(line)
    assert f"Client {refs[0]}: session" in text
    offered = f"**offered {at(taken.starts_at, JourneyPolicy().time_zone)}**"
    assert [offered in row for row in text.splitlines() if "Client" in row] == [True, False]
    view = await line.query(WAITLIST_QUERY, result_type=WaitlistProgress)
    assert view.therapist == "ana"
    assert [(place.ref, place.type, place.offered) for place in view.line] == [
        (refs[0], AppointmentType.SESSION, taken.starts_at),
        (refs[1], AppointmentType.SESSION, None),
    ]
    assert view.line[0].place_id in text, "it takes the place's id to take somebody off the line"
    assert view.next_look_at == view.line[0].offered_until
    for private in ("Anna", "Berta", "Lind", "@"):
        assert private not in text
        assert private not in str(view)

    # Every timer and every step says what it is for.
    events = (await line.fetch_history()).events
    kinds = {EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_MARKER_RECORDED}
    labelled = [event for event in events if event.event_type in kinds]
    assert {event.event_type for event in labelled} == kinds
    assert all(event.user_metadata.summary.data for event in labelled)

    for person in (anna, berta):
        [place] = await person.places()
        await leaves(person, place)
    await care.rest()
    assert "Nobody waits" in await details(line)
    assert (await line.query(WAITLIST_QUERY, result_type=WaitlistProgress)).line == []


# ---------------------------------------------------------------- no mail is lost, and none sent twice


async def test_an_offer_is_mailed_although_the_answer_of_its_making_was_lost(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opens(care)
    taken = await takes(care, "Holder", day=3)
    anna = await comes(care, "Anna")
    await waits_for(anna, taken.starts_at)
    await care.rest()
    real, losses = WaitlistActivities.transaction, 3

    @asynccontextmanager
    async def transaction(self: WaitlistActivities) -> AsyncIterator[AsyncSession]:
        nonlocal losses
        async with real(self) as session:
            yield session
        if losses:
            losses -= 1
            message = "died after the commit"
            raise ConnectionError(message)

    monkeypatch.setattr(WaitlistActivities, "transaction", transaction)
    await taken.cancelled(by="desk")
    await care.rest()
    assert losses == 0
    assert await offered_start(anna) == taken.starts_at
    assert len(await offers_mailed(anna)) == 1
    await waitlist_of(care).signal(LOOK_AGAIN)
    await care.rest()
    [history] = await runs_of(waitlist_of(care))
    assert journeys_told(history) == 1
    assert (await anna.facts()).count("time_offered") == 1


async def test_a_mail_service_that_is_away_does_not_hold_up_the_line(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offers go on from one to the next. What is worth telling when it is back is told; what is over is not."""
    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    await opens(care)
    start = await hour_of(care, 3)
    people = [await comes(care, name) for name in ("Anna", "Berta", "Carla")]
    for person in people:
        await waits_for(person, start)
    anna, berta, carla = people
    assert await offered_start(anna) == start
    await care.pass_time(hours=2)
    assert await offered_start(berta) == start
    await berta.books("session", start)
    assert await offer_to(carla) is None
    [place] = await anna.places()
    await leaves(anna, place)
    [place] = await carla.places()
    await leaves(carla, place)
    await care.rest()
    assert not await is_running(care), "the mails are the journeys' to send"
    await waits_for(carla, start + DAY)
    assert await offered_start(carla) == start + DAY
    away = False
    await care.pass_time(minutes=10)
    assert [len(await offers_mailed(person)) for person in people] == [0, 0, 1]


# ---------------------------------------------------------------- no wake is lost


async def _offered_soon(person: Person) -> None:
    """Within ten seconds; fails if not."""
    for _ in range(100):
        [place] = await person.places()
        if place["offer"] is not None:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{person.name} was never offered anything")


async def test_a_wake_that_meets_an_ending_line_is_never_lost(hasty: Care) -> None:
    """One leaves, which ends the line, while another joins: whoever waits is offered what is open."""
    care = hasty
    await opens(care)
    start = await hour_of(care, 3)
    present, other = await comes(care, "Anna"), await comes(care, "Berta")
    place = await waits_for(present, start)
    await _offered_soon(present)
    ended = 0
    for turn in range(12):
        await asyncio.gather(
            leaves(present, place),
            _join_after(turn * 0.03, other, start + turn * DAY),
        )
        await _offered_soon(other)
        [place] = await other.places()
        present, other = other, present
        ended += len(await runs_of(waitlist_of(care))) == 1
    assert ended, "the line has ended at times, and begun anew"


async def _join_after(seconds: float, person: Person, start: Any) -> None:
    await asyncio.sleep(seconds)
    await waits_for(person, start)


async def test_run_after_run_nothing_is_lost_and_nothing_told_twice(hasty: Care) -> None:
    """A new run every few events, with wakes arriving all the time: each is offered the time once, one after the
    other, and told of it once."""
    care = hasty
    await opens(care)
    taken = await takes(care, "Holder", day=3)
    people = [await comes(care, name) for name in ("Anna", "Berta", "Carla")]
    for person in people:
        await waits_for(person, taken.starts_at)
    line = waitlist_of(care)
    await taken.cancelled(by="desk")

    async def last_is_over() -> bool:
        return "offer_ran_out" in await people[-1].facts()

    for _ in range(200):
        await asyncio.gather(*(line.signal(LOOK_AGAIN) for _ in range(3)), asyncio.sleep(0.1))
        if await last_is_over():
            break
    await asyncio.sleep(2)  # the engine lets a run that follows a short one begin after a second
    for person in people:
        facts = await person.facts()
        assert (facts.count("time_offered"), facts.count("offer_ran_out")) == (1, 1)
        assert len(await offers_mailed(person)) == 1
    histories = await runs_of(line)
    assert len(histories) > 5
    view = await line.query(WAITLIST_QUERY, result_type=WaitlistProgress)
    assert [place.offered for place in view.line] == [None] * len(people)
    assert (await details(line)).startswith("**3** waiting")
    assert (await attributes_of(line))["TherapistSlug"] == "ana"
