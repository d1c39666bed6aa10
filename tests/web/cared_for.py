"""Clients who were there before a test begins, made by the API: with a card, a session that was charged or not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.web.people import ZONE, Site

THERAPIST = "rosa-jimenez"


@dataclass(frozen=True, kw_only=True)
class CaredFor:
    id: str
    ref: str
    name: str
    email: str

    @property
    def record(self) -> str:
        return f"/staff/clients/{self.id}"


async def added(site: Site, name: str, *, therapist: str = THERAPIST) -> CaredFor:
    """Somebody who called."""
    details = {"first_name": name, "last_name": "Dahl", "email": f"{name.lower()}@cared.example"}
    details |= {"phone": "+12125550100", "time_zone": ZONE, "state": "NY"}
    body = {"source": "care_team", "therapist": therapist, "client": details}
    begun = await site.api("POST", "/v1/journeys", body)
    return CaredFor(id=begun["client_id"], ref=begun["ref"], name=f"{name} Dahl", email=details["email"])


async def booked(site: Site, client: CaredFor, *, therapist: str = THERAPIST, type: str = "session") -> dict[str, Any]:
    """The first open time."""
    days = (await site.api("GET", f"/v1/therapists/{therapist}/slots?type={type}&time_zone={ZONE}"))["days"]
    starts_at = next(slot["starts_at"] for day in days for slot in day["slots"])
    body = {"type": type, "starts_at": starts_at, "mode": "video", "reason": "Agreed on the phone."}
    [appointment] = (await site.api("POST", f"/v1/clients/{client.id}/appointments", body))["appointments"]
    return dict(appointment)


async def took_place(site: Site, appointment: dict[str, Any]) -> None:
    ends_at = datetime.fromisoformat(appointment["ends_at"])
    await site.advance(ends_at - await site.now() + timedelta(minutes=1))
    await site.api("POST", f"/v1/appointments/{appointment['id']}/outcome", {"outcome": "occurred"})


async def with_card(site: Site, name: str, *, card: str = "pm_card_visa", therapist: str = THERAPIST) -> CaredFor:
    """Added, activated, with a first session booked, every form complete and a card at Stripe."""
    client = await added(site, name, therapist=therapist)
    await booked(site, client, therapist=therapist)
    token = (await site.link(client.email, "welcome")).rpartition("/")[2]
    password = "three small boats at sea"
    await site.api("POST", "/v1/activations", {"token": token, "password": password}, key="dev-booking-site")
    signed_in = await site.api(
        "POST", "/v1/sessions", {"email": client.email, "password": password}, key="dev-booking-site"
    )
    await gives_card(site, client, card=card, token=signed_in["token"])
    return client


async def gives_card(site: Site, client: CaredFor, *, card: str, token: str) -> None:
    forms = f"/v1/clients/{client.id}/forms"
    setup = await site.api("POST", f"/v1/clients/{client.id}/card-setup", key=token)
    intent = setup["setup_intent"]
    form = {"payment_method": card, "client_secret": setup["client_secret"]}
    (
        await site.http.post(
            f"{site.stack.sandbox_url}/stripe/v1/setup_intents/{intent}/confirm",
            data=form,
            headers={"Authorization": "Bearer pk_test_browser"},
        )
    ).raise_for_status()
    contact = {"name": "Jo Dahl", "phone": "+12125550101"}
    answers: dict[str, dict[str, Any]] = {
        "informed_consent": {"answers": {"agrees": True}},
        "initial_consultation": {"answers": {"reason": "Work", "emergency_contact": contact}},
        "billing_info": {
            "setup_intent": intent,
            "answers": {"billing_name": client.name, "accepts_fee_policy": True},
        },
    }
    for kind, body in answers.items():
        await site.api("PUT", f"{forms}/{kind}", body | {"signature": client.name}, key=token)


async def charged(site: Site, name: str, *, card: str = "pm_card_visa", therapist: str = THERAPIST) -> CaredFor:
    """A session took place, and its payment was due: paid, or what became of it with such a card."""
    client = await with_card(site, name, card=card, therapist=therapist)
    [first] = (await site.api("GET", f"/v1/appointments?client={client.id}"))["items"]
    await took_place(site, first)
    await site.advance(timedelta(hours=49))
    return client
