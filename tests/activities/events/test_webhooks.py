"""Events are told to an endpoint: each, in order per client, again when one failed, and never to whom none is for."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from models.tables import Event
from rules.enums import TaskKind
from rules.events.kinds import EventKind
from rules.events.webhooks import DeliveryState, EndpointOff, EndpointSide
from tests.activities.events.conftest import SECRET, Told
from tests.care.outside.webhook_receiver import Heard
from tests.care.rows import NOW


async def test_what_happens_is_told_once_signed_and_as_the_list_shows_it(told: Told) -> None:
    await told.begins()
    sara = await told.client()
    [id] = await told.happens(sara)
    done = await told.delivers()
    assert (done.on, done.more, done.look_at) == (True, False, None)
    [heard] = told.receiver.heard
    assert heard.id == id
    assert heard.body == {
        "id": int(id),
        "kind": "card.saved",
        "at": "2026-03-02T12:00:00Z",
        "client_id": str(sara.id),
        "ref": sara.ref,
        "data": {},
        "test": False,
    }
    assert heard.headers["webhook-signature"].startswith("v1,")
    await told.delivers()
    assert len(told.receiver.heard) == 1
    [delivery] = await told.deliveries()
    assert (delivery.state, delivery.tried, delivery.tries[0]["status"]) == (DeliveryState.DELIVERED, 1, 204)


async def test_what_happened_before_it_was_made_is_not_told(told: Told) -> None:
    await told.happens(None)
    await told.begins()
    await told.delivers()
    assert told.receiver.heard == []


async def test_it_is_told_of_its_kinds_alone(told: Told) -> None:
    await told.begins(kinds=(EventKind.ACCOUNT_ACTIVATED,))
    sara = await told.client()
    await told.happens(sara)
    [id] = await told.happens(sara, kind=EventKind.ACCOUNT_ACTIVATED)
    await told.delivers()
    assert told.receiver.ids == [id]


async def test_a_site_hears_nothing_that_is_for_the_practice(told: Told) -> None:
    await told.begins(side=EndpointSide.SITE)
    sara = await told.client()
    await told.happens(sara, kind=EventKind.CLIENT_ARCHIVED)
    await told.happens(sara, kind=EventKind.PAYMENT_WAIVED, for_site=False)
    [id] = await told.happens(sara)
    await told.delivers()
    await told.is_told_again(after=0)
    await told.delivers()
    assert told.receiver.ids == [id, id]


async def test_what_failed_holds_up_its_client_and_nobody_else(told: Told) -> None:
    await told.begins()
    sara, omar = await told.client(), await told.client()
    first, second = await told.happens(sara, sara)
    other, further = await told.happens(omar, omar)

    async def saras_first_fails_twice(heard: Heard) -> int | None:
        return 500 if heard.id == first and heard.times <= 2 else 200

    told.receiver.behaviour = saras_first_fails_twice
    done = await told.delivers()
    assert [message.id for message in told.receiver.taken] == [other, further]
    assert second not in told.receiver.ids
    assert done.look_at is not None
    assert timedelta(seconds=4) < done.look_at - NOW < timedelta(seconds=6)
    done = await told.at(done.look_at)
    assert done.look_at is not None
    assert second not in told.receiver.ids
    await told.at(done.look_at)
    assert [message.id for message in told.receiver.taken] == [other, further, first, second]
    assert told.receiver.ids.count(first) == 3


async def test_the_tries_then_off_with_a_task_and_on_again_with_all_of_it(told: Told) -> None:
    await told.begins()
    sara = await told.client()
    ids = await told.happens(sara, sara)

    async def dead(_: Heard) -> int | None:
        return 503

    told.receiver.behaviour = dead
    at = []
    done = await told.delivers()
    while done.on and done.look_at is not None:
        at.append(done.look_at)
        done = await told.at(done.look_at)
    assert not done.on
    waits = [round((later - earlier).total_seconds()) for earlier, later in pairwise([NOW, *at])]
    assert waits[:6] == [5, 60, 300, 1800, 7200, 21600]
    assert set(waits[6:]) == {43200}
    assert timedelta(days=2, hours=12) < at[-1] - NOW <= timedelta(days=3)
    assert set(told.receiver.ids) == {ids[0]}
    endpoint = await told.endpoint()
    assert endpoint.off_because is EndpointOff.GAVE_UP
    [task] = await told.tasks()
    assert (task.kind, task.client_id) == (TaskKind.WEBHOOK_OFF, None)

    more = await told.happens(sara)
    told.receiver.heard.clear()
    assert not (await told.passes(days=1)).on
    assert told.receiver.heard == []

    async def well_again(_: Heard) -> int | None:
        return 200

    told.receiver.behaviour = well_again
    await told.is_switched_on()
    assert (await told.delivers()).on
    told_of_sara = [message.id for message in told.receiver.heard if message.body["client_id"]]
    assert told_of_sara == [*ids, *more]  # and of the task, which is no client's


async def test_nobody_there_a_reset_and_a_redirect_are_failures_with_their_reasons(told: Told) -> None:
    await told.begins()
    clients = [await told.client() for _ in range(3)]
    reset, hangs, redirected = await told.happens(*clients)

    async def badly(heard: Heard) -> int | None:
        if heard.id == hangs:
            await asyncio.sleep(5)
        return None if heard.id == reset else 302

    told.receiver.behaviour = badly
    told.with_door(seconds=0.5)
    await told.delivers()
    said = {delivery.event_id: delivery.tries[-1] for delivery in await told.deliveries()}
    assert said[int(reset)]["reason"] == "cut_off"
    assert said[int(hangs)]["reason"] == "timed_out"
    assert said[int(redirected)]["status"] == 302


async def test_many_that_hang_hold_up_nobody_for_longer_than_one_call(told: Told) -> None:
    await told.begins()
    dead = [await told.client() for _ in range(3)]
    sara = await told.client()
    await told.happens(*dead)
    theirs = await told.happens(*[sara] * 5)
    held = asyncio.Event()

    async def hangs(heard: Heard) -> int | None:
        if heard.body["client_id"] != str(sara.id):
            await held.wait()
        return 200

    told.receiver.behaviour = hangs
    delivering = asyncio.create_task(told.delivers())
    async with asyncio.timeout(5):
        while [message.id for message in told.receiver.taken] != theirs:
            await asyncio.sleep(0.02)
    held.set()
    await delivering
    assert len(told.receiver.taken) == 8


async def test_told_again_from_a_point_on_with_the_same_ids_in_order(told: Told) -> None:
    await told.begins()
    sara = await told.client()
    ids = await told.happens(*[sara] * 4)
    await told.delivers()
    told.receiver.heard.clear()
    await told.is_told_again(after=int(ids[1]))
    await told.delivers()
    assert told.receiver.ids == ids[2:]


async def test_told_again_of_what_came_before_it(told: Told) -> None:
    before = await told.happens(None, None)
    await told.begins()
    await told.is_told_again(after=0)
    await told.delivers()
    assert told.receiver.ids == before


async def test_told_again_of_what_it_never_was_told_it_hears_that_in_order_too(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than is taken over at once: what was told before waits until all before it has a delivery."""
    monkeypatch.setattr("activities.events.webhooks._EVENTS", 2)
    await told.begins(kinds=(EventKind.ACCOUNT_ACTIVATED,))
    sara, omar = await told.client(), await told.client()
    await told.happens(*[omar] * 4)
    missed = await told.happens(*[sara] * 3)
    [known] = await told.happens(sara, kind=EventKind.ACCOUNT_ACTIVATED)
    await told.delivers()
    assert told.receiver.ids == [known]
    told.receiver.heard.clear()
    async with told.sessions() as session:
        row = await session.get_one(type(await told.endpoint()), told.id)
        row.kinds = []
        session.add(row)
        await session.commit()
    await told.is_told_again(after=0)
    await told.delivers()
    assert [heard.id for heard in told.receiver.heard if heard.body["client_id"] == str(sara.id)] == [*missed, known]


