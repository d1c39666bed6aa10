"""The driver: so many clients, from matching to their last receipt, over HTTP, the same for all three."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.peers.ending import RECEIPT, REMINDER, REMINDERS, SESSIONS, RoundEnd, SentMail, SessionSeen, ending
from bench.peers.system import LASTS, REMIND, SURELY, Json, System, repeated

ARCHIVED_EVERY = 5
_AT_ONCE = 8  # callers
_STILL = 60.0  # seconds without anything new, after which a round is over
_ANSWERS = {
    "state": "NY",
    "concerns": ["anxiety", "grief"],
    "languages": ["en"],
    "modality": "individual",
    "preferred_times": [{"weekday": "mon", "part": "morning"}],
}
_FORMS: dict[str, Json] = {
    "informed_consent": {"agrees": True},
    "initial_consultation": {
        "reason": "Work",
        "emergency_contact": {"name": "Jo Lind", "phone": "+12125550101"},
    },
    "billing_info": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Of one round.

    Attributes:
        name: of letters; it is part of the addresses.
        journeys: how many.
        week: from one session of a client to the next.
        apart: from the first session of one client to that of the next.
        after: from a session's end to its charge.
        each: in which one client arrives, with so many at once as there are.
        lead: from when the last is booked to the first session; by default nobody is reminded while others arrive.
        kill_at: shares of the wanted reminders, and of the wanted charges, at which the worker is killed.
    """

    name: str
    journeys: int
    week: timedelta
    apart: timedelta
    after: timedelta
    each: timedelta = timedelta(seconds=3)
    lead: timedelta = max(REMIND) + timedelta(seconds=10)
    kill_at: tuple[tuple[str, float], ...] = ()


@dataclass(kw_only=True)
class Played:
    """What a round came to. Seconds: ``arriving``: matching to the last form; ``marking`` all outcomes; ``settling``:
    from the moment when the last session's charge was due to the last receipt, NaN if there was none. ``in_time``: all
    had arrived, and been archived, before the first reminder fell due; else what is said of reminders is the machine's
    doing. ``on_their_way``: mails as the worker was killed, each time; None where the rows do not tell."""

    journeys: int
    ending: RoundEnd
    sessions: list[SessionSeen]
    arriving: float
    marking: float
    settling: float
    in_time: bool
    kills: int
    on_their_way: int | None


@dataclass(kw_only=True)
class _OfRound:
    number: int
    email: str
    id: str = ""
    token: str = ""
    sessions: list[str] = field(default_factory=list)

    @property
    def archived(self) -> bool:
        return self.number % ARCHIVED_EVERY == ARCHIVED_EVERY - 1


async def play(system: System, plan: Plan) -> Played:
    clients = [_OfRound(number=n, email=f"{plan.name}{n}@example.com") for n in range(plan.journeys)]
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        round_ = _Round(system, plan, http)
        began = time.perf_counter()
        first = datetime.now(UTC) + plan.journeys * plan.each + plan.lead
        await _some_at_once(lambda one=one: round_.arrive(one, first) for one in clients)  # type: ignore[misc]
        arriving = time.perf_counter() - began
        await _some_at_once(lambda one=one: round_.archive(one) for one in clients if one.archived)  # type: ignore[misc]
        in_time = datetime.now(UTC) < first - max(REMIND)
        killing = asyncio.create_task(round_.kill(clients))
        left = [one for one in clients if not one.archived]
        marking = await round_.mark(left, first)
        await round_.until_settled(left)
        kills = await killing
        found = await system.sessions([one.email for one in clients])
        settled_at = await round_.last_receipt()
        due = max((one.due_at for one in found if one.due_at), default=None)
        return Played(
            journeys=plan.journeys,
            ending=await round_.ending(clients, found),
            sessions=found,
            arriving=arriving,
            marking=marking,
            settling=(settled_at - due).total_seconds() if settled_at and due else float("nan"),
            in_time=in_time,
            kills=kills,
            on_their_way=round_.on_their_way,
        )


