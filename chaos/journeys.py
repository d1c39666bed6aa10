"""The clients: each arrives, books, fills in the forms, gives a card, and has the session or not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import httpx

from chaos.callers import ADMIN, DESK, ApiClient, NotAnswered, problem_of

FEE = 12_000
_LEAD = timedelta(seconds=6)  # from the booking to the session, which lasts the shortest time that there is: a minute
_SESSION = timedelta(minutes=1)
_TAKEN = ("slot-taken", "slot-unavailable")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Ending(StrEnum):
    """What becomes of a client's session."""

    OCCURRED = "occurred"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"  # by the practice: nothing is due
    CARD_DECLINES = "card_declines"  # it occurred, and the bank says no every time

    @property
    def is_charged(self) -> bool:
        return self in (Ending.OCCURRED, Ending.NO_SHOW)


@dataclass
class ClientStory:
    """One client. ``ended`` once all that they asked was answered; ``broke`` says what was not."""

    number: int
    therapist: str
    client_id: str = ""
    appointment_id: str = ""
    ended: bool = False
    broke: str = ""

    @property
    def ending(self) -> Ending:
        by_number = {3: Ending.NO_SHOW, 7: Ending.CANCELLED, 11: Ending.CARD_DECLINES}
        return by_number.get(self.number % 20, Ending.OCCURRED)

    @property
    def name(self) -> str:
        return f"client{self.number}"

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    @property
    def under_way(self) -> bool:
        return bool(self.client_id) and not self.ended and not self.broke


def stories(*, journeys: int, therapists: int) -> list[ClientStory]:
    """So many clients, of so many therapists in turn."""
    return [ClientStory(number=number, therapist=f"t{number % therapists}") for number in range(journeys)]


async def open_practice(caller: ApiClient, all_stories: Sequence[ClientStory]) -> None:
    """Their therapists, who are always there, with sessions of a minute back to back."""
    await asyncio.gather(*(_therapist(caller, slug) for slug in {story.therapist for story in all_stories}))


async def _therapist(caller: ApiClient, slug: str) -> None:
    profile = {
        "slug": slug,
        "name": slug.title(),
        "email": therapist_email(slug),
        "time_zone": "UTC",
        "licensed_in": ["NY"],
        "concerns": [],
        "languages": ["en"],
        "modalities": ["individual"],
        "session_fee": {"amount": FEE, "currency": "USD"},
        "intro_calls": "off",
    }
    await caller.done("POST", "/v1/therapists", profile, by=ADMIN, once=f"therapist-{slug}")
    weekly = [{"weekday": day, "from": "00:00", "to": "24:00", "types": ["session"]} for day in _DAYS]
    settings = {"session": {"duration": 1, "step": 1, "buffer_after": 0, "minimum_notice": 0}}
    hours = {"weekly": weekly, "settings": settings}
    await caller.done("PUT", f"/v1/therapists/{slug}/availability", hours, by=ADMIN)


def therapist_email(slug: str) -> str:
    return f"{slug}@practice.example"


async def tell_all(
    all_stories: Sequence[ClientStory], caller: ApiClient, *, sandbox_url: str, over: float, at_once: int
) -> None:
    """All of them, arriving one after the other over so many seconds, or when one of those before has left."""
    places = asyncio.Semaphore(at_once)

    async def tell(story: ClientStory) -> None:
        await asyncio.sleep(story.number * over / len(all_stories))
        try:
            async with places:
                await _tell(story, caller, sandbox_url)
            story.ended = True
        except NotAnswered as error:
            story.broke = str(error)

    await asyncio.gather(*(tell(story) for story in all_stories))


async def _tell(story: ClientStory, caller: ApiClient, sandbox_url: str) -> None:
    name = story.name
    details = {
        "first_name": name.title(),
        "last_name": "Lind",
        "email": story.email,
        "phone": "+12125550100",
        "time_zone": "UTC",
    }
    form = {"source": "direct_booking", "therapist": story.therapist, "client": details}
    story.client_id = (await caller.done("POST", "/v1/journeys", form, once=f"start-{name}"))["client_id"]
    booked = await _book(story, caller)
    story.appointment_id = booked["id"]
    await _fill_in(story, caller, sandbox_url)
    if story.ending is Ending.CANCELLED:
        wish = {"requested_by": "practice", "reason": "the therapist is ill"}
        await caller.done("POST", f"/v1/appointments/{booked['id']}/cancel", wish, by=DESK, once=f"cancel-{name}")
        return
    await asyncio.sleep(max(0.0, (datetime.fromisoformat(booked["starts_at"]) - _now()).total_seconds()) + 0.5)
    outcome = {"outcome": "no_show" if story.ending is Ending.NO_SHOW else "occurred"}
    await caller.done("POST", f"/v1/appointments/{booked['id']}/outcome", outcome, by=DESK, once=f"outcome-{name}")


async def _book(story: ClientStory, caller: ApiClient) -> Any:
    """The next moment that the therapist has; a later one where somebody was quicker, or the moment has gone by."""
    path, ahead, number = f"/v1/clients/{story.client_id}/appointments", _LEAD, 0
    while True:
        wish = {"type": "session", "starts_at": (_now() + ahead).replace(microsecond=0).isoformat(), "mode": "video"}
        answer = await caller.ask("POST", path, wish, by=DESK, once=f"book-{story.name}-{number}")
        if answer.is_success:
            return answer.json()["appointments"][0]
        if problem_of(answer) not in _TAKEN:
            raise NotAnswered(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        ahead, number = ahead + _SESSION, number + 1


async def _fill_in(story: ClientStory, caller: ApiClient, sandbox_url: str) -> None:
    """With the practice, in the session: nobody here has activated an account."""
    forms = f"/v1/clients/{story.client_id}/forms"
    signed = {"signature": f"{story.name.title()} Lind"}
    contact = {"name": "Jo Lind", "phone": "+12125550101"}
    path, once = f"/v1/clients/{story.client_id}/card-setup", f"card-{story.name}"
    setup = await caller.done("POST", path, {}, by=DESK, once=once)
    await _save_card(story, caller, setup["setup_intent"], sandbox_url)
    answers: dict[str, dict[str, Any]] = {
        "informed_consent": {"answers": {"agrees": True}},
        "initial_consultation": {"answers": {"reason": "Sleep", "emergency_contact": contact}},
        "billing_info": {
            "answers": {"billing_name": story.name, "accepts_fee_policy": True},
            "setup_intent": setup["setup_intent"],
        },
    }
    for kind, body in answers.items():
        await caller.done("PUT", f"{forms}/{kind}", {**body, **signed}, by=DESK)


async def _save_card(story: ClientStory, caller: ApiClient, setup: str, sandbox_url: str) -> None:
    """What the browser does at Stripe, until Stripe has it."""
    card = "pm_card_chargeCustomerFail" if story.ending is Ending.CARD_DECLINES else "pm_card_visa"
    url, headers = f"{sandbox_url}/stripe/v1/setup_intents/{setup}", {"Authorization": "Bearer sk_test_browser"}
    async with asyncio.timeout(120):
        while True:
            try:
                told = (await caller.http.get(url, headers=headers)).json()
                if told["status"] == "succeeded":
                    return
                await caller.http.post(f"{url}/confirm", data={"payment_method": card}, headers=headers)
            except (httpx.TransportError, ValueError):
                await asyncio.sleep(0.3)


def _now() -> datetime:
    return datetime.now(UTC)
