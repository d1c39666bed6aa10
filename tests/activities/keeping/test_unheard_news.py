"""What was accepted, stored, and told to a journey that was lost before it could act: found again by the rows."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.keeping.unheard_news import UnheardNews
from activities.money.stripe_events import InboundActivities
from activities.ports import GatewayUnavailable
from models.tables import InboundEvent
from models.tables.care.chat import Chat, ChatMember, ChatMessage
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxKind, OutboxStatus
from rules.accounts.vouching import is_vouched
from rules.enums import ChatKind, Mode, TaskKind
from tests.activities.keeping.conftest import Kept
from tests.care.rows import DAY, NOW
from workflows.messages import journey_id

ADDRESS: dict[str, Any] = {"email": "sara@example.org", "email_folded": "sara@example.org"}
TWO_MINUTES = timedelta(minutes=2)
AWAY = GatewayUnavailable("nobody answers", ambiguous=False, retry_with_same_key=True)


async def a_mail_bounced(kept: Kept, client: Client, *, at: datetime, id: str = "sendgrid:e1") -> None:
    """As the API stores it before it tells the journey."""
    key = f"welcome:{client.id}:{id}"
    mail = OutboxItem(
        key=key,
        kind=OutboxKind.MAIL,
        status=OutboxStatus.SENT,
        template="welcome",
        client_id=client.id,
        order={},
        made_at=at,
        recipient=client.email or "",
    )
    bounce = InboundEvent(id=id, vendor="sendgrid", type="bounce", payload={"key": key}, received_at=at)
    await kept.rows.add(mail, bounce)


async def event(kept: Kept, id: str = "sendgrid:e1") -> InboundEvent:
    async with kept.sessions() as session:
        return await session.get_one(InboundEvent, id)


async def heard(kept: Kept, client: Client) -> list[Any]:
    found: list[Any] = await kept.of(client).query("heard")
    return found


async def test_a_bounce_that_a_lost_journey_was_told_of_is_acted_on_and_the_next_one_hears_of_it(kept: Kept) -> None:
    sara = await kept.journey(**ADDRESS)
    await a_mail_bounced(kept, sara, at=await kept.deps.clock.now() - TWO_MINUTES)
    await kept.of(sara).terminate("a wrong click")
    await kept.round()
    handled = await event(kept)
    assert (handled.outcome, handled.handled_at is not None) == ("recorded", True)
    assert [fact.kind for fact in await kept.facts(sara)] == ["journey_resumed", "mail_undeliverable", "task_opened"]
    assert [task.kind for task in await kept.tasks()] == [TaskKind.MAIL_UNDELIVERABLE]
    assert "sendgrid:e1" in await heard(kept, sara)
    before = len(await heard(kept, sara))
    await kept.round()
    assert len(await heard(kept, sara)) == before, "once"


async def test_of_a_closed_record_it_is_acted_on_all_the_same(kept: Kept) -> None:
    nobody = await kept.journey(started=False, closed_at=NOW, **ADDRESS)
    await a_mail_bounced(kept, nobody, at=await kept.deps.clock.now() - TWO_MINUTES)
    await kept.round()
    assert (await event(kept)).outcome == "recorded"


async def test_what_came_within_the_last_minute_is_left_to_the_journey(kept: Kept) -> None:
    sara = await kept.journey(**ADDRESS)
    await a_mail_bounced(kept, sara, at=await kept.deps.clock.now())
    await kept.round()
    assert (await event(kept)).handled_at is None
    assert await heard(kept, sara) == []


async def test_what_cannot_be_acted_on_waits_for_the_next_round_and_holds_up_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe is away, or an event is more than we can read; there are more events than one page has."""
    monkeypatch.setattr("activities.keeping.unheard_news._PAGE", 2)
    long_ago = await kept.deps.clock.now() - TWO_MINUTES
    of_stripe = [
        InboundEvent(
            id=f"evt_{number}", vendor="stripe", type="payment_intent.succeeded", payload={}, received_at=long_ago
        )
        for number in range(3)
    ]
    broken = InboundEvent(id="a broken one", vendor="stripe", type="refund.updated", payload={}, received_at=long_ago)
    await kept.rows.add(broken, *of_stripe)
    await a_mail_bounced(kept, await kept.journey(**ADDRESS), at=long_ago)
    asked: list[str] = []
    handle = InboundActivities.handle_inbound_event

    async def away(self: InboundActivities, event_id: str) -> object:
        asked.append(event_id)
        if event_id.startswith("evt_"):
            raise AWAY
        if event_id.startswith("a broken"):
            message = "a fault of ours"
            raise ValueError(message)
        return await handle(self, event_id)

    monkeypatch.setattr(InboundActivities, "handle_inbound_event", away)
    await kept.round()
    assert asked == ["a broken one", "evt_0", "sendgrid:e1"], "Stripe is asked once a round"
    assert (await event(kept)).outcome == "recorded"
    assert (await event(kept, "evt_0")).handled_at is None


