"""Stripe and SendGrid over HTTP, as far as the journey needs them. Each charge has a key: Stripe makes it once."""

import os
from typing import Any

import httpx

FEE = 12_000
_STRIPE = {"Authorization": "Bearer sk_test_peer"}
_SENDGRID = {"Authorization": "Bearer SG.peer"}
_TEXT = "Thank you for trusting us. " * 30


def stripe_url(path: str) -> str:
    return f"{os.environ['SANDBOX_URL']}/stripe/v1/{path}"


def stripe(http: httpx.Client, method: str, path: str, *, key: str | None = None, **data: Any) -> dict[str, Any]:
    """For the web server, where a client waits for the answer."""
    headers = _STRIPE | ({"Idempotency-Key": key} if key else {})
    answer = http.request(method, stripe_url(path), data=data or None, headers=headers)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


async def charge(http: httpx.AsyncClient, *, payment_id: str, customer: str, card: str) -> str:
    """The id of the intent that succeeded. Asked again with the same payment, Stripe answers what it answered first."""
    intent = {
        "amount": FEE,
        "currency": "usd",
        "customer": customer,
        "payment_method": card,
        "confirm": "true",
        "off_session": "true",
        "metadata[payment_id]": payment_id,
    }
    headers = _STRIPE | {"Idempotency-Key": f"charge:{payment_id}"}
    answer = await http.post(stripe_url("payment_intents"), data=intent, headers=headers)
    answer.raise_for_status()
    return str(answer.json()["id"])


async def send(http: httpx.AsyncClient, *, key: str, to: str, template: str, says: str = "") -> None:
    text = f"{says}\n\n{_TEXT}" if says else _TEXT
    mail = {
        "personalizations": [{"to": [{"email": to}]}],
        "from": {"email": "hello@practice.example"},
        "subject": template.replace("_", " "),
        "content": [{"type": "text/plain", "value": text}, {"type": "text/html", "value": f"<p>{text}</p>"}],
        "categories": [template],
        "custom_args": {"key": key},
    }
    answer = await http.post(f"{os.environ['SANDBOX_URL']}/sendgrid/v3/mail/send", json=mail, headers=_SENDGRID)
    answer.raise_for_status()
