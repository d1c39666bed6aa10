"""Mails about messages: that one waits, once an hour at most, while unread; and what an archive changes of it."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from activities.ports import MailerUnavailable, OutgoingMail
from rules.policy import JourneyPolicy
from tests.care.defaults import Json
from tests.care.house import PUBLIC_URL
from tests.care.story import Care, Person, key
from workflows.messages import MESSAGE_WAITS, MessageSignal

INJECTED = "<img src=x onerror=alert(1)> {{ 7 * 7 }} https://evil.example\r\nBcc: everybody@evil.example"


async def writes(care: Care, by: str, chat: Json, text: str = "Hello", **more: Any) -> Json:
    message: Json = await care.post(f"/v1/chats/{chat['id']}/messages", {"text": text}, by=by, headers=key(), **more)
    return message


async def told(care: Care, person: Person) -> int:
    await care.rest()
    return (await care.mail_counts(to=person.email))["new_message"]


async def starts(care: Care, by: str, kind: str, people: Collection[Person], **more: str) -> Json:
    chat: Json = await care.post("/v1/chats", {"kind": kind, "members": [p.id for p in people], **more}, by=by)
    return chat


async def known(care: Care, name: str = "Sara", therapist: str = "ana") -> Person:
    """A client with an address, and nothing booked that could send reminders in the next days."""
    details = {"first_name": name, "last_name": "Lind", "email": f"{name.lower()}@example.com"}
    return await care.arrives(name=name, therapist=therapist, client=details)


async def test_s29_s32_a_burst_is_one_mail_that_says_nothing_but_that_a_message_waits(care: Care) -> None:
    await care.therapist("ana", name="Ana Silva")
    sara = await known(care)
    chat = await starts(care, "ana", "direct", [sara])
    for _ in range(10):
        await writes(care, "ana", chat, INJECTED)
    assert await told(care, sara) == 1
    [mail] = await care.mails(to=sara.email, template="new_message")
    for part in (mail["subject"], mail["text"], mail["html"]):
        assert "message" in part.lower()
        for secret in ("<img", "onerror", "7 * 7", "evil", "Ana", "Silva", chat["id"]):
            assert secret not in part, secret
    assert f"{PUBLIC_URL}/chats" in mail["text"]

    # Nothing new, although all is unread: no second mail, today or tomorrow. What the client writes is read by them.
    await care.pass_time(minutes=50)
    assert await told(care, sara) == 1
    # Within the hour something new: an hour after the first mail, not before, and once.
    await writes(care, "ana", chat)
    await writes(care, "ana", chat)
    assert await told(care, sara) == 1
    await care.pass_time(minutes=11)
    assert await told(care, sara) == 2
    await care.pass_time(days=1)
    assert await told(care, sara) == 2

    # Read before the hour is over: no mail. And long after: at once again.
    await writes(care, "ana", chat)
    assert await told(care, sara) == 3
    await writes(care, "ana", chat)
    await care.post(f"/v1/chats/{chat['id']}/read", for_whom=sara.id, expect=200)
    await care.pass_time(hours=3)
    assert await told(care, sara) == 3
    await writes(care, "site", chat, for_whom=sara.id)
    await care.pass_time(hours=3)
    assert await told(care, sara) == 3
    assert await care.mail_counts(to="ana@practice.example") == {"new_client": 1}

    # Each chat has an hour of its own.
    await writes(care, "ana", chat)
    team = await starts(care, "desk", "care_team", [sara])
    await writes(care, "desk", team)
    assert await told(care, sara) == 5

    # What she writes herself is nothing to tell her of, also where what was written before it is unread.
    await writes(care, "site", chat, for_whom=sara.id)
    await sara.journey.signal(MESSAGE_WAITS, MessageSignal(request_id=chat["id"], chat_id=chat["id"]))
    await care.pass_time(hours=3)
    assert await told(care, sara) == 5


async def test_s66_no_mail_reaches_whom_it_should_not(care: Care) -> None:
    await care.therapist("ana")
    sara, otto = await known(care), await known(care, "Otto")
    group = await starts(care, "desk", "group", [sara, otto], title="Mondays")
    await writes(care, "desk", group)
    assert (await told(care, sara), await told(care, otto)) == (1, 1)

    # Unsubscribed, switched off, left: each while a mail was due within the hour.
    await writes(care, "desk", group)
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": True}, by="desk", expect=200)
    await care.call("PATCH", f"/v1/clients/{otto.id}", {"portal_settings": {"chat": False}}, by="desk", expect=200)
    await care.pass_time(hours=2)
    await writes(care, "desk", group)
    assert (await told(care, sara), await told(care, otto)) == (1, 1)
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": False}, by="desk", expect=200)
    await care.call("PATCH", f"/v1/clients/{otto.id}", {"portal_settings": {"chat": True}}, by="desk", expect=200)
    await writes(care, "desk", group)
    assert (await told(care, sara), await told(care, otto)) == (2, 2)
    await writes(care, "desk", group)
    await care.call("DELETE", f"/v1/chats/{group['id']}/members/{otto.id}", by="desk", expect=204)
    await care.pass_time(hours=2)
    assert (await told(care, sara), await told(care, otto)) == (3, 2)

    # A signal from the Temporal UI that means nothing does no harm.
    for chat_id in ("no id", "018f2f1e-0000-7000-8000-000000000000"):
        await sara.journey.signal(MESSAGE_WAITS, MessageSignal(request_id="x", chat_id=chat_id))
    await writes(care, "desk", group)
    await care.pass_time(hours=2)
    assert await told(care, sara) == 4


async def test_s45_s38_an_archived_client_hears_of_what_is_written_to_them_and_no_timer_runs(care: Care) -> None:
    await care.therapist("ana")
    sara, otto = await known(care), await known(care, "Otto")
    direct = await starts(care, "ana", "direct", [sara])
    community = await starts(care, "desk", "community", [sara, otto], title="Everybody")
    await writes(care, "ana", direct)
    assert await told(care, sara) == 1
    await writes(care, "ana", direct)  # due within the hour, when the archive comes
    await sara.is_archived()
    await care.pass_time(hours=5)
    assert await told(care, sara) == 1
    assert (await sara.journey.query("journey"))["next_step_at"] is None
    await writes(care, "desk", community)
    assert (await told(care, sara), await told(care, otto)) == (1, 1)
    await writes(care, "ana", direct)
    assert await told(care, sara) == 2
    await writes(care, "ana", direct)
    blast = await care.post("/v1/blasts", {"text": "News", "client_ids": [sara.id, otto.id]}, by="ana")
    assert blast["sent_to"] == [otto.id]
    assert [line["client_id"] for line in blast["left_out"]] == [sara.id]
    await care.pass_time(hours=2)
    assert await told(care, sara) == 2
    # What could not be told while no timer ran is told once she is active again, if it is still unread.
    await sara.is_unarchived()
    assert await told(care, sara) == 3
    await care.pass_time(days=2)
    assert await told(care, sara) == 3


async def test_a_mail_service_that_is_away_makes_no_heap_of_mails(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    await care.therapist("ana")
    sara = await known(care)
    chat = await starts(care, "ana", "direct", [sara])
    await care.rest()
    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    for _ in range(3):
        await writes(care, "ana", chat)
        await care.pass_time(minutes=70)
    away = False
    await care.pass_time(minutes=31)
    assert await told(care, sara) == 1  # and it tells of all that is unread
    await care.pass_time(days=1)
    assert await told(care, sara) == 1
    await writes(care, "ana", chat)
    assert await told(care, sara) == 2


class TestShortHistories:
    @pytest.fixture
    def policy(self) -> JourneyPolicy:
        return JourneyPolicy(history_limit=20, new_message_every=timedelta(minutes=30))

    async def test_what_was_told_and_what_is_due_survive_continuing_as_new(self, care: Care) -> None:
        await care.therapist("ana")
        sara = await known(care)
        chat = await starts(care, "ana", "direct", [sara])
        await writes(care, "ana", chat)
        assert await told(care, sara) == 1
        first = (await sara.journey.describe()).run_id
        for _ in range(12):
            await writes(care, "ana", chat)
        assert await told(care, sara) == 1
        assert (await sara.journey.describe()).run_id != first
        await care.pass_time(minutes=31)
        assert await told(care, sara) == 2
        await care.pass_time(days=1)
        assert await told(care, sara) == 2
