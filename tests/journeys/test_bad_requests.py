"""Bad questions, what is no request at all, and messages that the engine cannot decode."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import RawValue

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.refused import Bad, nothing_comes_of, seen


async def test_questions(care: Care, sara: Person) -> None:
    slots = "/v1/therapists/ana/slots?type=session"

    def requests() -> Iterator[Bad]:
        for query, field in (
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=ten", "limit"),
            ("cursor=nonsense", "cursor"),
            ("cursor=WyJhIiwiYiJd", "cursor"),
            ("cursor=WzEsMl0", "cursor"),
            ("status=gone", "status"),
            ("stage=lost", "stage"),
            ("group=x", "group"),
            ("q=%00", "query"),
        ):
            yield Bad("GET", f"/v1/clients?{query}", None, field, by="desk")
        for query, field in (
            ("from=soon", "from"),
            ("from=2026-01-01T00:00:00", "from"),
            ("to=9999-12-31", "to"),
            ("from=2026-01-01&to=2026-06-01", "to"),
            ("client=sara", "client"),
            ("time_zone=Moon/Base", "time_zone"),
            ("status=due", "status"),
        ):
            yield Bad("GET", f"/v1/appointments?{query}", None, field, by="desk")
        for query, field in (
            ("from=2026-01-02&to=2026-01-01", "to"),
            ("from=2026-01-01&to=2026-06-01", "to"),
            ("from=9999-12-31", "from"),
            ("from=tomorrow", "from"),
            ("time_zone=Moon/Base", "time_zone"),
            ("hold_id=x", "hold_id"),
        ):
            yield Bad("GET", f"{slots}&{query}", None, field, by=None)
        yield Bad("GET", "/v1/therapists/ana/slots?type=tea", None, "type", by=None)
        yield Bad("GET", "/v1/therapists/ana/slots", None, "type", by=None)
        yield Bad("GET", "/v1/therapists/nobody/slots?type=session", None, None, by=None, name="not-found", status=404)
        yield Bad("GET", "/v1/nothing", None, None, by="desk", name="not-found", status=404)
        yield Bad("GET", "/v1/clients/x%00", None, None, by="desk", name="not-found", status=404)
        yield Bad("DELETE", f"/v1/clients/{sara.id}", None, None, by="admin", name="not-allowed", status=405)

    await nothing_comes_of(care, sara, requests())


async def test_what_is_no_request_at_all(care: Care, sara: Person) -> None:
    path = f"/v1/clients/{sara.id}/appointments"

    def requests() -> Iterator[Bad]:
        for raw in (
            b"",
            b"{",
            b"null",
            b"[]",
            b'"text"',
            b"{'type': 'session'}",
            b"\xff\xfe\x00",
            b'{"type": NaN',
            b"[" * 5_000,
            b'{"a":' * 5_000,
            b"9" * 5_000,
        ):
            yield Bad("POST", path, None, "body" if raw[:1] != b'"' else None, raw=raw)
            yield Bad("POST", "/v1/journeys", None, None, raw=raw)
        huge = b'{"source": "matching_form", "note": "' + b"x" * 1_100_000 + b'"}'
        yield Bad("POST", "/v1/journeys", None, "body", raw=huge, status=413)
        deep: Json = {"answers": {"reason": "x"}, "signature": "Sara"}
        for _ in range(40):
            deep["answers"] = {"reason": deep["answers"]}
        yield Bad("PUT", f"/v1/clients/{sara.id}/forms/initial_consultation", deep, "answers")

    await nothing_comes_of(care, sara, requests())
    for wrong_key in ("", "x" * 256, "a b"):
        answer = await care.call(
            "POST",
            "/v1/journeys",
            {"source": "direct_booking", "therapist": "ana"},
            headers={"Idempotency-Key": wrong_key},
        )
        assert answer.status_code == 422, wrong_key
    assert len((await care.get("/v1/clients"))["items"]) == 1


async def test_what_the_engine_cannot_decode_is_refused_or_dropped_and_the_journey_goes_on(
    care: Care, sara: Person
) -> None:
    await care.rest()
    before = await seen(care, sara)
    stranger = await Client.connect(care.house.engine.service_client.config.target_host)  # with no key, and no manners
    journey = stranger.get_workflow_handle(sara.journey.id)
    appointment = stranger.get_workflow_handle(sara.appointments[0].workflow.id)
    junk: list[Any] = ["not an archive", {"notify": "perhaps"}, 7, [[]]]
    for value in junk:
        await journey.signal("archive", value)
    await journey.signal("no_such_signal", {"x": 1})
    await journey.signal("system.appointment_reported", {"version": "newest"})
    await appointment.signal("system.facts_changed", {"id": 5})
    for name in ("book", "system.activate", "system.submit_form"):
        with pytest.raises((WorkflowUpdateFailedError, KeyError)):  # who has no key cannot read a refusal's details
            await journey.execute_update(name, {"client_id": uuid4().hex})
    with pytest.raises((WorkflowUpdateFailedError, KeyError)):
        await appointment.execute_update("cancel", "now")
    await care.rest()
    assert await seen(care, sara) == before
    assert (await sara.look())["status"] == "active"

    for key_id in (b"test", b""):
        sealed = Payload(metadata={"encoding": b"binary/encrypted", "key-id": key_id}, data=b"\x00" * 40)
        await journey.signal("archive", RawValue(sealed))
    await care.rest()
    assert (await sara.look())["status"] == "active"
    await sara.completes_forms()
    await sara.books("session", after=timedelta(days=2))
    await sara.appointments[0].cancelled()
    await sara.is_archived()
    assert await sara.stage() == "archived"
