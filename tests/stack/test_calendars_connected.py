"""A therapist connects a calendar at a vendor, on real processes: what is busy there cannot be booked, until it is free
or the calendar is gone. What it is read with is found nowhere but in its sealed row."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from config.development import DEV_PAYLOAD_KEYS
from engine.codec import EncryptionCodec, PayloadKeys
from local.processes import Log
from local.stack import LocalStack, Ports
from tests.care.defaults import Json, details
from tests.care.outside.calendar_vendors import AtVendor
from tests.care.story import Care
from tests.stack.practice import add_therapist, care_of

ANA = "/v1/therapists/ana"
_WITHIN = 60.0  # seconds, for what workers do by themselves


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_WITHIN):
        while not await holds():
            await asyncio.sleep(0.2)


@pytest.mark.crowd
@pytest.mark.timeout(300)
async def test_what_is_busy_at_google_and_outlook_cannot_be_booked_here(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with closing(Log(console=False, file=log)) as told:
        await _connected(log, told)


async def _connected(log: Path, told: Log) -> None:
    async with (
        await LocalStack.start(ports=Ports.free(), seed=False, log=told) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        care = care_of(stack, http)
        await add_therapist(care, "ana")
        said: list[str] = []
        ids = [await _story(care, stack, kind, said) for kind in ("google", "outlook")]
        tokens = await _tokens(stack)
        assert len(tokens) > 4
        client = await Client.connect(stack.temporal_address)
        histories = [await _history(client, f"calendar:{id}") for id in ids]
        places = {"an answer": "".join(said), "the log": log.read_text(), "a history": "".join(histories)}
        assert [(place, token) for place, text in places.items() for token in tokens if token in text] == []


async def _story(care: Care, stack: LocalStack, kind: str, said: list[str]) -> str:
    """All of it with one vendor. Returns the calendar's id; ``said``: what the API answered."""
    at = AtVendor(url=f"{stack.sandbox_url}/{kind}", account=f"ana@{kind}.example")

    async def calendar() -> Json:
        [one] = await care.items(f"{ANA}/calendars", by="ana")
        said.append(str(one))
        return one

    async def is_in_state(state: str) -> bool:
        return bool((await calendar())["state"] == state)

    async def is_free(start: datetime) -> bool:
        return start in await _slots(care)

    added = await care.post(f"{ANA}/calendars", {"kind": kind}, by="ana")
    assert added["state"] == "waiting"
    path = f"{ANA}/calendars/{added['id']}"
    back = await at.answers(added["connect_url"])
    said.append(str(await care.post("/v1/calendar-connections", _coming(back), by="ana", expect=200)))
    await until(lambda: is_in_state("ok"))

    # An event appears: the time is gone for clients, and refused with others.
    start = (await _slots(care))[3]
    event = await at.puts_in(title="Very private", starts=start, ends=start + timedelta(minutes=30))
    await care.post(f"{path}/read", by="ana", expect=202)

    async def is_taken() -> bool:
        return not await is_free(start)

    await until(is_taken)
    sara = await care.arrives(name=f"Sara{kind}", therapist="ana", client=details(f"Sara{kind}", time_zone="UTC"))
    refused = await sara.cannot_book("session", name="slot-taken", starts_at=start)
    assert refused["alternatives"]
    [busy] = (await care.get(f"{ANA}/busy", by="ana", **{"from": start.date(), "to": start.date()}))["busy"]
    assert datetime.fromisoformat(busy["starts_at"]) == start
    said.append(str(busy))

    # It goes, and the time is free.
    await at.takes_out(event)
    await care.post(f"{path}/read", by="ana", expect=202)
    await until(lambda: is_free(start))
    await sara.books("session", start)

    # The consent is ended at the vendor: the therapist is told at once, and connects it again.
    await at.withdraws()
    await care.post(f"{path}/read", by="ana", expect=202)
    await until(lambda: is_in_state("needs_connecting"))
    news = [line["kind"] for line in await care.items("/v1/notifications", by="ana")]
    assert "calendar_failed" in news
    again = await care.post(f"{path}/connect", by="ana")
    await care.post("/v1/calendar-connections", _coming(await at.answers(again["connect_url"])), by="ana", expect=200)
    await until(lambda: is_in_state("ok"))

    # It is taken away, and what was allowed is given back where that can be done.
    await care.call("DELETE", path, by="ana", expect=204)
    assert await care.items(f"{ANA}/calendars", by="ana") == []
    assert await at.consents() == (0 if kind == "google" else 1)
    assert "Very private" not in "".join(said)
    return str(added["id"])


async def _slots(care: Care) -> list[datetime]:
    """Of the days after the day after tomorrow."""
    first = datetime.now(UTC).date() + timedelta(days=3)
    asked = {"type": "session", "from": first, "to": first + timedelta(days=1), "time_zone": "UTC"}
    days = (await care.get(f"{ANA}/slots", by="site", **asked))["days"]
    return [datetime.fromisoformat(slot["starts_at"]) for day in days for slot in day["slots"]]


def _coming(back: dict[str, str]) -> dict[str, str]:
    return {"state": back["state"], "code": back["code"]}


async def _tokens(stack: LocalStack) -> list[str]:
    """Every token that the vendors gave."""
    found = []
    for vendor in ("google", "outlook"):
        answers = (await AtVendor(url=f"{stack.sandbox_url}/{vendor}", account="").state())["answers"]
        found += [one["answer"][name] for one in answers for name in one["answer"] if name.endswith("_token")]
    return found


async def _history(client: Client, id: str) -> str:
    """A whole history, its payloads opened."""
    codec = EncryptionCodec(PayloadKeys.parse(DEV_PAYLOAD_KEYS), forgiving=True)
    history = await client.get_workflow_handle(id).fetch_history()
    parts = [str(history.to_json())]
    for event in history.events:
        done = event.activity_task_completed_event_attributes.result.payloads
        parts += [payload.data.decode() for payload in await codec.decode(list(done))]
    return "".join(parts)
