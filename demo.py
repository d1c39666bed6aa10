"""One client through everything, narrated: ``make demo``.

It starts the whole product on the movable clock and plays the booking site, the client, the therapist, the care team
and the bank. Each step says what time it is, which mails went out and what money moved - and checks that. Anything
that differs from what the story says ends it with a non-zero exit.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console

from engine.ending import end
from local.problems import CannotStart
from local.processes import Log
from local.stack import LocalStack, Ports

Json = dict[str, Any]
SITE, DESK, ADMIN = "dev-booking-site", "dev-care-team", "dev-admin"
NEW_YORK = ZoneInfo("America/New_York")
REST = timedelta(seconds=5)  # enough for what a step set going to come to rest
PASSWORD = "a long walk by the river"  # noqa: S105 - of somebody who does not exist


class Differs(Exception):
    """Something is not as the story says."""


@dataclass
class Story:
    """The people of the story, and what is already known of mails and money."""

    stack: LocalStack
    http: httpx.AsyncClient
    out: Console
    mails_told: int = 0
    charged: int = 0
    tokens: dict[str, str] = field(default_factory=lambda: {"site": SITE, "desk": DESK, "admin": ADMIN})
    chapters: int = 0

    # ------------------------------------------------------------ telling

    async def chapter(self, title: str) -> None:
        self.chapters += 1
        self.out.print(f"\n[bold]{self.chapters}. {title}[/bold]  [dim]{_when(await self.now())}[/dim]")

    def say(self, text: str) -> None:
        self.out.print(f"   {text}", highlight=False)

    def check(self, what: str, seen: object, expected: object) -> None:
        if seen != expected:
            message = f"{what}: {seen!r}, but the story says {expected!r}"
            raise Differs(message)

    async def mails(self, *expected: tuple[str, str]) -> list[Json]:
        """Exactly these mails (to whom, which) have gone out since the last look, in any order."""
        await self.advance(REST)
        outbox: list[Json] = (await self.http.get(f"{self.stack.sandbox_url}/outbox")).json()
        fresh, self.mails_told = outbox[self.mails_told :], len(outbox)
        seen = sorted((mail["to"].split("@")[0], mail["template"]) for mail in fresh)
        for mail in fresh:
            files = "".join(f" + {file['filename']}" for file in mail["attachments"])
            self.say(f"[cyan]mail[/cyan]  to {mail['to']}: “{mail['subject']}”{files}")
        self.check("mails", seen, sorted(expected))
        return fresh

    async def money(self, *expected: int) -> None:
        """Exactly these amounts (in cents) have been charged at Stripe since the last look."""
        intents = (await self.http.get(f"{self.stack.sandbox_url}/stripe/_state")).json()["payment_intents"]
        paid = [pi["amount"] for pi in intents if pi["status"] == "succeeded"]
        fresh, self.charged = paid[self.charged :], len(paid)
        for amount in fresh:
            self.say(f"[green]money[/green] {amount / 100:.2f} USD charged")
        if not fresh:
            self.say("[green]money[/green] nothing charged")
        self.check("charges", fresh, list(expected))

    # ------------------------------------------------------------ time

    async def now(self) -> datetime:
        return await self.stack.clock.now()

    async def advance(self, delta: timedelta) -> None:
        answer = await self.http.post(
            f"{self.stack.api_url}/dev/clock/advance", json={"seconds": round(delta.total_seconds())}
        )
        answer.raise_for_status()

    async def until(self, instant: datetime) -> None:
        ahead = instant - await self.now()
        if ahead > timedelta(seconds=1):
            await self.advance(ahead + timedelta(seconds=1))

    # ------------------------------------------------------------ asking

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: str, expect: int = 200, params: Json | None = None
    ) -> Any:
        headers = self._headers(by)
        answer = await self.http.request(method, self.stack.api_url + path, json=body, headers=headers, params=params)
        if answer.status_code != expect:
            message = f"{method} {path} answered {answer.status_code}: {answer.text}"
            raise Differs(message)
        return answer.json() if answer.content else None

    def _headers(self, by: str) -> dict[str, str]:
        """``pass``: the booking site, on behalf of the client whose pass it has."""
        if by == "pass":
            return self._headers("site") | {"On-Behalf-Of": f"Bearer {self.tokens['pass']}"}
        return {"Authorization": f"Bearer {self.tokens[by]}"} if by else {}

    async def refused(self, method: str, path: str, body: Any, *, by: str, name: str) -> Json:
        answer = await self.http.request(
            method,
            self.stack.api_url + path,
            json=body,
            headers=self._headers(by),
        )
        problem: Json = answer.json()
        self.check("refused", str(problem.get("type", "")).rsplit("/", 1)[-1], name)
        self.say(f"[yellow]no[/yellow]    {problem['detail']} ({name})")
        return problem

    async def signs_in(self) -> None:
        """Sessions end after hours of silence: whoever comes back signs in again."""
        who = {"email": "sara@example.com", "password": PASSWORD}
        self.tokens["sara"] = (await self.ask("POST", "/v1/sessions", who, by="", expect=201))["token"]

    async def slot(self, type: str, *, days: float) -> datetime:
        start = await self.now() + timedelta(days=days)
        answer = await self.ask(
            "GET",
            "/v1/therapists/ana-silva/slots",
            by="",
            params={
                "type": type,
                "time_zone": "America/New_York",
                "from": start.date().isoformat(),
                "to": (start + timedelta(days=6)).date().isoformat(),
            },
        )
        slots = [datetime.fromisoformat(slot["starts_at"]) for day in answer["days"] for slot in day["slots"]]
        return next(instant for instant in slots if instant >= start)

    async def stage(self, client: str, expected: str) -> None:
        view = await self.ask("GET", f"/v1/clients/{client}", by="desk")
        self.say(f"[magenta]stage[/magenta] {view['stage']}")
        self.check("stage", view["stage"], expected)

    async def bank_says(self, method: str, decline_code: str | None) -> None:
        answer = await self.http.post(
            f"{self.stack.sandbox_url}/stripe/_payment_methods/{method}", json={"decline_code": decline_code}
        )
        answer.raise_for_status()


async def tell(story: Story) -> None:
    sara = await find_a_therapist(story)
    call = await book_the_intro_call(story, sara)
    method = await activate_and_fill_in_forms(story, sara, call)
    sessions = await have_the_intro_call(story, sara, call)
    await pay_for_a_session(story, sessions[0])
    await pay_at_the_second_try(story, sara, sessions[1], method)
    await cancel_late(story, sessions[2])
    await archive(story, sara)
    await come_back(story, sara)
    await prove_it(story, sara)


async def find_a_therapist(story: Story) -> str:
    await story.chapter("Sara sends the matching form")
    answers = {
        "state": "NY",
        "concerns": ["anxiety", "burnout"],
        "languages": ["pt", "en"],
        "modality": "individual",
        "insurance": "Aetna",
        "preferred_times": [{"weekday": "mon", "part": "morning"}],
    }
    answer = await story.ask(
        "POST", "/v1/journeys", {"source": "matching_form", "answers": answers}, by="site", expect=201
    )
    story.tokens["pass"] = answer["pass"]
    match = answer["match"]
    story.check("therapist", match["therapist"], "ana-silva")
    story.say(f"matched with {match['therapist']}, score {match['score']:.2f}:")
    for factor in match["factors"]:
        story.say(f"  {factor['weight']:.2f} x {factor['score']:.2f}  {factor['because']}")
    story.say(f"next in line: {', '.join(runner['therapist'] for runner in match['runners_up'])}")
    await story.stage(answer["client_id"], "first_booking")
    return str(answer["client_id"])


async def book_the_intro_call(story: Story, sara: str) -> Json:
    await story.chapter("She picks a time, holds it, and books the intro call; her name comes last")
    start = await story.slot("intro_call", days=2)
    wanted = {"type": "intro_call", "starts_at": start.isoformat()}
    hold = await story.ask("POST", "/v1/therapists/ana-silva/holds", wanted, by="pass", expect=201)
    story.say(f"held until {_when(datetime.fromisoformat(hold['expires_at']))}")
    path = f"/v1/clients/{sara}/appointments"
    booking = wanted | {"mode": "phone", "hold_id": hold["hold_id"]}
    await story.refused("POST", path, booking, by="pass", name="client-details-required")
    booking["details"] = {
        "first_name": "Sara",
        "last_name": "Lind",
        "email": "sara@example.com",
        "phone": "+12125550100",
        "time_zone": "America/New_York",
    }
    call: Json = (await story.ask("POST", path, booking, by="pass", expect=201))["appointments"][0]
    story.say(f"booked: intro call, {_when(datetime.fromisoformat(call['starts_at']))}")
    await story.mails(
        ("sara", "welcome"),
        ("sara", "booking_confirmation"),
        ("sara", "forms_requested"),
        ("ana-silva", "new_client"),
        ("ana-silva", "appointment_booked"),
    )
    await story.stage(sara, "activation")
    return call


async def activate_and_fill_in_forms(story: Story, sara: str, call: Json) -> str:
    await story.chapter("A day later: reminders, then she activates her account and fills in the forms")
    await story.advance(timedelta(days=1, minutes=1))
    # If the call is less than a day ahead by now, it has been reminded of too.
    soon = datetime.fromisoformat(call["starts_at"]) - await story.now() <= timedelta(days=1)
    before_the_call = [("sara", "appointment_reminder"), ("sara", "forms_reminder")] if soon else []
    reminders = await story.mails(("sara", "activation_reminder"), ("sara", "forms_reminder"), *before_the_call)
    link = next(mail for mail in reminders if mail["template"] == "activation_reminder")
    token = link["text"].split("/activate/")[1].split()[0]
    await story.ask("POST", "/v1/activations", {"token": token, "password": PASSWORD}, by="")
    await story.signs_in()
    await story.stage(sara, "intake")

    forms = f"/v1/clients/{sara}/forms"
    await story.ask(
        "PUT", f"{forms}/informed_consent", {"answers": {"agrees": True}, "signature": "Sara Lind"}, by="sara"
    )
    await story.ask(
        "PUT",
        f"{forms}/initial_consultation",
        {
            "answers": {"reason": "Work", "emergency_contact": {"name": "Jo Lind", "phone": "+12125550101"}},
            "signature": "Sara Lind",
        },
        by="sara",
    )
    setup = await story.ask("POST", f"/v1/clients/{sara}/card-setup", {}, by="sara", expect=201)
    billing = {
        "answers": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
        "signature": "Sara Lind",
        "setup_intent": setup["setup_intent"],
    }
    await story.refused("PUT", f"{forms}/billing_info", billing, by="sara", name="validation-failed")
    confirmed = await story.http.post(
        f"{story.stack.sandbox_url}/stripe/v1/setup_intents/{setup['setup_intent']}/confirm",
        data={"payment_method": "pm_card_visa"},
        headers={"Authorization": "Bearer sk_test_browser"},
    )
    await story.ask("PUT", f"{forms}/billing_info", billing, by="sara")
    story.say("all three forms are complete; the card is saved at Stripe")
    await story.stage(sara, "intro_call")
    return str(confirmed.json()["payment_method"])


async def have_the_intro_call(story: Story, sara: str, call: Json) -> list[Json]:
    await story.chapter("The intro call takes place; Ana marks it, and books four weekly sessions")
    await story.signs_in()
    await story.refused(
        "POST",
        f"/v1/clients/{sara}/appointments",
        {"type": "session", "starts_at": (await story.slot("session", days=6)).isoformat(), "mode": "video"},
        by="sara",
        name="intro-call-required",
    )
    day_before = datetime.fromisoformat(call["starts_at"]) - timedelta(days=1)
    to_come = 2 if day_before > await story.now() else 1
    await story.until(datetime.fromisoformat(call["ends_at"]))
    await story.mails(*[("sara", "appointment_reminder")] * to_come)
    token = await story.ask("POST", "/v1/therapists/ana-silva/tokens", {}, by="admin", expect=201)
    story.tokens["ana"] = token["token"]
    await story.ask("POST", f"/v1/appointments/{call['id']}/outcome", {"outcome": "occurred"}, by="ana")
    start = await story.slot("session", days=6)
    answer = await story.ask(
        "POST",
        f"/v1/clients/{sara}/appointments",
        {"type": "session", "starts_at": start.isoformat(), "mode": "video", "weeks": 4},
        by="ana",
        expect=201,
    )
    sessions: list[Json] = answer["appointments"]
    for session in sessions:
        story.say(f"booked: session, {_when(datetime.fromisoformat(session['starts_at']))}")
    told = ("ana-silva", "profile_access_changed")  # of the token that was made for her
    await story.mails(("sara", "booking_confirmation"), ("ana-silva", "appointment_booked"), told)
    await story.money()
    await story.stage(sara, "in_care")
    return sessions


async def pay_for_a_session(story: Story, session: Json) -> None:
    await story.chapter("The first session takes place; the card is charged 24 hours after its end")
    await story.until(datetime.fromisoformat(session["ends_at"]))
    marked = await story.ask("POST", f"/v1/appointments/{session['id']}/outcome", {"outcome": "occurred"}, by="ana")
    due = datetime.fromisoformat(marked["payment"]["due_at"])
    story.say(f"marked as occurred; payment due {_when(due)}")
    await story.mails(("sara", "appointment_reminder"), ("sara", "appointment_reminder"))
    await story.until(due - timedelta(minutes=1))
    await story.money()
    await story.until(due)
    await story.mails(("sara", "receipt"))
    await story.money(15000)


async def pay_at_the_second_try(story: Story, sara: str, session: Json, method: str) -> None:
    await story.chapter("After the second session the bank says no at first")
    await story.until(datetime.fromisoformat(session["ends_at"]))
    marked = await story.ask("POST", f"/v1/appointments/{session['id']}/outcome", {"outcome": "occurred"}, by="ana")
    await story.mails(("sara", "appointment_reminder"), ("sara", "appointment_reminder"))
    await story.bank_says(method, "insufficient_funds")
    due = datetime.fromisoformat(marked["payment"]["due_at"])
    await story.until(due)
    payment = await _payment_of(story, sara, session)
    story.check("payment", (payment["status"], payment["attempts"]), ("failed", 1))
    story.say("declined: insufficient funds; tried again in 6 hours, and she is told when")
    await story.mails(("sara", "payment_failed"))
    await story.money()
    await story.bank_says(method, None)
    await story.until(due + timedelta(hours=6, minutes=1))
    await story.mails(("sara", "receipt"))
    await story.money(15000)
    payment = await _payment_of(story, sara, session)
    story.check("payment", (payment["status"], payment["attempts"]), ("paid", 2))


async def cancel_late(story: Story, session: Json) -> None:
    await story.chapter("She wants to cancel the third session a day before: too late to do it alone")
    start = datetime.fromisoformat(session["starts_at"])
    await story.until(start - timedelta(hours=23))
    await story.mails(("sara", "appointment_reminder"))
    path = f"/v1/appointments/{session['id']}/cancel"
    await story.signs_in()
    await story.refused("POST", path, {"reason": "travelling"}, by="sara", name="late-change-contact-therapist")
    asked = {"reason": "travelling", "requested_by": "client"}
    would = await story.ask("POST", path, asked | {"confirm": False}, by="ana")
    story.check("would be late", would["late"], True)
    cancelled = await story.ask("POST", path, asked | {"confirm": True}, by="ana")
    story.check("status", cancelled["status"], "late_cancelled")
    story.say("Ana cancels it at her request: late, so the full fee is due")
    await story.mails(("sara", "appointment_cancelled"), ("ana-silva", "appointment_changed"))
    await story.until(datetime.fromisoformat(cancelled["payment"]["due_at"]))
    await story.mails(("sara", "receipt"))
    await story.money(15000)


async def archive(story: Story, sara: str) -> None:
    await story.chapter("The care team archives her; the preview says what stops, and exactly that stops")
    preview = await story.ask("GET", f"/v1/clients/{sara}/archive", by="desk")
    done = await story.ask("POST", f"/v1/clients/{sara}/archive", {"reason": "moving away"}, by="desk")
    for part in ("appointments", "payments", "forms"):
        story.check(f"preview of {part}", preview[part], done[part])
    story.say(f"cancelled: {len(done['appointments'])} appointment, {len(done['payments'])} payments; no fee")
    await story.mails(("sara", "appointment_cancelled"), ("ana-silva", "appointment_changed"))
    await story.stage(sara, "archived")
    await story.signs_in()
    theirs = await story.ask("GET", f"/v1/clients/{sara}", by="sara")
    story.check("a word of the archive in her own view", "archiv" in str(theirs).lower(), False)
    await story.advance(timedelta(days=90))
    story.say("90 days pass")
    await story.mails()
    await story.money()


async def come_back(story: Story, sara: str) -> None:
    await story.chapter("She books again, and is active again in the same step")
    await story.signs_in()
    start = await story.slot("session", days=3)
    answer = await story.ask(
        "POST",
        f"/v1/clients/{sara}/appointments",
        {"type": "session", "starts_at": start.isoformat(), "mode": "zoom"},
        by="sara",
        expect=201,
    )
    session = answer["appointments"][0]
    await story.mails(
        ("sara", "booking_confirmation"), ("ana-silva", "appointment_booked"), ("ana-silva", "client_back")
    )
    await story.stage(sara, "in_care")
    await story.until(datetime.fromisoformat(session["ends_at"]))
    await story.ask("POST", f"/v1/appointments/{session['id']}/outcome", {"outcome": "occurred"}, by="desk")
    await story.advance(timedelta(hours=48))
    await story.mails(("sara", "appointment_reminder"), ("sara", "appointment_reminder"), ("sara", "receipt"))
    await story.money(15000)


async def prove_it(story: Story, sara: str) -> None:
    await story.chapter("The books and the timeline")
    payments = (await story.ask("GET", f"/v1/clients/{sara}/payments", by="desk"))["items"]
    paid = sum(payment["amount"] for payment in payments if payment["status"] == "paid")
    intents = (await story.http.get(f"{story.stack.sandbox_url}/stripe/_state")).json()["payment_intents"]
    at_stripe = sum(intent["amount"] for intent in intents if intent["status"] == "succeeded")
    story.say(f"paid by the ledger {paid / 100:.2f} USD, at Stripe {at_stripe / 100:.2f} USD")
    story.check("sum at Stripe", at_stripe, paid)
    story.check("paid", paid, 4 * 15000)
    balance = await story.ask("GET", f"/v1/clients/{sara}/balance", by="desk")
    story.check("owed", balance["owed"], 0)
    verified = await story.ask("GET", f"/v1/clients/{sara}/timeline/verify", by="desk")
    story.check("timeline", verified["valid"], True)
    story.say(f"the timeline's signed chain holds: {verified['facts']} facts")


async def _payment_of(story: Story, sara: str, session: Json) -> Json:
    payments: Sequence[Json] = (await story.ask("GET", f"/v1/clients/{sara}/payments", by="desk"))["items"]
    return next(payment for payment in payments if payment["appointment_id"] == session["id"])


def _when(instant: datetime) -> str:
    return instant.astimezone(NEW_YORK).strftime("%a %d %b %Y, %H:%M New York")


async def run() -> int:
    out = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    out.print("Starting the whole product on the movable clock ...")
    try:
        stack = await LocalStack.start(time_travel=True, ports=Ports.free(), log=Log(console=False))
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 1
    async with stack, httpx.AsyncClient(timeout=120, trust_env=False) as http:
        story = Story(stack, http, out)
        try:
            await tell(story)
        except Differs as difference:
            out.print(f"\n[bold red]The story went wrong.[/bold red] {difference}", markup=True)
            return 1
    out.print(f"\n[bold green]Everything was as told,[/bold green] in {time.monotonic() - began:.0f} seconds.")
    return 0


if __name__ == "__main__":
    end(asyncio.run(run()))
