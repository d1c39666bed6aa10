"""Stories read like stories: ``sara = await care.client_in_care(sessions=4)``, ``await sara.session(1).occurs()``.

Everything goes through the API and is seen through the API, the outbox and the stand-in for Stripe, as the booking
site, the therapist and the care team would see it. Time passes only by ``pass_time`` and ``until``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import WorkflowHandle

from api.accounts.tokens import PREFIX
from models.database import Sessions
from tests.care.at_stripe import AtStripe
from tests.care.defaults import ADMIN_KEY, DESK_KEY, OFFICE_KEY, SITE_KEY, Json, details, weekly_hours
from tests.care.house import PUBLIC_URL, House
from tests.care.on_behalf import beside_the_key
from tests.care.rows import Rows
from workflows.messages import appointment_workflow_id, journey_id

TIDY = timedelta(seconds=2)  # enough for what a call set going to come to rest
CARD_PAGE = "http://portal.example/card"
PAY_PAGE = "http://portal.example/pay"
ALL_DAY = weekly_hours()
ANSWERS = {"state": "NY", "concerns": ["anxiety"], "languages": ["en"], "modality": "individual"}

_KEYS = {"site": SITE_KEY, "desk": DESK_KEY, "office": OFFICE_KEY, "admin": ADMIN_KEY}


@dataclass
class Care:
    """The practice, its people and its clock."""

    house: House
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=lambda: dict(_KEYS))

    arrived: list[str] = field(default_factory=list)  # ids of clients
    passes: dict[str, str] = field(default_factory=dict)  # by the id of whose they are
    people: list[Person] = field(default_factory=list)  # in the order in which they arrived
    moved: list[str] = field(default_factory=list)  # how the clock went, and because of what

    @property
    def at_stripe(self) -> AtStripe:
        return AtStripe(self.http, self.house.sandbox_url)

    # ------------------------------------------------------------ asking

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | None = "site",
        expect: int | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request. ``by`` names who asks: ``site``, ``desk`` or ``office`` (two of the care
        team), ``admin``, a therapist's slug, a client's address.

        The site asks on behalf of the client whose id is ``for_whom``, or whom the call is about."""
        headers, for_whom = dict(more.pop("headers", {})), more.pop("for_whom", None)
        if by is not None:
            headers["Authorization"] = f"Bearer {self.tokens[by]}"
        is_a_key = by == "site" and not self.tokens["site"].startswith(PREFIX)  # and no person's own token
        if is_a_key and not headers.keys() & {"On-Behalf-Of"}:
            headers |= await self.on_behalf(method, path, body, for_whom=for_whom)
        answer = await self.http.request(method, self.house.api_url + path, json=body, headers=headers, **more)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    async def on_behalf(self, method: str, path: str, body: Any, *, for_whom: str | None = None) -> dict[str, str]:
        """For whom the site asks: a client whom the call is about, else the one who arrived last. Over HTTP alone, with
        the pass that it was given then."""
        sessions: Sessions | None = getattr(self.house, "sessions", None)
        if sessions is not None:
            at = await self.now()
            last = self.arrived[-1] if self.arrived else None
            return await beside_the_key(sessions, method, path, body, for_whom=for_whom, otherwise=last, at=at)
        passes = [token for id, token in self.passes.items() if id in path]
        return {"On-Behalf-Of": f"Bearer {passes[0]}"} if passes else {}

    async def get(self, path: str, *, by: str | None = "desk", **params: Any) -> Json:
        for_whom = params.pop("for_whom", None)
        view: Json = (await self.call("GET", path, by=by, expect=200, for_whom=for_whom, params=params)).json()
        return view

    async def items(self, path: str, *, by: str | None = "desk", **params: Any) -> list[Json]:
        """The first page of a list."""
        return list((await self.get(path, by=by, **params))["items"])

    async def post(
        self, path: str, body: Any = None, *, by: str | None = "site", expect: int = 201, **more: Any
    ) -> Json:
        answer: Json = (await self.call("POST", path, body or {}, by=by, expect=expect, **more)).json()
        return answer

    async def refused(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | None = "site",
        for_whom: str | None = None,
        name: str,
        status: int = 409,
    ) -> Json:
        """The problem document of a refusal, without its own id; the name and the status are checked."""
        answer = await self.call(method, path, body, by=by, for_whom=for_whom, expect=status)
        problem: Json = answer.json()
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert problem["type"].rsplit("/", 1)[-1] == name, problem
        assert problem.pop("request_id") == answer.headers["Request-Id"]
        return problem

    # ------------------------------------------------------------ time

    @property
    def rows(self) -> Rows:
        return Rows(self.house.sessions)

    async def now(self) -> datetime:
        return await self.house.now()

    async def pass_time(self, **delta: float) -> None:
        said = ", ".join(f"{name}={value:g}" for name, value in delta.items())
        await self._moves(timedelta(**delta), because=f"pass_time({said})")

    async def until(self, instant: datetime, *, because: str = "until") -> None:
        ahead = instant - await self.now()
        if ahead > timedelta():
            await self._moves(ahead, because=because)

    async def rest(self) -> None:
        """Let everything that is under way come to rest, however long that takes the machine. Two seconds pass."""
        await self._moves(TIDY, because="rest")
        await self.house.deliveries_end()

    async def _moves(self, delta: timedelta, *, because: str) -> None:
        """The one way in which a verb moves the clock: a story that fails tells of each."""
        now = await self.house.clock.advance(delta)
        self.moved.append(f"{now:%Y-%m-%d %H:%M:%S}, {delta} on: {because}")

    # ------------------------------------------------------------ the practice

    async def therapist(
        self, slug: str = "ana", *, weekly: list[Json] | None = None, settings: Json | None = None, **changes: Any
    ) -> str:
        """A therapist who is always there, unless the story says otherwise; signs in as ``by=slug``."""
        profile: Json = {
            "slug": slug,
            "name": f"{slug.title()} Silva",
            "email": f"{slug}@practice.example",
            "time_zone": "America/New_York",
            "licensed_in": ["NY"],
            "concerns": ["anxiety"],
            "languages": ["en"],
            "modalities": ["individual"],
            "gender": "female",
            "insurances": [],
            "session_fee": {"amount": 12000, "currency": "USD"},
            "intro_calls": "optional",
            "zoom_link": None,
            "accepting_clients": True,
            "caseload_limit": 50,
        }
        await self.post("/v1/therapists", profile | changes, by="admin")
        hours = {
            "weekly": ALL_DAY if weekly is None else weekly,
            "overrides": [],
            "time_off": [],
            "settings": settings or {},
        }
        await self.call("PUT", f"/v1/therapists/{slug}/availability", hours, by="admin", expect=200)
        self.tokens[slug] = await self.token_of(slug)
        return slug

    async def changes_hours(self, slug: str = "ana", **changes: Any) -> None:
        """The therapist's availability, with ``weekly``, ``overrides``, ``time_off`` or ``settings`` as given."""
        path = f"/v1/therapists/{slug}/availability"
        present = await self.get(path, by="admin")
        hours = {name: present[name] for name in ("weekly", "overrides", "time_off", "settings")} | changes
        await self.call("PUT", path, hours, by="admin", expect=200)

    async def goes_on_leave(
        self, slug: str = "ana", *, first: datetime, last: datetime, notify: bool = False, reason: str = "a journey"
    ) -> Json:
        """From an instant to another; answers whom it touches. ``notify``: these clients are mailed."""
        away = {"starts_at": first.isoformat(), "ends_at": last.isoformat(), "reason": reason, "notify": notify}
        return await self.post(f"/v1/therapists/{slug}/leaves", away, by=slug)

    async def joins_staff(self, name: str, *roles: str, password: str = "correct horse battery") -> str:  # noqa: S107
        """An admin invites them, the mailed link is followed, and they sign in: then ``by=name`` asks as this person.
        Two seconds pass."""
        email = f"{name}@practice.example"
        await self.post("/v1/staff", {"name": name.title(), "email": email, "roles": list(roles)}, by="admin")
        await self.rest()
        [mail] = await self.mails(to=email, template="invitation")
        token = mail["text"].split("/invitations/")[1].split()[0]
        await self.post("/v1/activations", {"token": token, "password": password}, by=None, expect=200)
        await self.signs_in(name, password=password)
        return name

    async def signs_in(self, name: str, *, password: str = "correct horse battery") -> None:  # noqa: S107
        """Somebody of the practice, anew: from now on ``by=name`` asks by this sign-in."""
        body = {"email": f"{name}@practice.example", "password": password, "side": "staff"}
        self.tokens[name] = (await self.post("/v1/sessions", body, by=None))["token"]

    async def token_of(self, slug: str) -> str:
        """What a program of the therapist's shows; nobody is told that it was made."""
        return await self.rows.token_of(slug, made_at=await self.now())

    async def slots(self, slug: str, type: str, *, after: timedelta = timedelta(days=3)) -> list[datetime]:
        """The open slots that begin ``after`` from now or later, for some days."""
        start = await self.now() + after
        days = (
            await self.get(
                f"/v1/therapists/{slug}/slots",
                by=None,
                type=type,
                time_zone="UTC",
                **{"from": start.date().isoformat(), "to": (start + timedelta(days=3)).date().isoformat()},
            )
        )["days"]
        slots = [datetime.fromisoformat(slot["starts_at"]) for day in days for slot in day["slots"]]
        return [instant for instant in slots if instant >= start]

    async def slot(self, slug: str, type: str, *, after: timedelta = timedelta(days=3), number: int = 0) -> datetime:
        """The n-th open slot that begins ``after`` from now or later."""
        return (await self.slots(slug, type, after=after))[number]

    # ------------------------------------------------------------ the ways in

    async def arrives(
        self, source: str = "direct_booking", *, by: str = "site", name: str = "Sara", **body: Any
    ) -> Person:
        if source == "matching_form":
            body.setdefault("answers", ANSWERS)
        else:
            body.setdefault("therapist", "ana")
        answer = await self.call("POST", "/v1/journeys", {"source": source, **body}, by=by)
        assert answer.status_code in (201, 202), answer.text
        self.arrived.append(answer.json()["client_id"])
        if "pass" in answer.json():
            self.passes[answer.json()["client_id"]] = answer.json()["pass"]
        self.people.append(Person(self, answer.json(), name))
        return self.people[-1]

    async def client_in_care(
        self, *, sessions: int = 1, name: str = "Sara", card: str = "pm_card_visa", therapist: str = "ana"
    ) -> Person:
        """A client with an active account, complete forms, a good card and a weekly series ahead."""
        if therapist not in self.tokens:
            await self.therapist(therapist)
        person = await self.arrives(therapist=therapist, name=name)
        await person.books("intro_call")
        await self.rest()
        await person.activates()
        await person.completes_forms(card=card)
        await person.appointments[0].occurs()
        person.appointments.clear()
        await person.books("session", weeks=sessions)
        await self.rest()
        return person

    # ------------------------------------------------------------ looking

    async def mails(self, *, to: str | None = None, template: str | None = None) -> list[Json]:
        outbox: list[Json] = (await self.http.get(f"{self.house.sandbox_url}/outbox")).json()
        return [
            mail
            for mail in outbox
            if (to is None or mail["to"] == to) and (template is None or mail["template"] == template)
        ]

    async def mail_counts(self, *, to: str | None = None) -> Counter[str]:
        return Counter(mail["template"] for mail in await self.mails(to=to))

    async def stripe(self) -> Json:
        return await self.at_stripe.state()

    async def charges_at_stripe(self) -> list[int]:
        """The amounts of every succeeded PaymentIntent."""
        return [amount for amount, status in await self.at_stripe.intents() if status == "succeeded"]

    async def tasks(self) -> list[Json]:
        return await self.items("/v1/tasks")


