"""A webhook in whole stories: what the site's program hears, a receiver that is dead for days, a workflow that ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.events.waking import WebhookWaker
from models.reads.events.events import settled_up_to
from rules.events.kinds import PRACTICE_ALONE
from tests.care.outside.webhook_receiver import Heard, Receiver, receiving
from tests.care.story import Care


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def have_hook(care: Care, receiver: Receiver, side: str = "site") -> str:
    await care.therapist("ana")
    made = await care.post("/v1/webhooks", {"url": receiver.url, "for": side}, by="admin")
    receiver.secrets.append(made["secret"])
    return str(made["id"])


async def news_is_seen(care: Care) -> None:
    """What a worker does twice a second."""
    executions = care.house.dependencies.executions
    assert executions is not None
    no_engine: Any = AsyncEngine
    async with care.house.sessions() as session:
        settled = await settled_up_to(session)
    await WebhookWaker(no_engine, care.house.sessions, executions).look(settled)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.05)


def kinds_of(receiver: Receiver) -> list[str]:
    return [message.body["kind"] for message in receiver.taken]


async def test_the_site_hears_the_story_and_of_an_archive_its_cancellations_alone(
    care: Care, receiver: Receiver
) -> None:
    id = await have_hook(care, receiver)
    sara = await care.client_in_care(sessions=2)
    await sara.is_archived()
    await news_is_seen(care)
    await until(lambda: kinds_of(receiver).count("appointment.cancelled") == 2)
    kinds = kinds_of(receiver)
    assert kinds[0] == "journey.opened"
    assert {"account.activated", "card.saved", "form.completed", "appointment.booked"} <= set(kinds)
    assert not {kind.value for kind in PRACTICE_ALONE} & set(kinds)
    assert all("archiv" not in json.dumps(message.body).lower() for message in receiver.heard)
    assert [int(message.id) for message in receiver.taken] == sorted(int(message.id) for message in receiver.taken)
    headers = {"Authorization": f"Bearer {care.tokens['site']}"}  # the site by its key alone
    listed = await care.http.get(f"{care.house.api_url}/v1/events", headers=headers, params={"limit": 200})
    assert [message.body for message in receiver.taken] == listed.json()["items"]
    shown = await care.get(f"/v1/webhooks/{id}", by="admin")
    assert (shown["on"], shown["waiting"]) == (True, 0)
    await care.pass_time(days=60)  # who is told nothing holds no clock up


async def test_a_receiver_that_is_dead_for_days_is_told_all_of_it_afterwards(care: Care, receiver: Receiver) -> None:
    id = await have_hook(care, receiver)

    async def dead(_: Heard) -> int | None:
        return None

    async def well(_: Heard) -> int | None:
        return 200

    receiver.behaviour = dead
    sara = await care.arrives(name="Sara")
    await news_is_seen(care)
    await until(lambda: len(receiver.heard) == 1)
    await care.pass_time(days=4)
    await care.rest()
    shown = await care.get(f"/v1/webhooks/{id}", by="admin")
    assert (shown["on"], shown["off_because"]) == (False, "gave_up")
    tasks = [task for task in await care.items("/v1/tasks", by="admin") if task["kind"] == "webhook_off"]
    assert len(tasks) == 1
    tries = len(receiver.heard)
    assert tries > 10
    assert {message.id for message in receiver.heard} == {receiver.heard[0].id}
    await sara.books("intro_call")
    await news_is_seen(care)
    await care.pass_time(days=1)
    assert len(receiver.heard) == tries

    receiver.behaviour = well
    await care.call("PATCH", f"/v1/webhooks/{id}", {"on": True}, by="admin", expect=200)
    await until(lambda: "appointment.booked" in kinds_of(receiver))
    assert kinds_of(receiver)[0] == "journey.opened"
    assert [task for task in await care.items("/v1/tasks", by="admin") if task["kind"] == "webhook_off"] == []


async def test_one_that_was_ended_is_started_again_by_the_keeper_and_tells_what_it_missed(
    care: Care, receiver: Receiver
) -> None:
    id = await have_hook(care, receiver, "practice")
    handle = care.house.engine.get_workflow_handle(f"webhook:{id}")
    await until(lambda: care.house.worker is not None)
    await care.rest()
    await handle.terminate("a click")
    await care.arrives(name="Sara")
    await care.pass_time(minutes=2)
    kept = await care.post("/v1/keepings?wait=60", by="desk", expect=200)
    assert {"workflow_id": f"webhook:{id}", "because": "terminated"} in kept["resumed"]
    await until(lambda: "journey.opened" in kinds_of(receiver))


async def test_one_that_is_removed_ends_and_hears_nothing_more(care: Care, receiver: Receiver) -> None:
    id = await have_hook(care, receiver)
    await care.call("DELETE", f"/v1/webhooks/{id}", by="admin", expect=204)
    handle = care.house.engine.get_workflow_handle(f"webhook:{id}")
    async with asyncio.timeout(20):
        assert await handle.result() is None
    await care.arrives(name="Sara")
    await news_is_seen(care)
    await care.pass_time(hours=1)
    assert receiver.heard == []
    await care.refused("GET", f"/v1/webhooks/{id}", by="admin", name="not-found", status=404)
