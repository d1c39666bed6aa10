"""What the gateway makes of each fault, through Stripe's own client: how to go on, and that going on so ends well."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import stripe

from activities.gateways import stripe as gateway_module
from activities.gateways.stripe import StripeGateway
from activities.ports import ChargeSeen, DisputeSeen, GatewayRejected, GatewayUnavailable
from tests.gateways.contracts import Shop, around_now, every, fresh_key
from tests.gateways.test_contracts import shop_of
from tests.sandbox.process import Sandbox


@pytest.fixture
def shop(gateway: StripeGateway) -> Shop:
    return shop_of(gateway)


@pytest.fixture(autouse=True)
def no_faults_left(sandbox: Sandbox) -> Iterator[None]:
    yield
    httpx.delete(f"{sandbox.stripe}/_faults", trust_env=False).raise_for_status()


def arrange(sandbox: Sandbox, *faults: dict[str, Any]) -> None:
    sandbox.post("/stripe/_faults", list(faults))


def fired(sandbox: Sandbox) -> list[int]:
    return [row["fired"] for row in sandbox.get("/stripe/_faults")]


def attempts(sandbox: Sandbox, intent: str) -> tuple[int, int]:
    """Confirms that reached Stripe, and those that succeeded."""
    told = sandbox.get("/stripe/_state")["attempts"][intent]
    return told["confirms"], told["successes"]


@dataclass(frozen=True)
class Trouble:
    """What a fault looks like from here: may it have been done, may the same key be sent again; and was it done."""

    kind: str
    ambiguous: bool
    same_key: bool
    done: bool

    def is_told_by(self, error: GatewayUnavailable) -> bool:
        return (error.ambiguous, error.retry_with_same_key) == (self.ambiguous, self.same_key)


TROUBLES = [
    Trouble("lost_request", ambiguous=True, same_key=True, done=False),
    Trouble("lost_answer", ambiguous=True, same_key=True, done=True),
    Trouble("error_before", ambiguous=True, same_key=False, done=False),
    Trouble("error_after", ambiguous=True, same_key=False, done=True),
    Trouble("rate_limited", ambiguous=False, same_key=False, done=False),
    Trouble("conflict", ambiguous=True, same_key=True, done=False),
]
each_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.kind)


@each_trouble
async def test_a_troubled_confirm_charges_once(shop: Shop, sandbox: Sandbox, trouble: Trouble) -> None:
    customer, card = await shop.saved_card()
    made = await shop.intent(customer)
    arrange(sandbox, {"kind": trouble.kind, "call": "payment_intents.confirm"})
    key = fresh_key()
    with pytest.raises(GatewayUnavailable) as unavailable:
        await shop.gateway.confirm_intent(intent=made.id, payment_method=card, key=key)
    assert trouble.is_told_by(unavailable.value)
    assert fired(sandbox) == [1]
    found = await shop.gateway.retrieve_intent(intent=made.id)
    assert found is not None
    assert (found.status == "succeeded") is trouble.done
    assert attempts(sandbox, made.id) == ((1, 1) if trouble.done else (0, 0))

    # Going on as told ends well: the same key, or after a look another one.
    if trouble.same_key or not trouble.done:
        next_key = key if trouble.same_key else fresh_key()
        paid = await shop.gateway.confirm_intent(intent=made.id, payment_method=card, key=next_key)
        assert paid.status == "succeeded"
    assert attempts(sandbox, made.id) == (1, 1)


@each_trouble
async def test_a_troubled_create_makes_one_intent(shop: Shop, sandbox: Sandbox, trouble: Trouble) -> None:
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    arrange(sandbox, {"kind": trouble.kind, "call": "payment_intents.create"})
    key = fresh_key()
    with pytest.raises(GatewayUnavailable) as unavailable:
        await shop.intent(customer, key=key)
    assert trouble.is_told_by(unavailable.value)

    def there() -> list[str]:
        rows = sandbox.get("/stripe/_state")["payment_intents"]
        return [row["id"] for row in rows if row["customer"] == customer]

    assert len(there()) == (1 if trouble.done else 0)
    if trouble.same_key:
        assert [(await shop.intent(customer, key=key)).id] == there()
    elif trouble.done:
        # The failure was kept: the old key will always tell of it. The intent it made is a harmless stray.
        with pytest.raises(GatewayUnavailable):
            await shop.intent(customer, key=key)
        [stray] = there()
        assert (await shop.gateway.cancel_intent(intent=stray, key=fresh_key())).status == "canceled"
    else:
        assert [(await shop.intent(customer, key=fresh_key())).id] == there()


async def test_a_troubled_refund_gives_back_once(shop: Shop, sandbox: Sandbox) -> None:
    paid = await shop.paid()
    refund = partial(shop.gateway.refund, intent=paid.id, refund_id="r-1", amount=5000, currency="USD", key=fresh_key())
    arrange(sandbox, {"kind": "lost_answer", "call": "refunds.create"})
    with pytest.raises(GatewayUnavailable):
        await refund()
    found = await shop.gateway.find_refund(intent=paid.id, refund_id="r-1")
    assert found is not None
    assert await refund() == found
    refunds = [row for row in sandbox.get("/stripe/_state")["refunds"] if row["payment_intent"] == paid.id]
    assert [row["amount"] for row in refunds] == [5000]


async def test_a_slow_answer_is_given_up_and_yet_done(sandbox: Sandbox, shop: Shop) -> None:
    customer, card = await shop.saved_card()
    made = await shop.intent(customer)
    hasty = StripeGateway(api_key="sk_test_tests", api_base=sandbox.stripe, timeout_seconds=0.2)
    arrange(sandbox, {"kind": "slow", "call": "payment_intents.confirm", "seconds": 1})
    order = {"intent": made.id, "payment_method": card, "key": fresh_key()}
    with pytest.raises(GatewayUnavailable) as late:
        await hasty.confirm_intent(**order)
    assert (late.value.ambiguous, late.value.retry_with_same_key) == (True, True)
    with pytest.raises(GatewayUnavailable, match="in-progress"):  # the first is still at work
        await shop.gateway.confirm_intent(**order)
    await hasty.aclose()
    async with asyncio.timeout(30):
        while attempts(sandbox, made.id) != (1, 1):
            await asyncio.sleep(0.05)
    assert (await shop.gateway.confirm_intent(**order)).status == "succeeded"
    assert attempts(sandbox, made.id) == (1, 1)


async def test_every_other_call_says_that_nobody_answers(shop: Shop, sandbox: Sandbox) -> None:
    paid = await shop.paid()
    assert paid.latest_charge is not None
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        "payment_intents.retrieve": lambda: shop.gateway.retrieve_intent(intent=paid.id),
        "payment_intents.cancel": lambda: shop.gateway.cancel_intent(intent=paid.id, key=fresh_key()),
        "payment_intents.list": lambda: every(shop.gateway.list_intents(**around_now())),
        "refunds.list": lambda: every(shop.gateway.list_refunds(**around_now())),
        "refunds.retrieve": lambda: shop.gateway.retrieve_refund(id="re_1"),
        "charges.retrieve": lambda: shop.gateway.retrieve_charge(id=str(paid.latest_charge)),
        "disputes.retrieve": lambda: shop.gateway.retrieve_dispute(id="du_1"),
        "disputes.list": lambda: every(shop.gateway.list_disputes(**around_now())),
        "customers.create": lambda: shop.gateway.create_customer(client_ref="C-1", key=fresh_key()),
        "setup_intents.*": lambda: shop.gateway.retrieve_setup_intent(id="seti_1"),
        "payment_methods.retrieve": lambda: shop.gateway.card(payment_method="pm_1"),
    }
    for call, ask in asks.items():
        arrange(sandbox, {"kind": "error_before", "call": call})
        with pytest.raises(GatewayUnavailable):
            await ask()
    assert fired(sandbox) == [1] * len(asks)


async def test_lists_go_on_to_the_last_page(shop: Shop, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_PAGE", 2)
    customer = await shop.gateway.create_customer(client_ref="C-1", key=fresh_key())
    made = [(await shop.intent(customer)).id for _ in range(5)]
    listed = [row.id for row in await every(shop.gateway.list_intents(**around_now()))]
    assert listed[:5] == made[::-1]  # newest first
    assert len(listed) == len(set(listed)) == len(sandbox.get("/stripe/_state")["payment_intents"])

    # A page in the middle that cannot be had is an error, never a shorter list. This seed spares the first page.
    arrange(sandbox, {"kind": "error_before", "call": "payment_intents.list", "probability": 0.5, "seed": 1})
    with pytest.raises(GatewayUnavailable):
        await every(shop.gateway.list_intents(**around_now()))
    [met] = sandbox.get("/stripe/_faults")
    assert (met["seen"], met["fired"]) == (2, 1)


async def test_a_dispute_is_seen_and_forbids_refunds(shop: Shop, sandbox: Sandbox) -> None:
    paid = await shop.paid()
    opened = sandbox.post("/stripe/_disputes", {"payment_intent": paid.id, "reason": "product_not_received"})
    dispute = await shop.gateway.retrieve_dispute(id=opened["id"])
    assert dispute is not None
    assert dispute == DisputeSeen(
        id=opened["id"],
        intent=paid.id,
        amount=12000,
        currency="USD",
        status="needs_response",
        reason="product_not_received",
        charge=paid.latest_charge,
        created=dispute.created,
        answer_by=dispute.answer_by,
    )
    assert dispute.created is not None
    assert dispute.answer_by == dispute.created + timedelta(days=7)
    assert dispute in await every(shop.gateway.list_disputes(**around_now()))
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(intent=paid.id, refund_id="r-1", amount=1, currency="USD", key=fresh_key())
    assert refused.value.code == "charge_disputed"
    assert paid.latest_charge is not None
    charge = await shop.gateway.retrieve_charge(id=paid.latest_charge)
    assert isinstance(charge, ChargeSeen)
    assert charge.disputed

    sandbox.post(f"/stripe/_disputes/{dispute.id}", {"status": "lost"})
    ended = await shop.gateway.retrieve_dispute(id=dispute.id)
    assert ended is not None
    assert ended.status == "lost"


async def test_a_refund_that_fails_later_is_told(shop: Shop, vendor: stripe.StripeClient, sandbox: Sandbox) -> None:
    customer, card = await shop.saved_card("pm_card_refundFail")
    made = await shop.intent(customer)
    await shop.gateway.confirm_intent(intent=made.id, payment_method=card, key=fresh_key())
    refund = await shop.gateway.refund(intent=made.id, refund_id="r-1", amount=12000, currency="USD", key=fresh_key())
    assert (refund.status, refund.because) == ("succeeded", None)
    sandbox.post(f"/stripe/_refunds/{refund.id}", {})
    assert refund.id is not None
    told = await shop.gateway.retrieve_refund(id=refund.id)
    assert told is not None
    assert (told.status, told.because) == ("failed", "expired_or_canceled_card")


async def test_a_card_can_be_made_to_expire(shop: Shop, sandbox: Sandbox) -> None:
    _, card = await shop.saved_card()
    sandbox.post(f"/stripe/_payment_methods/{card}", {"exp_month": 2, "exp_year": 2027})
    shown = await shop.gateway.card(payment_method=card)
    assert shown is not None
    assert (shown.exp_month, shown.exp_year) == (2, 2027)