@dataclass
class Person:
    """A client, as the stories call them."""

    care: Care
    answer: Json
    name: str
    appointments: list[Booked] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.answer["client_id"])

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@example.com"

    @property
    def details(self) -> Json:
        return details(self.name)

    @property
    def journey(self) -> WorkflowHandle[Any, Any]:
        return self.care.house.engine.get_workflow_handle(journey_id(self.id))

    async def look(self, *, by: str = "desk") -> Json:
        return await self.care.get(f"/v1/clients/{self.id}", by=by)

    async def stage(self) -> str:
        return str((await self.look())["stage"])

    def booking(self, type: str, starts_at: datetime, **more: Any) -> Json:
        return {"type": type, "starts_at": starts_at.isoformat(), "mode": "video", "details": self.details, **more}

    async def books(
        self,
        type: str,
        starts_at: datetime | None = None,
        *,
        by: str = "site",
        after: timedelta = timedelta(days=3),
        **more: Any,
    ) -> list[Booked]:
        therapist = (await self.look())["therapist"]
        slug = therapist if isinstance(therapist, str) else therapist["slug"]
        start = starts_at or await self.care.slot(slug, type, after=after)
        answer = await self.care.post(f"/v1/clients/{self.id}/appointments", self.booking(type, start, **more), by=by)
        booked = [Booked(self, appointment) for appointment in answer["appointments"]]
        self.appointments += booked
        return booked

    def books_at(self, answer: Json) -> None:
        """Take over an answer to a booking that the story made itself."""
        self.appointments += [Booked(self, appointment) for appointment in answer["appointments"]]

    async def cannot_book(self, type: str, *, name: str, by: str = "site", status: int = 409, **more: Any) -> Json:
        start = more.pop("starts_at", None) or await self.care.slot("ana", type)
        return await self.care.refused(
            "POST",
            f"/v1/clients/{self.id}/appointments",
            self.booking(type, start, **more),
            by=by,
            name=name,
            status=status,
        )

    async def activates(self, password: str = "correct horse battery") -> None:  # noqa: S107
        """Follows the link of the newest mail that carries one, and signs in."""
        mails = [m for m in await self.care.mails(to=self.email) if m["template"] in ("welcome", "activation_reminder")]
        assert mails, f"no mail to {self.email} has the link yet: it goes with the first booking, once all is at rest"
        token = mails[-1]["text"].split(f"{PUBLIC_URL}/activate/")[1].split()[0]
        await self.care.post("/v1/activations", {"token": token, "password": password}, by=None, expect=200)
        await self.signs_in(password)

    async def signs_in(self, password: str = "correct horse battery") -> None:  # noqa: S107
        session = await self.care.post("/v1/sessions", {"email": self.email, "password": password}, by=None)
        self.care.tokens[self.email] = session["token"]

    async def fills_in(self, kind: str, *, by: str = "site", **more: Any) -> Json:
        answers: Json = {
            "informed_consent": {"agrees": True},
            "initial_consultation": {
                "reason": "Sleep",
                "emergency_contact": {"name": "Jo Lind", "phone": "+12125550101"},
            },
            "billing_info": {"billing_name": f"{self.name} Lind", "accepts_fee_policy": True},
        }
        body = {"answers": answers[kind], "signature": f"{self.name} Lind", **more}
        form: Json = (
            await self.care.call("PUT", f"/v1/clients/{self.id}/forms/{kind}", body, by=by, expect=200)
        ).json()
        return form

    async def saves_card(self, card: str = "pm_card_visa", *, by: str = "site") -> str:
        """What the browser does with the client secret: Stripe's own form confirms the setup."""
        setup = await self.care.post(f"/v1/clients/{self.id}/card-setup", by=by)
        await self.care.at_stripe.saves_card(setup["setup_intent"], card)
        return str(setup["setup_intent"])

    async def gives_card(self, card: str = "pm_card_visa", *, by: str = "site") -> None:
        await self.fills_in("billing_info", by=by, setup_intent=await self.saves_card(card, by=by))

    async def checkout(self, return_url: str = CARD_PAGE, *, by: str = "site") -> Json:
        """The way to Stripe's own page for a card."""
        return await self.care.post(f"/v1/clients/{self.id}/card-setup", {"return_url": return_url}, by=by)

    async def pays_now(self, payment_id: str, return_url: str = PAY_PAGE, *, by: str = "site") -> Json:
        """Confirms with the saved card, and waits for the answer."""
        path = f"/v1/payments/{payment_id}/confirmation"
        return await self.care.post(path, {"return_url": return_url}, by=by, expect=200)

    async def cards_at_stripe(self) -> list[str]:
        """The ids of the cards saved for this client, oldest first."""
        state, ref = await self.care.stripe(), (await self.look())["ref"]
        [customer] = [c["id"] for c in state["customers"] if c["metadata"]["client_ref"] == ref]
        return [pm["id"] for pm in state["payment_methods"] if pm["customer"] == customer]

    async def bank_says(self, decline_code: str | None) -> None:
        """From now on the bank answers so whenever the newest card is charged; None: it pays."""
        await self.care.at_stripe.bank_says((await self.cards_at_stripe())[-1], decline_code)

    async def confirms(self, payment_id: str, *, by: str = "site", card: str | None = None) -> Json:
        """What the browser does at the mailed link: confirm the payment at Stripe, and pass the bank's 3-D Secure."""
        asked = await self.care.post(f"/v1/payments/{payment_id}/confirmation", by=by, expect=200)
        card = card or (await self.cards_at_stripe())[-1]
        await self.care.at_stripe.pays(asked["payment_intent"], secret=asked["client_secret"], card=card)
        return asked

    async def completes_forms(self, *, card: str = "pm_card_visa") -> None:
        await self.fills_in("informed_consent")
        await self.fills_in("initial_consultation")
        await self.gives_card(card)

    async def waits(
        self, type: str, *, first: str, last: str, therapist: str = "ana", by: str = "site", expect: int = 201
    ) -> Json:
        """Joins the waitlist; ``first`` and ``last`` are dates, both included."""
        body = {"client_id": self.id, "type": type, "from": first, "to": last}
        return await self.care.post(f"/v1/therapists/{therapist}/waitlist", body, by=by, expect=expect)

    async def places(self, *, by: str = "site") -> list[Json]:
        return await self.care.items(f"/v1/clients/{self.id}/waitlist", by=by)

    def session(self, number: int) -> Booked:
        return self.appointments[number - 1]

    async def payments(self) -> list[Json]:
        return await self.care.items(f"/v1/clients/{self.id}/payments")

    async def balance(self) -> Json:
        return await self.care.get(f"/v1/clients/{self.id}/balance")

    async def timeline(self) -> list[Json]:
        facts: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.care.get(
                f"/v1/clients/{self.id}/timeline", limit=200, **({"cursor": cursor} if cursor else {})
            )
            facts += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return sorted(facts, key=lambda fact: fact["seq"])

    async def payment_facts(self) -> list[str]:
        """What became of the client's payments, in order: ``scheduled``, ``processing``, ``paid``..."""
        return [kind.removeprefix("payment_") for kind in await self.facts() if kind.startswith("payment_")]

    async def facts(self) -> list[str]:
        return [fact["kind"] for fact in await self.timeline()]

    async def is_archived(self, **body: Any) -> Json:
        """The care team archives; answers what was done."""
        return await self.care.post(f"/v1/clients/{self.id}/archive", body, by="desk", expect=200)

    async def is_unarchived(self) -> Json:
        return await self.care.post(f"/v1/clients/{self.id}/unarchive", by="desk", expect=200)


