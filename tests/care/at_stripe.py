"""What a browser, a bank, or somebody in the dashboard does at Stripe's stand-in, and what is seen there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]
VISA = "4242424242424242"


@dataclass(frozen=True)
class AtStripe:
    """The stand-ins are at ``sandbox_url``. What is refused raises, unless it says otherwise."""

    http: httpx.AsyncClient
    sandbox_url: str

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """By hand: the paths that begin with an underscore are the stand-in's own."""
        answer = await self.http.request(method, f"{self.sandbox_url}/stripe/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def form(self, path: str, data: Mapping[str, str | int], *, key: str) -> httpx.Response:
        """A call of Stripe's API, as a browser (with its publishable key) or the dashboard makes it."""
        headers = {"Authorization": f"Bearer {key}"}
        return await self.http.post(f"{self.sandbox_url}/stripe/v1/{path}", data=data, headers=headers)

    async def made(self, path: str, **data: str | int) -> Json:
        """What somebody makes in the dashboard."""
        answer = await self.form(path, data, key="sk_test_dashboard")
        assert answer.is_success, answer.text
        told: Json = answer.json()
        return told

    # ------------------------------------------------------------ the client's browser

    async def saves_card(self, setup_intent: str, card: str) -> None:
        """Stripe's own form confirms the setup, and the client what the bank asks."""
        answer = await self.form(
            f"setup_intents/{setup_intent}/confirm", {"payment_method": card}, key="sk_test_browser"
        )
        await self._passes_3ds(setup_intent, answer)

    async def checks_out(self, url: str, card: str = VISA, *, outcome: str = "complete") -> str:
        """The client gives a card on Checkout's page, and answers the bank if it asks; where the browser is sent to."""
        sent = await self.posted(url, number=card, exp="12/34", cvc="123")
        return await self.at_bank(sent, outcome) if "/3ds/" in sent else sent

    async def at_bank(self, url: str, outcome: str = "complete") -> str:
        """The client answers on the bank's page; where the browser is sent to."""
        assert "<form" in (await self.http.get(url)).raise_for_status().text
        return await self.posted(url, outcome=outcome)

    async def posted(self, url: str, **form: str) -> str:
        answer = await self.http.post(url, data=form, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def pays(self, intent: str, *, secret: str, card: str) -> None:
        await self._passes_3ds(intent, await self.confirms(intent, secret=secret, card=card))

    async def confirms(self, intent: str, *, secret: str, card: str) -> httpx.Response:
        """Alone: whatever the answer is, and without 3-D Secure."""
        given = {"client_secret": secret, "payment_method": card}
        return await self.form(f"payment_intents/{intent}/confirm", given, key="pk_test_browser")

    async def _passes_3ds(self, intent: str, answer: httpx.Response) -> None:
        answer.raise_for_status()
        if answer.json()["status"] == "requires_action":
            await self.authenticates(intent)

    async def authenticates(self, intent: str) -> None:
        await self.ask("POST", f"_authenticate/{intent}", {"outcome": "succeed"})

    # ------------------------------------------------------------ the bank

    async def bank_says(self, card: str | None, decline_code: str | None) -> None:
        """From now on the bank answers so whenever the card is charged; None: it pays."""
        await self.ask("POST", f"_payment_methods/{card}", {"decline_code": decline_code})

    async def disputed(self, intent: str | None, reason: str = "fraudulent") -> str:
        """The client asks the bank for the money back."""
        return str((await self.ask("POST", "_disputes", {"payment_intent": intent, "reason": reason}))["id"])

    async def asked_about(self, intent: str | None, reason: str = "fraudulent") -> str:
        """The client's bank opens an inquiry, and takes nothing."""
        body = {"payment_intent": intent, "reason": reason, "inquiry": True}
        return str((await self.ask("POST", "_disputes", body))["id"])

    # ------------------------------------------------------------ the dashboard

    async def gives_back(self, intent: str | None, amount: int) -> str:
        """A refund past the product; its id."""
        return str((await self.made("refunds", payment_intent=str(intent), amount=amount))["id"])

    async def detaches(self, card: str | None) -> None:
        """The card is taken off its customer, for good."""
        await self.made(f"payment_methods/{card}/detach")

    async def deletes(self, customer: str | None) -> None:
        headers = {"Authorization": "Bearer sk_test_dashboard"}
        answer = await self.http.delete(f"{self.sandbox_url}/stripe/v1/customers/{customer}", headers=headers)
        assert answer.is_success, answer.text

    # ------------------------------------------------------------ looking

    async def state(self) -> Json:
        return dict(await self.ask("GET", "_state"))

    async def intents_of(self, payment: str) -> list[Json]:
        """The PaymentIntents of a payment, oldest first."""
        return [i for i in (await self.state())["payment_intents"] if i["metadata"]["payment_id"] == payment]

    async def intents(self) -> list[tuple[int, str]]:
        """Amount and status of every PaymentIntent, oldest first."""
        return [(intent["amount"], intent["status"]) for intent in (await self.state())["payment_intents"]]

    async def refunds(self) -> list[tuple[int, str]]:
        return [(row["amount"], row["status"]) for row in (await self.state())["refunds"]]