async def test_two_steps_at_once_say_nothing_out_of_order(told: Told) -> None:
    await told.begins()
    clients = [await told.client() for _ in range(5)]
    ids = [await told.happens(*clients) for _ in range(6)]
    await asyncio.gather(*(told.delivers() for _ in range(3)))
    first: dict[str, list[str]] = {}
    for message in told.receiver.heard:
        if message.times == 1:
            first.setdefault(message.body["client_id"], []).append(message.id)
    assert first == {str(client.id): [row[place] for row in ids] for place, client in enumerate(clients)}
    assert all(delivery.state is DeliveryState.DELIVERED for delivery in await told.deliveries())


async def test_a_test_is_tried_once_whether_it_is_on_or_off(told: Told) -> None:
    await told.begins()
    id = await told.is_tested()
    await told.delivers()
    [heard] = told.receiver.heard
    assert (heard.id, heard.body["kind"]) == (f"test-{id}", "webhook.test")

    async def badly(_: Heard) -> int | None:
        return 500

    told.receiver.behaviour = badly
    await told.is_tested()
    assert (await told.delivers()).look_at is None
    states = sorted(delivery.state.value for delivery in await told.deliveries())
    assert states == ["delivered", "failed"]
    assert (await told.endpoint()).off_at is None


async def test_after_a_rotation_both_secrets_sign_for_a_day(told: Told) -> None:
    await told.begins()
    new = "whsec_" + "ZGVm" * 8
    async with told.sessions() as session:
        row = await session.get_one(type(await told.endpoint()), told.id)
        row.former_secret, row.secret = SECRET, new
        row.former_until = told.clock.instant + timedelta(hours=24)
        session.add(row)
        await session.commit()
    await told.happens(None)
    await told.delivers()
    assert told.receiver.heard[-1].headers["webhook-signature"].count("v1,") == 2
    told.receiver.secrets[:] = [new]
    await told.happens(None)
    await told.delivers()
    assert len(told.receiver.heard) == 2
    told.receiver.secrets[:] = [SECRET]
    await told.happens(None)
    await told.passes(hours=25)
    assert len(told.receiver.forged) == 1


async def test_its_secrets_and_its_address_stand_sealed(told: Told) -> None:
    await told.begins()
    from sqlalchemy import text

    async with told.sessions() as session:
        connection = await session.connection()
        row = (await connection.execute(text("SELECT url, secret FROM webhook_endpoint"))).one()
    assert all(bytes(value).startswith(b"cr1") for value in row)


async def test_deliveries_go_when_their_events_do(told: Told) -> None:
    await told.begins()
    await told.happens(None)
    await told.delivers()
    async with told.sessions() as session:
        from sqlmodel import delete

        await session.exec(delete(Event))
        await session.commit()
    assert await told.deliveries() == []