@dataclass
class Booked:
    """One appointment of a story."""

    person: Person
    booked: Json

    @property
    def id(self) -> str:
        return str(self.booked["id"])

    @property
    def starts_at(self) -> datetime:
        return datetime.fromisoformat(self.booked["starts_at"])

    @property
    def ends_at(self) -> datetime:
        return datetime.fromisoformat(self.booked["ends_at"])

    @property
    def workflow(self) -> WorkflowHandle[Any, Any]:
        return self.person.care.house.engine.get_workflow_handle(appointment_workflow_id(self.id))

    async def look(self, *, by: str = "desk") -> Json:
        return await self.person.care.get(f"/v1/appointments/{self.id}", by=by)

    async def marked(self, outcome: str, *, by: str = "desk", **more: Any) -> Json:
        return await self.person.care.post(
            f"/v1/appointments/{self.id}/outcome", {"outcome": outcome, **more}, by=by, expect=200
        )

    async def occurs(self) -> Json:
        """Time passes until its end, and the therapist marks it."""
        await self.person.care.until(self.ends_at, because=f"{self.person.name}'s {self.booked['type']} occurs")
        return await self.marked("occurred")

    async def cancelled(self, *, by: str = "site", **more: Any) -> Json:
        return await self.person.care.post(
            f"/v1/appointments/{self.id}/cancel", {"reason": "a cold", "confirm": True, **more}, by=by, expect=200
        )

    async def moved(self, starts_at: datetime, *, by: str = "site") -> Json:
        answer: Json = await self.person.care.post(
            f"/v1/appointments/{self.id}/reschedule",
            {"starts_at": starts_at.isoformat(), "reason": "a journey"},
            by=by,
            expect=200,
        )
        self.booked |= {"starts_at": answer["starts_at"], "ends_at": answer["ends_at"]}
        return answer


def key() -> dict[str, str]:
    """A fresh idempotency key, as a header."""
    return {"Idempotency-Key": str(uuid4())}
