"""Webhooks with real processes, while the receiver misbehaves and worker and engine are killed: each event arrives, in
order per client, with one id, signed; and the site's program hears nothing of the archive."""

import asyncio
import json
import os
import random
import signal
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from standardwebhooks.webhooks import Webhook
from temporalio.client import Client as EngineClient

from config.development import DEV_CHAIN_KEYS, DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys
from local.processes import Process
from local.stack import LocalStack, Ports
from local.temporal import Service
from models.database import Sessions, connect, session_factory
from models.sealed import RowKeys
from models.tables.events.event import Event
from models.writes.events.publish import publish
from models.writes.locks import lock_client
from rules.chain import ChainKeys
from rules.events.kinds import PRACTICE_ALONE, EventKind
from tests.care.defaults import Json, details
from tests.care.outside.webhook_receiver import Heard, Receiver, receiving
from tests.care.story import Care
from tests.stack.practice import add_therapist, care_of

EVENTS, CLIENTS, ARCHIVED, WRITERS = 2000, 40, 5, 8
STORM = 45.0  # seconds in which the events happen
FORGED = 60
ENV = {
    "POLICY__JOURNEYS_PER_VISITOR": "1000",
    "POLICY__WEBHOOK_RETRIES": "PT1S,PT1S,PT2S",
    "POLICY__WEBHOOK_RETRY_EVERY": "PT2S",
}


class Moody:
    """A receiver that answers 500, hangs, resets, is slow, or takes a message and says that it did not: the same with
    the same messages. From the third time on it is good."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.moods: defaultdict[str, int] = defaultdict(int)

    async def __call__(self, heard: Heard) -> int | None:
        dice = random.Random(f"{self.seed}:{heard.id}:{heard.times}").random()  # noqa: S311 - a mood
        mood = "well" if heard.times > 2 else _mood(dice)
        self.moods[mood] += 1
        if mood == "slow":
            await asyncio.sleep(dice)
        if mood == "hangs":
            await asyncio.sleep(12)
        return {"500": 500, "twice": 503, "resets": None}.get(mood, 200)


def _mood(dice: float) -> str:
    for mood, share in (("500", 0.07), ("twice", 0.03), ("resets", 0.04), ("hangs", 0.004), ("slow", 0.1)):
        if dice < share:
            return mood
        dice -= share
    return "well"


@pytest.mark.crowd
@pytest.mark.timeout(420)
async def test_each_event_arrives_in_order_and_none_of_the_archive_at_the_site(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        enter = opened.enter_async_context
        site = await enter(receiving(Moody(1)))
        practice = await enter(receiving(Moody(2)))
        stack = await enter(
            await LocalStack.start(data_dir=tmp_path / "data", ports=Ports.free(), env=ENV, seed=False, restart=True)
        )
        stack.servers["temporal"].restart = True
        http = await enter(httpx.AsyncClient(timeout=60, trust_env=False))
        care = care_of(stack, http)
        database = connect(stack.database_url)
        sessions = session_factory(
            database,
            chain=ChainKeys(PayloadKeys.parse(DEV_CHAIN_KEYS).keys),
            rows=RowKeys(PayloadKeys.parse(DEV_PAYLOAD_KEYS).keys),
        )
        opened.push_async_callback(database.dispose)
        await add_therapist(care, "ana")
        hooks = {side: await _hook(care, side, at) for side, at in (("site", site), ("practice", practice))}
        begins = await _newest(database)

        clients = [await _arrives(care, number) for number in range(CLIENTS)]
        async with asyncio.TaskGroup() as storm:
            for number in range(WRITERS):
                storm.create_task(_writes(sessions, clients[number::WRITERS], EVENTS // WRITERS))
            storm.create_task(_archives(care, clients[:ARCHIVED]))
            storm.create_task(_forges(http, site, practice))
            storm.create_task(_kills(stack))

        told = await _events(sessions, begins)
        assert len(told) > EVENTS
        of_site = {str(event.id): event for event in told if event.for_site}
        of_practice = {str(event.id): event for event in told}
        assert len(of_practice) > len(of_site) + ARCHIVED
        await _until_taken(site, of_site)
        await _until_taken(practice, of_practice)
        for receiver, events in ((site, of_site), (practice, of_practice)):
            _each_arrived_in_order(receiver, events)
        _nothing_of_the_archive(site)
        assert len(site.forged) + len(practice.forged) == FORGED
        await _every_delivery_is_shown(care, hooks, site=len(of_site), practice=len(of_practice))
        await _histories_are_short(stack, hooks)
        for name, receiver in (("site", site), ("practice", practice)):
            moods = dict(receiver.behaviour.moods) if isinstance(receiver.behaviour, Moody) else {}
            print(name, len(receiver.heard), "heard", len(receiver.taken), "taken", moods)  # noqa: T201 - `pytest -s`


# ---------------------------------------------------------------- the storm


async def _hook(care: Care, side: str, receiver: Receiver) -> str:
    made = await care.post("/v1/webhooks", {"url": receiver.url, "for": side}, by="admin")
    receiver.secrets.append(made["secret"])
    return str(made["id"])


async def _arrives(care: Care, number: int) -> UUID:
    form = {"source": "care_team", "therapist": "ana", "note": "by phone", "client": details(f"C{number}")}
    return UUID((await care.post("/v1/journeys", form, by="desk"))["client_id"])


async def _writes(sessions: Sessions, clients: list[UUID], number: int) -> None:
    """As steps do: a client is locked, and its event committed with the rest. Every tenth is of an archive's doing."""
    chance = random.Random(str(clients[0]))  # noqa: S311 - how they meet
    for each in range(number):
        client_id = clients[each % len(clients)]
        async with sessions() as session:
            client = await lock_client(session, client_id)
            hidden = each % 10 == 9
            kind = EventKind.PAYMENT_WAIVED if hidden else EventKind.CARD_SAVED
            publish(session, kind, at=datetime.now(UTC), client=client, for_site=not hidden)
            await asyncio.sleep(chance.random() * 0.01)
            await session.commit()
        await asyncio.sleep(STORM / number * chance.random() * 2)


