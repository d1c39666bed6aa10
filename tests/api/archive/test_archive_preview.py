"""The preview of an archive: what the client's journey remembers counts, as far as it can be asked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.engine import JourneyEngine
from rules.enums import ClientStatus
from rules.journey.memory import JourneyMemory
from rules.journey.message_mails import Told
from tests.api.conftest import DESK, SETTINGS, ToldEngine
from tests.care.rows import NOW, Rows
from workflows.messages import MEMORY_QUERY

Json = dict[str, Any]
HOUR = timedelta(hours=1)
OTHER = replace(SETTINGS.policy, appointment_reminders=(5 * HOUR, 2 * HOUR), outcome_nudge=3 * HOUR)


async def reminders(api: httpx.AsyncClient, client: Any) -> list[Json]:
    answer = await api.get(f"/v1/clients/{client.id}/archive", headers=DESK)
    assert answer.status_code == 200, answer.text
    lines: list[Json] = answer.json()["reminders"]
    return lines


@pytest.mark.parametrize(("known", "before"), [(JourneyMemory(policy=OTHER), (5, 2)), (None, (24, 1))])
async def test_timers_follow_the_settings_with_which_the_journey_began(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, known: JourneyMemory | None, before: tuple[int, ...]
) -> None:
    """And the present ones, if nobody answers for it."""
    ana = await rows.therapist()
    sara = await rows.client(ana, first_booked_at=NOW, account_active=True)
    ahead = await rows.appointment(sara, ana)
    engine.answers_to[MEMORY_QUERY] = known
    told = [line["at"] for line in await reminders(api, sara) if line["kind"] == "appointment_reminder"]
    assert told == [(ahead.starts_at - hours * HOUR).isoformat() for hours in before]


async def test_nobody_is_asked_about_who_is_archived_or_gone(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("a journey was asked that has nothing to say")

    monkeypatch.setattr(engine, "ask", never)
    ana = await rows.therapist()
    archived = await rows.client(ana, status=ClientStatus.ARCHIVED, archive_record={"reason": "moved"})
    closed = await rows.client(ana, closed_at=NOW)
    kept = await rows.client(ana)
    joined = await rows.client(ana, joined_into=kept.id)
    told = [await api.get(f"/v1/clients/{one.id}/archive", headers=DESK) for one in (archived, closed, joined)]
    assert [answer.status_code for answer in told] == [200, 404, 404]


async def test_mails_that_are_put_off_are_named_while_their_message_is_unread(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    engine.answers_to["message_waits"] = None
    ana = await rows.therapist()
    sara = await rows.client(ana, email="sara@example.com")
    body = {"kind": "care_team", "members": [str(sara.id)]}
    chat = (await api.post("/v1/chats", json=body, headers=DESK)).json()["id"]
    for text in ("One", "Two"):
        assert (await api.post(f"/v1/chats/{chat}/messages", json={"text": text}, headers=DESK)).status_code == 201
    told = Told(seq=1, at=NOW, waits=2, due_at=NOW + HOUR)
    engine.answers_to[MEMORY_QUERY] = JourneyMemory(policy=SETTINGS.policy, chats={chat: told})
    assert await reminders(api, sara) == [
        {
            "kind": "new_message",
            "at": "2026-03-02T13:00:00+00:00",
            "appointment_id": None,
            "chat_id": chat,
            "text": "notice of a new message on Mon 2 Mar 08:00",
        }
    ]
    engine.answers_to[MEMORY_QUERY] = None
    assert await reminders(api, sara) == []
    engine.answers_to[MEMORY_QUERY] = JourneyMemory(policy=SETTINGS.policy, chats={chat: told})
    read = await api.post(f"/v1/chats/{chat}/read?client_id={sara.id}", headers={"Authorization": "Bearer site-key"})
    assert read.status_code == 200
    assert await reminders(api, sara) == []


# ---------------------------------------------------------------- asking the engine


class Handle:
    """Temporal's client as far as a query needs it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def get_workflow_handle(self, _: str) -> "Handle":
        return self

    async def query(self, name: str, *, result_type: type[Any], rpc_timeout: timedelta) -> object:
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert (name, result_type) == ("memory", str)
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("an answer", "an answer"),
        (None, None),  # nobody ever answers
        (RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b""), None),
        (RPCError("away", RPCStatusCode.UNAVAILABLE, b""), None),
        (WorkflowQueryFailedError("no such query"), None),
    ],
)
async def test_a_question_that_can_be_done_without_is_answered_at_a_glance_or_not_at_all(
    answer: object, told: str | None
) -> None:
    journeys = JourneyEngine(cast(Client, Handle(answer)), glance=timedelta(seconds=0.05), at_once=1)
    for _ in range(2):  # the place in the line is given back
        async with asyncio.timeout(5):
            assert await journeys.ask("client-journey:x", "memory", str) == told


async def test_a_long_line_at_the_engine_is_not_waited_in() -> None:
    journeys = JourneyEngine(cast(Client, Handle("an answer")), glance=timedelta(seconds=0.05), at_once=1)
    await journeys._places.acquire()
    async with asyncio.timeout(5):
        assert await journeys.ask("client-journey:x", "memory", str) is None
