"""The gateway of test clients: every card is good, no money moves, and nothing leaves the house.

It answers from the ids alone, so that it needs no memory: a retry, or another worker, gets the same answers.
"""

from hashlib import sha256

from activities.ports import Card, Intent, PaymentGateway, SetupIntent

_METHOD = "pm_simulated"


class SimulatedGateway(PaymentGateway):
    async def create_customer(self, *, client_ref: str, key: str) -> str:
        return f"cus_simulated_{client_ref}"

    async def create_setup_intent(self, *, customer: str, key: str) -> SetupIntent:
        return _setup(f"seti_simulated_{customer.removeprefix('cus_simulated_')}")

    async def retrieve_setup_intent(self, *, id: str) -> SetupIntent | None:
        return _setup(id) if id.startswith("seti_simulated_") else None

    async def card(self, *, payment_method: str) -> Card | None:
        return Card(payment_method=payment_method, brand="test", last4="0000", exp_month=12, exp_year=2099)

    async def create_intent(
        self, *, payment_id: str, client_id: str, customer: str, amount: int, currency: str, key: str
    ) -> Intent:
        digest = sha256(f"{payment_id}:{amount}:{currency}".encode()).hexdigest()[:24]
        return _intent(f"pi_simulated_{amount}_{currency}_{digest}", status="requires_confirmation", customer=customer)

    async def confirm_intent(self, *, intent: str, payment_method: str, key: str) -> Intent:
        return _intent(intent, status="succeeded", payment_method=payment_method)

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        return _intent(intent, status="requires_confirmation")

    async def cancel_intent(self, *, intent: str, key: str) -> Intent:
        return _intent(intent, status="canceled")


def _setup(id: str) -> SetupIntent:
    return SetupIntent(
        id=id,
        customer=f"cus_simulated_{id.removeprefix('seti_simulated_')}",
        status="succeeded",
        client_secret=f"{id}_secret",
        payment_method=_METHOD,
        usage="off_session",
    )


def _intent(id: str, *, status: str, customer: str | None = None, payment_method: str | None = None) -> Intent:
    _, _, amount, currency, _ = id.split("_")
    return Intent(
        id=id,
        status=status,
        amount=int(amount),
        currency=currency,
        customer=customer,
        payment_method=payment_method,
        client_secret=f"{id}_secret",
    )
