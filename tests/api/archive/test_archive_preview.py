"""The preview of an archive: it names the timers that stop, from the rows alone."""

from datetime import timedelta
from typing import Any

import httpx

from models.database import Sessions
from models.writes.outbox import client_mail, order_mails
from rules.enums import ClientStatus
from rules.mail.kinds import Mail
from tests.api.conftest import DESK, SETTINGS, ToldEngine
from tests.care.rows import NOW, Rows

Json = dict[str, Any]
HOUR = timedelta(hours=1)


async def reminders(api: httpx.AsyncClient, client: Any) -> list[Json]:
    answer = await api.get(f"/v1/clients/{client.id}/archive", headers=DESK)
    assert answer.status_code == 200, answer.text
    lines: list[Json] = answer.json()["reminders"]
    return lines


async def test_timers_follow_the_settings(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana, first_booked_at=NOW, account_active=True)
    ahead = await rows.appointment(sara, ana)
    told = [line["at"] for line in await reminders(api, sara) if line["kind"] == "appointment_reminder"]
    assert told == [
        f"{(ahead.starts_at - before).replace(tzinfo=None).isoformat()}Z"
        for before in SETTINGS.policy.appointment_reminders
    ]


async def test_nothing_stops_of_who_is_archived_or_gone(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    archived = await rows.client(ana, status=ClientStatus.ARCHIVED, archive_record={"reason": "moved"})
    closed = await rows.client(ana, closed_at=NOW)
    kept = await rows.client(ana)
    joined = await rows.client(ana, joined_into=kept.id)
    told = [await api.get(f"/v1/clients/{one.id}/archive", headers=DESK) for one in (archived, closed, joined)]
    assert [answer.status_code for answer in told] == [200, 404, 404]


async def test_mails_that_are_put_off_are_named_while_their_message_is_unread(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    engine.answers_to["message_waits"] = None
    ana = await rows.therapist()
    sara = await rows.client(ana, email="sara@example.com")
    body = {"kind": "care_team", "members": [str(sara.id)]}
    chat = (await api.post("/v1/chats", json=body, headers=DESK)).json()["id"]
    for text in ("One", "Two"):
        assert (await api.post(f"/v1/chats/{chat}/messages", json={"text": text}, headers=DESK)).status_code == 201
    assert await reminders(api, sara) == []
    mail = client_mail(Mail.NEW_MESSAGE, sara, f"{chat}:2", chat_id=chat, chat_seq=2)
    async with sessions() as session:
        await order_mails(session, [mail], at=NOW, not_before=NOW + HOUR)
        await session.commit()
    assert await reminders(api, sara) == [
        {
            "kind": "new_message",
            "at": "2026-03-02T13:00:00Z",
            "appointment_id": None,
            "chat_id": chat,
            "text": "notice of a new message on Mon 2 Mar 2026, 08:00",
        }
    ]
    read = await api.post(f"/v1/chats/{chat}/read", headers=await rows.beside_site(sara))
    assert read.status_code == 200
    assert await reminders(api, sara) == []