async def _archives(care: Care, clients: list[UUID]) -> None:
    await asyncio.sleep(STORM / 3)
    for client_id in clients:
        await _is_archived(care, client_id)


async def _is_archived(care: Care, client_id: UUID) -> None:
    """Engine and worker are killed meanwhile: whoever asks, asks again."""
    async with asyncio.timeout(120):
        while True:
            with suppress(httpx.HTTPError):
                answer = await care.call("POST", f"/v1/clients/{client_id}/archive", {"reason": "moved"}, by="desk")
                if answer.status_code in (200, 202):
                    return
            await asyncio.sleep(1)


async def _forges(http: httpx.AsyncClient, *receivers: Receiver) -> None:
    """Another's secret, a message that was changed, one that was kept, and one that is not signed at all."""
    another = Webhook("whsec_" + "eHl6" * 8)
    for number in range(FORGED):
        await asyncio.sleep(STORM / FORGED)
        receiver = receivers[number % len(receivers)]
        now = datetime.now(UTC)
        body = json.dumps({"id": number, "kind": "payment.paid", "client_id": None, "data": {}})
        headers = {"webhook-id": str(number), "webhook-timestamp": str(int(now.timestamp()))}
        real = receiver.heard[-1] if receiver.heard else None
        way = number % 4
        if way == 0 or real is None:
            headers["webhook-signature"] = another.sign(str(number), now, body)
        elif way == 1:
            headers = _signed(real) | {"webhook-id": str(number)}
        elif way == 2:
            old = now - timedelta(minutes=6)
            headers["webhook-timestamp"] = str(int(old.timestamp()))
            headers["webhook-signature"] = Webhook(receiver.secrets[0]).sign(str(number), old, body)
        answer = await http.post(receiver.url, content=body, headers=headers)
        assert answer.status_code == 400


def _signed(heard: Heard) -> dict[str, str]:
    return {name: value for name, value in heard.headers.items() if name.startswith("webhook-")}


async def _kills(stack: LocalStack) -> None:
    for process in (stack.workers["worker"], stack.servers["temporal"], stack.workers["worker"]):
        await asyncio.sleep(STORM / 4)
        await _killed(process)


async def _killed(process: Process) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


# ---------------------------------------------------------------- the reckoning


async def _newest(database: AsyncEngine) -> int:
    async with database.connect() as connection:
        return int((await connection.execute(text("SELECT coalesce(max(id), 0) FROM event"))).scalar_one())


async def _events(sessions: Sessions, after: int) -> list[Event]:
    async with sessions() as session:
        return list((await session.exec(select(Event).where(col(Event.id) > after).order_by(col(Event.id)))).all())


async def _until_taken(receiver: Receiver, events: dict[str, Event]) -> None:
    missing: set[str] = set(events)
    try:
        async with asyncio.timeout(120):
            while missing := events.keys() - {message.id for message in receiver.taken}:
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"{len(missing)} of {len(events)} events did not arrive, such as {sorted(missing, key=int)[:5]}")


def _each_arrived_in_order(receiver: Receiver, events: dict[str, Event]) -> None:
    assert {message.id for message in receiver.heard} == events.keys(), "nothing else was told"
    bodies: dict[str, Json] = {}
    first: defaultdict[str | None, list[int]] = defaultdict(list)
    for message in receiver.heard:
        assert message.body == bodies.setdefault(message.id, message.body), "of one id there is one message"
        assert str(message.body["id"]) == message.id
        if message.times == 1:
            first[message.body["client_id"]].append(int(message.id))
    for client_id, ids in first.items():
        theirs = [id for id, event in events.items() if str(event.client_id) == str(client_id)]
        assert ids == [int(id) for id in theirs], f"the events of {client_id} came in another order"


def _nothing_of_the_archive(site: Receiver) -> None:
    for message in site.heard:
        assert message.body["kind"] not in {kind.value for kind in PRACTICE_ALONE} | {"payment.waived"}
        assert "archiv" not in json.dumps(message.body).lower()


async def _every_delivery_is_shown(care: Care, hooks: dict[str, str], **numbers: int) -> None:
    for side, id in hooks.items():
        shown = await care.get(f"/v1/webhooks/{id}", by="admin")
        assert (shown["on"], shown["waiting"]) == (True, 0)
        path, seen = f"/v1/webhooks/{id}/deliveries", 0
        page = await care.get(path, by="admin", limit=200)
        while True:
            seen += len(page["items"])
            assert all(each["status"] == "delivered" and each["tries"] for each in page["items"])
            if page["next_cursor"] is None:
                break
            page = await care.get(path, by="admin", limit=200, cursor=page["next_cursor"])
        assert seen == numbers[side]


async def _histories_are_short(stack: LocalStack, hooks: dict[str, str]) -> None:
    engine = await EngineClient.connect(stack.temporal_address, namespace=Service.read().namespace)
    for id in hooks.values():
        described = await engine.get_workflow_handle(f"webhook:{id}").describe()
        print(f"webhook:{id}", described.history_length, "events of history")  # noqa: T201 - `pytest -s`
        assert described.history_length < 2000
