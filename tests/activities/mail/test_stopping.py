"""A delivery whose worker drains, or whose workflow is ended: the mail on its way is waited for, and goes out once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from temporalio.testing import ActivityEnvironment

from activities.ports import GatewayUnavailable, OutgoingMail
from activities.types.mail import DeliverOrder
from models.tables.mail.outbox import OutboxKind
from models.writes.outbox import client_mail, order_errands
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import deliver, item, nothing_else, put, waiting
from tests.care.practice import Practice

Stop = Callable[[ActivityEnvironment, "asyncio.Task[object]"], None]


def drain(environment: ActivityEnvironment, _: "asyncio.Task[object]") -> None:
    environment.worker_shutdown()


def cut_off(environment: ActivityEnvironment, _: "asyncio.Task[object]") -> None:
    """As the SDK does when the drain is over, or the workflow has ended."""
    environment.cancel()


def cut_off_twice(environment: ActivityEnvironment, running: "asyncio.Task[object]") -> None:
    environment.cancel()
    asyncio.get_running_loop().call_soon(running.cancel)


STOPS = pytest.mark.parametrize("stop", [drain, cut_off, cut_off_twice])


async def two_mails(practice: Practice, *, vital: bool) -> tuple[str, list[MailOrder]]:
    client = await practice.client()
    await nothing_else(practice, client)
    row = await practice.row(client)
    orders = [replace(client_mail(Mail.WE_WILL_GET_BACK, row, str(number)), vital=vital) for number in range(2)]
    await put(practice, *orders)
    return client, orders


async def stopped_during(practice: Practice, client: str, on_its_way: asyncio.Event, stop: Stop) -> None:
    environment = ActivityEnvironment()
    work = environment.run(practice.delivery.deliver, DeliverOrder(client_id=client))
    running: asyncio.Task[object] = asyncio.ensure_future(work)
    await asyncio.wait_for(on_its_way.wait(), 10)
    stop(environment, running)
    await asyncio.wait([running], timeout=10)
    assert running.done()
    assert running.cancelled() == (stop is not drain), "who is cut off is told so, in the end"


def in_a_thread(send: Callable[[OutgoingMail], Awaitable[str]], begun: asyncio.Event) -> object:
    """As a mailer whose library blocks: the thread goes on, whoever stops waiting for it."""

    async def slow(mail: OutgoingMail) -> str:
        async def thread() -> str:
            await asyncio.sleep(0.1)
            return await send(mail)

        going_on = asyncio.ensure_future(thread())
        begun.set()
        return await asyncio.shield(going_on)

    return slow


@STOPS
@pytest.mark.parametrize("vital", [True, False])
async def test_the_mail_on_its_way_is_recorded_and_the_next_is_left(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, vital: bool, stop: Stop
) -> None:
    client, orders = await two_mails(practice, vital=vital)
    begun = asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(practice.post, "send", in_a_thread(practice.post.send, begun))
        await stopped_during(practice, client, begun, stop)
    assert [(await item(practice, order.key)).status.value for order in orders] == ["sent", "waiting"]
    assert [due for _, due in await waiting(practice, client)] == [practice.clock.instant], "the next one is due now"
    await deliver(practice, client)
    assert [mail.key for mail in practice.post.sent] == [order.key for order in orders]


@STOPS
async def test_the_errand_under_way_is_recorded_and_the_next_is_left(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, stop: Stop
) -> None:
    client = await practice.client()
    await nothing_else(practice, client)
    row = await practice.row(client)
    async with practice.sessions() as session:
        about, now = ("pi_one", "pi_two"), practice.clock.instant
        await order_errands(session, row.id, OutboxKind.CANCEL_INTENT, about, reason="archive", at=now)
        await session.commit()
    begun, asked = asyncio.Event(), list[str]()

    async def cancel_intent(*, intent: str, **_: object) -> object:
        asked.append(intent)
        begun.set()
        await asyncio.sleep(0.1)
        raise GatewayUnavailable("nobody answers", ambiguous=False, retry_with_same_key=True)

    monkeypatch.setattr(practice.delivery.deps.payments, "retrieve_intent", cancel_intent)
    monkeypatch.setattr(practice.delivery.deps.payments, "cancel_intent", cancel_intent)
    await stopped_during(practice, client, begun, stop)
    later = [due is not None and due > practice.clock.instant for _, due in await waiting(practice, client)]
    assert (asked, later) == (["pi_one"], [True, False]), "that it was asked in vain is known; the other is due still"
