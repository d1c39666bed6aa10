"""Many clients on a running stack of real processes, asked over HTTP alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.stack import LocalStack

Json = dict[str, Any]
KEYS = {"site": "dev-booking-site", "desk": "dev-care-team", "admin": "dev-admin"}
ALWAYS = [
    {"weekday": day, "from": "00:00", "to": "24:00", "types": ["intro_call", "session"]}
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
]


@dataclass
class Client:
    """One client with a card on file, and the session booked for them."""

    id: str
    email: str
    session: Json


@dataclass
class Asker:
    """Asks the API of a stack; every answer that is not the expected one fails the test."""

    stack: LocalStack
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None, *, by: str = "site", expect: int = 200) -> Json:
        answer = await self.http.request(
            method, self.stack.api_url + path, json=body, headers={"Authorization": f"Bearer {KEYS[by]}"}
        )
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    async def add_therapist(self, slug: str, *, minutes: int = 50) -> None:
        """One who is always there, in UTC, with sessions of that length back to back."""
        await self.ask(
            "POST",
            "/v1/therapists",
            {
                "slug": slug,
                "name": slug.title(),
                "email": f"{slug}@practice.example",
                "time_zone": "UTC",
                "licensed_in": ["NY"],
                "concerns": [],
                "languages": ["en"],
                "modalities": ["individual"],
                "session_fee": {"amount": 12000, "currency": "USD"},
                "intro_calls": "off",
            },
            by="admin",
            expect=201,
        )
        settings = {"session": {"duration": minutes, "step": minutes, "buffer_after": 0, "minimum_notice": 0}}
        await self.ask(
            "PUT", f"/v1/therapists/{slug}/availability", {"weekly": ALWAYS, "settings": settings}, by="admin"
        )

    async def arrives(self, name: str, therapist: str) -> Client:
        """The form with all details, and Billing Info with a good card."""
        details = {
            "first_name": name,
            "last_name": "Lind",
            "email": f"{name}@example.com",
            "phone": "+12125550100",
            "time_zone": "UTC",
        }
        form = {"source": "direct_booking", "therapist": therapist, "client": details}
        id = (await self.ask("POST", "/v1/journeys", form, expect=201))["client_id"]
        setup = await self.ask("POST", f"/v1/clients/{id}/card-setup", {}, expect=201)
        confirmed = await self.http.post(
            f"{self.stack.sandbox_url}/stripe/v1/setup_intents/{setup['setup_intent']}/confirm",
            data={"payment_method": "pm_card_visa"},
            headers={"Authorization": "Bearer sk_test_browser"},
        )
        confirmed.raise_for_status()
        billing = {
            "answers": {"billing_name": f"{name} Lind", "accepts_fee_policy": True},
            "signature": f"{name} Lind",
            "setup_intent": setup["setup_intent"],
        }
        await self.ask("PUT", f"/v1/clients/{id}/forms/billing_info", billing)
        return Client(id=id, email=f"{name}@example.com", session={})

    async def books(self, client: Client, starts_at: datetime) -> None:
        """The practice books a session, inside every notice."""
        booking = {"type": "session", "starts_at": starts_at.isoformat(), "mode": "video"}
        booked = await self.ask("POST", f"/v1/clients/{client.id}/appointments", booking, by="desk", expect=201)
        client.session = booked["appointments"][0]

    async def marks(self, client: Client) -> Json:
        return await self.ask(
            "POST", f"/v1/appointments/{client.session['id']}/outcome", {"outcome": "occurred"}, by="desk"
        )

    async def payments(self, client: Client) -> Sequence[Json]:
        found: Sequence[Json] = (await self.ask("GET", f"/v1/clients/{client.id}/payments", by="desk"))["items"]
        return found

    async def until_paid(self, clients: Sequence[Client], *, within: float) -> None:
        """Wait until every client has a settled payment; look no more often than needed."""
        async with asyncio.timeout(within):
            waiting = list(clients)
            while waiting:
                states = await asyncio.gather(*(self.payments(client) for client in waiting))
                waiting = [
                    client
                    for client, payments in zip(waiting, states, strict=True)
                    if not payments or payments[0]["status"] in ("scheduled", "processing", "failed")
                ]
                if waiting:
                    await asyncio.sleep(0.5)

    async def succeeded(self) -> list[Json]:
        state = (await self.http.get(f"{self.stack.sandbox_url}/stripe/_state")).json()
        return [intent for intent in state["payment_intents"] if intent["status"] == "succeeded"]

    async def mails(self, template: str) -> list[str]:
        outbox = (await self.http.get(f"{self.stack.sandbox_url}/outbox")).json()
        return [mail["to"] for mail in outbox if mail["template"] == template]


def soon(seconds: float) -> datetime:
    """A whole second on the real clock, at least ``seconds`` ahead."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)
