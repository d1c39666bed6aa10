"""Attack: whatever a vendor signs. No JSON, and nothing like it, is answered with a fault of ours."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules.money.webhook_signature import signature
from sandbox.sendgrid.events import sign
from tests.api.conftest import ToldEngine
from tests.care.defaults import WEBHOOK_SECRET
from tests.care.rows import NOW, Rows

STAMP = int(NOW.timestamp())
DEEP = 100_000
HUGE = "9" * 5_000  # more digits than Python turns into a number

# Texts with NUL and with halves of characters, numbers beyond every column, and all that JSON may hold besides.
texts = st.text(st.characters(exclude_categories=()), max_size=300) | st.sampled_from(
    ["\0", "evt_\0", "\ud800", "a\udfffb", "\u2028", "x" * 1_000, "payment_intent.succeeded", "cus_1", "pi_1", "e1"]
)
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**400, -1, 2**40, float("inf")])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "object", "status", "customer", "payment_intent", "metadata"), values)
)
kinds = st.sampled_from(["payment_intent.succeeded", "refund.updated", "charge.dispute.closed", "x"])
stripe_events = st.fixed_dictionaries(
    {
        "id": texts | values,
        "type": kinds | texts | values,
        "created": numbers | values,
        "data": st.fixed_dictionaries({"object": objects | values}) | values,
    }
)
mail_events = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "sg_event_id": texts | values,
            "event": st.sampled_from(["bounce", "dropped", "spamreport", "open"]) | values,
            "timestamp": numbers | values,
            "key": texts | values,
            "sg_message_id": texts | values,
            "reason": values,
            "type": values,
        },
    )
    | values,
    max_size=4,
)
BODIES = [
    b"",
    b"\0",
    b"\xff\xfe{}",
    b"null",
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"id":' * DEEP + b"1" + b"}" * DEEP,
    b'{"id":"e","type":"x","created":%s,"data":{"object":{}}}' % HUGE.encode(),
    b'{"id":"e","type":"x","created":1e999,"data":{"object":{}}}',
    b'{"id":"e","type":"x","created":NaN,"data":{"object":{}}}',
    b'{"id":"\\ud800","type":"refund.updated","created":1,"data":{"object":{"customer":"\\ud800"}}}',
    b'{"id":"e2","type":"refund.updated","created":1,"data":{"object":{"customer":"\\ud800"}}}',
    b'{"id":"e3","type":"refund.updated","created":1,"data":{"object":{"payment_intent":"\\udfff"}}}',
    b'[{"sg_event_id":"\\ud800","event":"bounce","key":"\\ud800","timestamp":%s}]' % HUGE.encode(),
    b'[{"sg_event_id":"e4","event":"dropped","reason":' + b"[" * 900 + b"]" * 900 + b"}]",
    b'[{"sg_event_id":"e5","event":"dropped","reason":"\\ud800","timestamp":1e400}]',
]


@pytest.fixture
def engine() -> ToldEngine:
    return ToldEngine(answers_to={"inbound_event": None})


@pytest.fixture
async def sara(rows: Rows) -> None:
    await rows.client(stripe_customer="cus_1")


def _stripe(body: bytes) -> dict[str, str]:
    return {"Stripe-Signature": f"t={STAMP},v1={signature(payload=body, secret=WEBHOOK_SECRET, timestamp=STAMP)}"}


SIGNED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "/v1/webhooks/stripe": _stripe,
    "/v1/webhooks/sendgrid": lambda body: sign(body, timestamp=STAMP),
}


async def _is_answered(api: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await api.post(path, content=body, headers=SIGNED[path](body))
    assert 200 <= answer.status_code < 500, (body[:200], answer.text)


def _written(value: Any) -> bytes:
    """As JSON: what is half a character as its escape, and NaN and infinity as Python has them."""
    return json.dumps(value).encode()


often = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@example(event=10**400)
@given(event=stripe_events | values)
async def test_whatever_stripe_signs(api: httpx.AsyncClient, sara: None, event: Any) -> None:
    await _is_answered(api, "/v1/webhooks/stripe", _written(event))


@often
@given(events=mail_events | values)
async def test_whatever_sendgrid_signs(api: httpx.AsyncClient, sara: None, events: Any) -> None:
    await _is_answered(api, "/v1/webhooks/sendgrid", _written(events))


@pytest.mark.parametrize("path", SIGNED)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
async def test_what_is_hardly_json(api: httpx.AsyncClient, sara: None, path: str, body: bytes) -> None:
    await _is_answered(api, path, body)


async def test_what_is_nested_to_the_brink(api: httpx.AsyncClient, sara: None) -> None:
    """Somewhere here reading ends well, and whatever is done with what was read would not."""
    for depth in range(700, 1_000, 2):
        deep = b"[" * depth + b"]" * depth
        event = b'[{"sg_event_id":"%d","event":"dropped","reason":%s}]' % (depth, deep)
        await _is_answered(api, "/v1/webhooks/sendgrid", event)
        told = b'{"id":"%d","type":"refund.updated","created":1,"data":{"object":{"customer":%s}}}' % (depth, deep)
        await _is_answered(api, "/v1/webhooks/stripe", told)
