"""Therapist and care team write to each other: the mails say that a message waits, and only while it does."""

from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.story import Care
from tests.journeys.care.test_chats import writes

THERAPIST = "ana@practice.example"


async def told(care: Care, whom: str) -> list[Json]:
    await care.rest()
    return await care.mails(to=whom, template="staff_message")


async def test_s33_each_side_is_told_that_a_message_waits(care: Care) -> None:
    await care.therapist("ana", name="Ana Silva")
    chat = await care.post("/v1/chats", {"kind": "staff"}, by="ana")
    for _ in range(3):
        await writes(care, "ana", chat, "Sara asked about her invoice")
    [mail] = await told(care, CARE_TEAM_EMAIL)
    assert "Ana Silva has written to you" in mail["text"]
    assert "/staff/chats" in mail["text"]
    assert "invoice" not in mail["text"] + mail["html"] + mail["subject"]
    assert await told(care, THERAPIST) == []

    await care.post(f"/v1/chats/{chat['id']}/read", by="desk", expect=200)
    await writes(care, "desk", chat)
    [mail] = await told(care, THERAPIST)
    assert "The care team has written to you" in mail["text"]
    # Within the hour: later, if nobody has read it by then.
    await writes(care, "ana", chat)
    assert len(await told(care, CARE_TEAM_EMAIL)) == 1
    await writes(care, "desk", chat)
    await care.post(f"/v1/chats/{chat['id']}/read", by="ana", expect=200)
    await care.pass_time(minutes=61)
    assert len(await told(care, CARE_TEAM_EMAIL)) == 2
    assert len(await told(care, THERAPIST)) == 1
    await care.pass_time(days=2)
    assert len(await told(care, CARE_TEAM_EMAIL)) == 2
