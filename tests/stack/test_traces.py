"""Traces of the real programs: one from a request to the vendor's call, and nothing in any that is about somebody."""

import asyncio

import httpx
import pytest

from local.stack import LocalStack, Ports
from tests.care.defaults import details
from tests.care.story import Care, Person
from tests.stack.collector import Collector, collecting
from tests.stack.practice import add_therapist, care_of

MARK = "Quillfeather"  # which stands nowhere else
ALLOWED = {
    *("http.request.method", "http.response.status_code", "http.route", "url.scheme", "server.address", "server.port"),
    *("db.namespace", "db.system.name", "error.type", "exception.type"),
    *("temporalActivityID", "temporalRunID", "temporalUpdateID", "temporalWorkflowID"),
}


@pytest.mark.crowd
@pytest.mark.timeout(480)
async def test_a_request_is_one_trace_down_to_the_vendor_and_tells_of_nobody() -> None:
    with collecting() as collector:
        env = {
            "WORKER_CACHED_WORKFLOWS": "0",  # so that each task replays all that was before it
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        async with (
            await LocalStack.start(time_travel=True, ports=Ports.free(), env=env, seed=False, pages=True) as stack,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            care = care_of(stack, http)
            sara = await _a_story(care)
            asked_by_others = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "baggage": f"name={MARK}"}
            await care.call("GET", f"/v1/clients?search={MARK}", by="desk", headers=asked_by_others)
            await care.call("GET", f"/{MARK}", by=None, expect=404)
            await http.get(f"{stack.worker_urls['worker']}/metrics")
            for path in (f"/?next={MARK}", f"/therapists/{MARK}", "/therapists/ana", "/metrics"):
                await http.get(f"{stack.site_url}{path}", headers=asked_by_others)
            assert stack.api is not None
            assert stack.website is not None
            await asyncio.gather(
                stack.api.stop(), stack.website.stop(), stack.stop_worker()
            )  # with what was not sent yet

    below = _below(collector, "POST /v1/clients/{client_id}/card-setup")
    assert {
        ("api", "StartWorkflowUpdate:system.set_up_card"),
        ("worker", "HandleUpdate:system.set_up_card"),
        ("worker", "StartActivity:set_up_card"),
        ("worker", "RunActivity:set_up_card"),
        ("worker", "POST"),  # to Stripe
        ("worker", "SELECT client"),
    } <= below
    assert {("api", "StartWorkflowUpdate:book"), ("worker", "RunActivity:book"), ("worker", "INSERT appointment")} <= (
        _below(collector, "POST /v1/clients/{client_id}/appointments")
    )
    assert ("worker", "POST") in _below(collector, "RunActivity:deliver")  # to SendGrid
    assert ("pages", "GET") in _below(collector, "GET /")  # to the API
    assert ("pages", "GET") in _below(collector, "GET /therapists/{slug}")
    # Whatever was replayed since is not told again.
    assert [len(collector.named(name)) for name in ("HandleUpdate:book", "StartActivity:book")] == [1, 1]
    assert not any(bytes.fromhex("ab" * 16) == span.trace_id for _, span in collector.spans)
    _tells_of_nobody(collector, sara, care)


async def _a_story(care: Care) -> Person:
    await add_therapist(care, "ana")
    named = details("sara", time_zone="UTC") | {"first_name": MARK}
    sara = await care.arrives(name="sara", therapist="ana", client=named)
    await sara.gives_card(by="desk")
    await sara.books("session", by="desk")
    await sara.session(1).cancelled(by="desk", reason=f"{MARK} is ill")
    await care.pass_time(minutes=1)
    await asyncio.sleep(1)
    return sara


def _below(collector: Collector, name: str) -> set[tuple[str, str]]:
    return {
        (program.removeprefix("care-journeys-"), span.name)
        for top in collector.named(name)
        for program, span in collector.below(top)
    }


def _tells_of_nobody(collector: Collector, sara: Person, care: Care) -> None:
    said = b"".join(collector.bodies)
    for word in (MARK, "is ill", "search", sara.email, care.tokens["desk"], "WHERE", "/metrics"):
        assert word.encode() not in said, word
    for _, span in collector.spans:
        events = [attribute.key for event in span.events for attribute in event.attributes]
        assert {*(attribute.key for attribute in span.attributes), *events} <= ALLOWED
        assert span.status.message == ""
