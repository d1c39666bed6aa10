"""Who archived, where the signal does not say: whom the engine's record names, and nobody waits for that."""

import asyncio
from time import monotonic

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from engine.codec import data_converter
from engine.message_record import TemporalMessageRecord
from rules.accounts.caller import via_temporal
from tests.care.house import KEYS
from tests.care.story import Care, Person
from tests.journeys.booking.waitlist import comes
from workflows.messages import journey_id

STEP = "message_sender"


async def _signals(care: Care, person: Person, name: str, *arguments: object, as_: str) -> None:
    client = await Client.connect(
        care.house.engine.service_client.config.target_host, data_converter=data_converter(KEYS), identity=as_
    )
    await client.get_workflow_handle(journey_id(person.id)).signal(name, args=arguments)


async def _actors(person: Person, *, number: int) -> list[str]:
    async with asyncio.timeout(60):
        while True:
            told = [f["actor"] for f in await person.timeline() if f["kind"] in ("archived", "unarchived")]
            if len(told) >= number:
                return told
            await asyncio.sleep(0.05)


async def _steps(person: Person) -> int:
    """How often the history was asked."""
    history = await person.journey.fetch_history()
    markers = [event for event in history.events if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED]
    return sum(STEP.encode() in event.marker_recorded_event_attributes.SerializeToString() for event in markers)


async def test_the_timeline_names_who_sent_a_bare_signal_by_identity(live: Care) -> None:
    await live.therapist("ana", intro_calls="off")
    sara, otto = await comes(live, "Sara"), await comes(live, "Otto")
    await _signals(live, sara, "archive", as_="maria@practice\n.example " + "x" * 200)
    first = via_temporal("maria@practice .example " + "x" * 200)
    assert await _actors(sara, number=1) == [first]
    assert (first.startswith("via Temporal (maria@practice .example x"), len(first)) == (
        True,
        len("via Temporal ()") + 100,
    )
    await _signals(live, sara, "unarchive", as_="otto")
    assert await _actors(sara, number=2) == [first, "via Temporal (otto)"]

    async with asyncio.timeout(60):
        while await _steps(sara) != 2:  # it is recorded with the end of the task
            await asyncio.sleep(0.05)

    # Who says it is believed, and costs no step.
    await _signals(live, otto, "archive", {"by": "maria"}, as_="somebody")
    assert await _actors(otto, number=1) == ["maria"]
    await live.post(f"/v1/clients/{otto.id}/unarchive", by="desk", expect=200)
    assert await _actors(otto, number=2) == ["maria", "care_team:desk"]
    await live.rest()
    assert await _steps(otto) == 0


@pytest.mark.parametrize("trouble", ["silent", "broken"])
async def test_a_record_that_cannot_be_read_endangers_no_archive(
    care: Care, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def sender_of(*_: object, **__: object) -> str:
        if trouble == "silent":
            await asyncio.sleep(600)
        raise RuntimeError("what nobody has thought of")

    monkeypatch.setattr(TemporalMessageRecord, "sender_of", sender_of)
    await care.therapist("ana", intro_calls="off")
    sara = await comes(care, "Sara")
    asked = monotonic()
    await sara.journey.signal("archive")
    await sara.journey.signal("unarchive", {"by": "maria"})  # keeps its turn
    assert await _actors(sara, number=2) == ["via Temporal", "maria"]
    assert monotonic() - asked < 120
    assert await sara.stage() == "first_booking"