async def test_a_new_link_reaches_the_appointments_ahead_although_nobody_was_told(kept: Kept) -> None:
    """S17: the link is put on the appointment by itself. Of whose appointments have it, nobody is told anything."""
    sara, otto = await kept.journey(), await kept.journey()
    ahead = await kept.deps.clock.now() + 7 * DAY
    for client, link, starts_at in ((sara, "old", ahead), (otto, "new", ahead + DAY)):
        await kept.appointment(client, mode=Mode.ZOOM, join_url=f"https://zoom.example/{link}", starts_at=starts_at)
    async with kept.sessions() as session:
        kept.therapist.zoom_link = "https://zoom.example/new"
        session.add(await session.merge(kept.therapist))
        await session.commit()
    await kept.round()
    assert ([("ana" in await heard(kept, one)) for one in (sara, otto)]) == [True, False]


async def a_message_waits(kept: Kept, client: Client, *, at: datetime) -> None:
    """As the API stores it before it tells the journey."""
    chat = Chat(id=uuid4(), kind=ChatKind.CARE_TEAM, client_id=client.id, made_by="desk", made_at=at, last_seq=1)
    member = ChatMember(chat_id=chat.id, client_id=client.id, joined_at=at, added_by="desk")
    message = ChatMessage(id=uuid4(), chat_id=chat.id, seq=1, author="care_team:desk", text="Hello", written_at=at)
    await kept.rows.add(chat, member, message)


async def test_a_message_of_which_nobody_was_told_is_mailed_after_all_and_once(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara, silent = await kept.journey(**ADDRESS), await kept.journey(email="otto@example.org", unsubscribed=True)
    fresh = await kept.journey(email="nora@example.org")
    await a_message_waits(kept, sara, at=now - TWO_MINUTES)
    await a_message_waits(kept, silent, at=now - TWO_MINUTES)
    await a_message_waits(kept, fresh, at=now)
    for _ in range(2):
        await kept.round()
        async with kept.sessions() as session:
            ordered = (await session.exec(select(OutboxItem))).all()
        assert [(row.client_id, row.template) for row in ordered] == [(sara.id, "new_message")]
        assert [await heard(kept, one) for one in (sara, silent, fresh)] == [["deliver"], [], []]


async def test_that_a_link_is_new_is_vouched_for(kept: Kept) -> None:
    """Else the journey's step would take it for a message that somebody typed."""
    sara = await kept.journey(started=False)
    await kept.appointment(sara, started=False, mode=Mode.ZOOM, join_url="https://zoom.example/old")
    [told] = await UnheardNews(kept.deps, "00000000-0000-7000-8000-000000000001").find(at=await kept.deps.clock.now())
    assert told.link is not None
    id = journey_id(str(sara.id))
    assert is_vouched(told.link, workflow_id=id, holds=kept.deps.vouching.holds)
