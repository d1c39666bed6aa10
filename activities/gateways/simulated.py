"""The gateway of test clients: every card is good, no money moves, and nothing leaves the house.

It answers from the ids alone, so that it needs no memory: a retry, or another worker, gets the same answers. Having no
memory, it has nothing to list, and cannot add up what was refunded before; the ledger can.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from activities.ports import (
    Card,
    ChargeSeen,
    Checkout,
    DisputeSeen,
    GatewayRejected,
    Intent,
    PaymentGateway,
    RefundMade,
    SetupIntent,
)

_METHOD = "pm_simulated"
_NEVER = datetime(2099, 12, 31, tzinfo=UTC)


class SimulatedGateway(PaymentGateway):
    async def create_customer(self, *, client_ref: str, key: str) -> str:
        return f"cus_simulated_{client_ref}"

    async def has_customer(self, *, customer: str) -> bool:
        return customer.startswith("cus_simulated_")

    async def create_setup_intent(self, *, customer: str, key: str) -> SetupIntent:
        return _setup(f"seti_simulated_{customer.removeprefix('cus_simulated_')}")

    async def create_checkout(
        self, *, customer: str, client_id: str, success_url: str, cancel_url: str, key: str
    ) -> Checkout:
        """There is no page to be sent to: the client comes straight back, and the card is saved."""
        made = _checkout(f"cs_simulated_{customer.removeprefix('cus_simulated_')}")
        return replace(made, url=success_url.replace("{CHECKOUT_SESSION_ID}", made.id))

    async def retrieve_checkout(self, *, id: str) -> Checkout | None:
        return _checkout(id) if id.startswith("cs_simulated_") else None

    async def retrieve_setup_intent(self, *, id: str) -> SetupIntent | None:
        return _setup(id) if id.startswith("seti_simulated_") else None

    async def card(self, *, payment_method: str) -> Card | None:
        return Card(payment_method=payment_method, brand="test", last4="0000", exp_month=12, exp_year=2099)

    async def create_intent(
        self,
        *,
        payment_id: str,
        client_id: str,
        customer: str,
        amount: int,
        currency: str,
        key: str,
    ) -> Intent:
        digest = sha256(f"{payment_id}:{amount}:{currency}".encode()).hexdigest()[:24]
        return _intent(f"pi_simulated_{amount}_{currency}_{digest}", status="requires_confirmation", customer=customer)

    async def confirm_intent(
        self, *, intent: str, payment_method: str, key: str, return_url: str | None = None
    ) -> Intent:
        return _intent(intent, status="succeeded", payment_method=payment_method)

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        return _intent(intent, status="requires_confirmation") if intent.startswith("pi_simulated_") else None

    async def intents_of(self, *, payment_id: str, customer: str | None) -> list[Intent]:
        return []

    async def cancel_intent(self, *, intent: str, key: str) -> Intent:
        return _intent(intent, status="canceled")

    async def refund(
        self,
        *,
        intent: str,
        refund_id: str,
        amount: int,
        currency: str,
        key: str,
    ) -> RefundMade:
        paid = _intent(intent, status="succeeded")
        if paid.currency != currency.upper():
            raise GatewayRejected(f"{intent} was charged in {paid.currency}, not in {currency.upper()}")
        if not 1 <= amount <= paid.amount:
            raise GatewayRejected(f"{amount} cannot be refunded of the {paid.amount} that were paid")
        digest = sha256(f"{intent}:{refund_id}".encode()).hexdigest()[:24]
        made = _refund(f"re_simulated_{amount}_{paid.currency}_{digest}")
        return replace(made, intent=intent, charge=paid.latest_charge, refund_id=refund_id)

    async def find_refund(self, *, intent: str, refund_id: str) -> RefundMade | None:
        return None

    async def refunds_of(self, *, intent: str) -> list[RefundMade]:
        return []

    async def retrieve_refund(self, *, id: str) -> RefundMade | None:
        return _refund(id) if id.startswith("re_simulated_") else None

    async def retrieve_charge(self, *, id: str) -> ChargeSeen | None:
        if not id.startswith("ch_simulated_"):
            return None
        paid = _intent(f"pi_{id.removeprefix('ch_')}", status="succeeded")
        return ChargeSeen(
            id=id,
            intent=paid.id,
            status="succeeded",
            amount=paid.amount,
            amount_captured=paid.amount,
            amount_refunded=0,
            currency=paid.currency,
            disputed=False,
        )

    async def retrieve_dispute(self, *, id: str) -> DisputeSeen | None:
        return None

    async def disputes_of(self, *, intent: str) -> list[DisputeSeen]:
        return []

    async def list_intents(self, *, since: datetime, until: datetime) -> AsyncIterator[Intent]:
        return
        yield

    async def list_refunds(self, *, since: datetime, until: datetime) -> AsyncIterator[RefundMade]:
        return
        yield

    async def list_disputes(self, *, since: datetime, until: datetime) -> AsyncIterator[DisputeSeen]:
        return
        yield


def _setup(id: str) -> SetupIntent:
    return SetupIntent(
        id=id,
        customer=f"cus_simulated_{id.removeprefix('seti_simulated_')}",
        status="succeeded",
        client_secret=f"{id}_secret",
        payment_method=_METHOD,
        usage="off_session",
    )


def _checkout(id: str) -> Checkout:
    ref = id.removeprefix("cs_simulated_")
    return Checkout(
        id=id,
        mode="setup",
        status="complete",
        customer=f"cus_simulated_{ref}",
        setup_intent=f"seti_simulated_{ref}",
        url=None,
        expires_at=_NEVER,
    )


def _intent(id: str, *, status: str, customer: str | None = None, payment_method: str | None = None) -> Intent:
    _, _, amount, currency, _ = id.split("_")
    paid = status == "succeeded"
    return Intent(
        id=id,
        status=status,
        amount=int(amount),
        currency=currency,
        customer=customer,
        payment_method=payment_method,
        client_secret=f"{id}_secret",
        amount_received=int(amount) if paid else 0,
        latest_charge=f"ch_{id.removeprefix('pi_')}" if paid else None,
    )


def _refund(id: str) -> RefundMade:
    _, _, amount, currency, _ = id.split("_")
    return RefundMade(id=id, status="succeeded", amount=int(amount), currency=currency)