class _Round:
    def __init__(self, system: System, plan: Plan, http: httpx.AsyncClient) -> None:
        self.system = system
        self.plan = plan
        self.http = http
        self.over = False
        self.on_their_way: int | None = None

    async def arrive(self, client: _OfRound, first: datetime) -> None:
        form = {"source": "matching_form", "answers": _ANSWERS}
        client.id = (await self.ask("POST", "/v1/journeys", form, by="site"))["client_id"]
        details = {
            "first_name": f"Sara{client.number}",
            "last_name": "Lind",
            "email": client.email,
            "phone": "+12125550100",
            "time_zone": "UTC",
        }
        begins = first + client.number * self.plan.apart
        starts = [begins + week * self.plan.week for week in range(SESSIONS)]
        client.sessions = await self.system.book(self.http, client.id, details, starts, self.plan.after)
        token = await self.activation(client.email)
        activation = {"token": token, "password": "a long walk by the river"}
        client.token = (await self.ask("POST", "/v1/activations", activation))["token"]
        path = f"/v1/clients/{client.id}"
        setup = (await self.ask("POST", f"{path}/card-setup", {}, by=client.token))["setup_intent"]
        confirmed = await self.http.post(
            f"{self.system.sandbox_url}/stripe/v1/setup_intents/{setup}/confirm",
            data={"payment_method": "pm_card_visa"},
            headers={"Authorization": "Bearer sk_test_browser"},
        )
        confirmed.raise_for_status()
        for kind, answers in _FORMS.items():
            more = {"setup_intent": setup} if kind == "billing_info" else {}
            body = {"answers": answers, "signature": "Sara Lind", **more}
            await self.ask("PUT", f"{path}/forms/{kind}", body, by=client.token)

    async def activation(self, email: str) -> str:
        """The token of the mailed link, as soon as the mail is there."""
        async with asyncio.timeout(SURELY):
            while True:
                mails = (await self.http.get(f"{self.system.sandbox_url}/outbox", params={"to": email})).json()
                for mail in mails:
                    if mail["template"] == "welcome":
                        return str(mail["text"].split("/activate/")[1].split()[0])
                await asyncio.sleep(0.1)

    async def archive(self, client: _OfRound) -> None:
        """Until it is recorded: this product answers 202 where it is not within ten seconds, and what begins meanwhile
        is not cancelled."""
        path, by = f"{self.system.api_url}/v1/clients/{client.id}/archive", self.system.headers("desk")
        async with asyncio.timeout(SURELY):
            while (await self.http.post(path, json={}, headers=by)).status_code != httpx.codes.OK:  # noqa: ASYNC110
                await asyncio.sleep(0.5)

    async def mark(self, clients: Sequence[_OfRound], first: datetime) -> float:
        """Each session as soon as it is over; how many seconds that took beyond the waits."""
        waits = 0.0
        began = time.perf_counter()
        ends = sorted(
            (first + client.number * self.plan.apart + week * self.plan.week + LASTS, session)
            for client in clients
            for week, session in enumerate(client.sessions)
        )
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(session: str) -> None:
            async with free:
                await self.surely("POST", f"/v1/appointments/{session}/outcome", {"outcome": "occurred"}, by="desk")

        async with asyncio.TaskGroup() as group:
            for end, session in ends:
                left = (end - datetime.now(UTC)).total_seconds()
                if left > 0:
                    waits += left
                    await asyncio.sleep(left)
                group.create_task(one(session))
        return time.perf_counter() - began - waits

    async def until_settled(self, clients: Sequence[_OfRound]) -> None:
        wanted, emails = len(clients) * SESSIONS, [client.email for client in clients]
        last, since = None, time.perf_counter()
        while time.perf_counter() - since < _STILL + self.plan.after.total_seconds():
            now = await self.system.progress(emails)
            if now.receipts >= wanted and now.paid >= wanted:
                break
            if now != last:
                last, since = now, time.perf_counter()
            await asyncio.sleep(0.5)
        self.over = True

    async def kill(self, clients: Sequence[_OfRound]) -> int:
        """The worker, in the middle of what it does, and start it again at once; how often."""
        emails, killed = [one.email for one in clients], 0
        sessions = SESSIONS * sum(not one.archived for one in clients)
        for what, share in self.plan.kill_at:
            wanted = share * sessions * (REMINDERS if what == "reminders" else 1)
            while not self.over and getattr(await self.system.progress(emails), what) < wanted:  # noqa: ASYNC110 - rows
                await asyncio.sleep(0.02)
            if self.over:
                break
            await self.system.kill_worker()
            found = await self.system.on_their_way(emails)
            await self.system.start_worker()
            self.on_their_way = found if found is None else found + (self.on_their_way or 0)
            killed += 1
        return killed

    async def ending(self, clients: Sequence[_OfRound], found: Sequence[SessionSeen]) -> RoundEnd:
        state = (await self.http.get(f"{self.system.sandbox_url}/stripe/_state")).json()
        own = {one.payment_id for one in found}
        succeeded = [intent for intent in state["payment_intents"] if intent["status"] == "succeeded"]
        charged = [intent["metadata"].get("payment_id", "") for intent in succeeded]
        mails = [
            SentMail(to=mail["to"], template=mail["template"], key=mail["custom_args"]["key"])
            for mail in await self.outbox()
        ]
        return ending(
            clients={client.email: client.archived for client in clients},
            sessions=found,
            charged=[id for id in charged if id in own],
            mails=mails,
            in_doubt=await self.system.in_doubt([client.email for client in clients]),
        )

    async def last_receipt(self) -> datetime | None:
        at = [mail["sent_at"] for mail in await self.outbox() if mail["template"] == RECEIPT]
        return max(map(datetime.fromisoformat, at), default=None)

    async def outbox(self) -> list[Any]:
        """What arrived of this round: its addresses begin with its name."""
        rows: list[Any] = (await self.http.get(f"{self.system.sandbox_url}/outbox")).json()
        return [row for row in rows if row["template"] in {REMINDER, RECEIPT} and row["to"].startswith(self.plan.name)]

    async def ask(self, method: str, path: str, body: Json, *, by: str = "") -> Any:
        headers = self.system.headers(by)
        answer = await repeated(self.http, method, self.system.api_url + path, body, headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def surely(self, method: str, path: str, body: Json, *, by: str) -> None:
        """Ask again while there is no answer: a worker that was killed comes back."""
        async with asyncio.timeout(SURELY):
            while True:
                try:
                    await self.ask(method, path, body, by=by)
                except (AssertionError, httpx.HTTPError):
                    await asyncio.sleep(0.5)
                else:
                    return


async def _some_at_once(work: Iterable[Callable[[], Awaitable[object]]]) -> None:
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(do: Callable[[], Awaitable[object]]) -> None:
        async with free:
            await do()

    async with asyncio.TaskGroup() as group:
        for do in work:
            _ = group.create_task(one(do))
