"""What pages cost in a practice of years: 10,000 clients, 300 tasks, 40 chats and a full calendar of one therapist.

Each page that an address leads to is asked for as its person, again and again. A page tells by ``Server-Timing`` how
often it asked the API and how long it waited for that; the rest of the time is its own.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.figures import against, median, now_ms
from bench.large_practice import CHATS, CLIENTS, SARA, TASKS, LargePractice, fill
from config.development import DEV_CHAIN_KEYS, DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys
from local.people import PASSWORD
from local.stack import LocalStack, Ports
from models.database import connect, session_factory
from models.sealed import RowKeys
from rules.chain import ChainKeys

TIMES = 30
MOST_CALLS, MOST_BYTES, MOST_OWN_MS, SLOW_MS = 6, 100_000, 15.0, 100.0
RESULTS = Path(__file__).parent / "results" / "pages.txt"
_TOLD = re.compile(r'api;dur=([0-9.]+);desc="(\d+) calls"')
THERAPIST, CARE_TEAM, OWNER = "ana@practice.example", "care@practice.example", "owner@practice.example"

_RECORD = ("timeline", "sessions", "forms", "notes", "documents", "goals", "chat", "money", "settings")
_CLIENTS = (
    *("/appointments", "/appointments/{ahead}", "/appointments/{ahead}/move", "/forms", "/forms/informed_consent"),
    *("/chats", "/chats/{chat}", "/payments", "/payments/{payment}", "/card", "/documents", "/notes", "/goals"),
    *("/waitlist?therapist=ana-silva", "/profile", "/account", "/more", "/book/ana-silva?type=session"),
)
_EVERYBODY = ("/", "/find", "/therapists/ana-silva", "/book/ana-silva", "/sign-in", "/reset", "/staff/sign-in")
_LISTS = (
    *("/clients", "/clients?q=Berg12", "/clients?tab=archived&sort=name", "/clients?group={group}&stage=in_care"),
    *("/clients/new", "/groups", "/groups/{group}", "/chats", "/blasts", "/calendar", "/account"),
)
_OF_STAFF: Mapping[str, Sequence[str]] = {
    THERAPIST: (
        *_LISTS,
        *("/today", "/calendar/book?client={sara}", "/feed", "/hours", "/chats/{chat}", "/appointments/{appointment}"),
        *(
            "/therapists/ana-silva",
            *(f"/clients/{{sara}}/{part}" for part in _RECORD),
            "/clients/{sara}/archive/preview",
        ),
    ),
    CARE_TEAM: (
        *_LISTS,
        *("/desk", "/desk?kind=payment_owed", "/tasks/{task}", "/payments", "/payments/{payment}", "/approvals"),
        *("/books", "/exceptions", "/reports", "/settings", "/therapists", "/hours?therapist=ana-silva"),
        *("/calendar?therapist=ana-silva", "/chats/{chat_of_care_team}", "/appointments/{ahead}"),
        *("/clients/{sara}/match", "/clients/{sara}/timeline", "/clients/{sara}/money", "/clients/{sara}/sessions"),
    ),
    OWNER: ("/therapists", "/staff", "/texts", "/texts/fee_policy", "/accesses", "/reports", "/keys", "/closures"),
}


@dataclass(kw_only=True)
class Cost:
    who: str
    path: str
    calls: int = 0
    size: int = 0
    whole: list[float] = field(default_factory=list)  # milliseconds
    api: list[float] = field(default_factory=list)
    worked: float = 0.0  # milliseconds of the pages' processor, each: a busy machine makes no more of them

    @property
    def own(self) -> float:
        """Milliseconds of the page beside the API's, both medians."""
        if not self.whole:
            return 0
        return median(self.whole) - median(self.api)

    def missed(self, shared: int) -> str:
        over = (
            ("calls", self.calls > MOST_CALLS),
            ("weight", self.size + shared > MOST_BYTES),
            ("time", self.own > MOST_OWN_MS),
        )
        return ", ".join(name for name, is_over in over if is_over)

    def line(self, shared: int) -> str:
        if not self.whole:
            return self.path + " !!"
        slow = " (slow API)" if median(self.api) > SLOW_MS else ""
        return (
            f"  {self.who:9} {self.path:44} {self.calls:5} {(self.size + shared) / 1000:7.1f}"
            f" {median(self.whole):8.1f} {median(self.api):8.1f} {self.own:6.1f} {self.worked:6.1f}"
            f"  {self.missed(shared)}{slow}"
        )


async def run() -> None:
    async with await LocalStack.start(ports=Ports.free(), pages=True) as stack:
        began = now_ms()
        practice = await fill_stack(stack, clients=CLIENTS)
        print(f"{CLIENTS} clients, {TASKS} tasks, 2 x {CHATS} chats, written in {(now_ms() - began) / 1000:.0f} s")
        costs, shared = await measure(stack, practice, times=TIMES)
    _tell(costs, shared)


async def fill_stack(stack: LocalStack, *, clients: int) -> LargePractice:
    database = connect(stack.database_url)
    rows = RowKeys(PayloadKeys.parse(DEV_PAYLOAD_KEYS).keys)
    chain = ChainKeys(PayloadKeys.parse(DEV_CHAIN_KEYS).keys)
    try:
        sessions = session_factory(database, rows=rows, chain=chain)
        return await fill(stack.database_url, sessions, now=await stack.clock.now(), clients=clients)
    finally:
        await database.dispose()


async def measure(stack: LocalStack, practice: LargePractice, *, times: int) -> tuple[list[Cost], int]:
    """What each page costs, and how many bytes of style sheet and script they share."""
    ids = {name: str(id) for name, id in vars(practice).items()}
    assert stack.website is not None
    asking = _Asking(stack.site_url, psutil.Process(stack.website.pid), times)
    costs: list[Cost] = []
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        files = [await http.get(f"{stack.site_url}/{name}") for name in ("style.css", "site.js")]
        for path in _EVERYBODY:
            costs.append(await asking.ask(http, "nobody", path, path))  # noqa: PERF401 - one after the other
    for email, paths in {SARA: _CLIENTS, **_OF_STAFF}.items():
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            side = "client" if email == SARA else "staff"
            body = {"email": email, "password": PASSWORD, "side": side}
            key = {"Authorization": "Bearer dev-booking-site"}
            signed_in = await http.post(f"{stack.api_url}/v1/sessions", json=body, headers=key)
            assert signed_in.is_success, signed_in.text
            http.cookies.set(f"{side}-{stack.ports.web}", signed_in.json()["token"])
            for path in paths:
                shown = path if side == "client" else f"/staff{path}"
                costs.append(await asking.ask(http, email.partition("@")[0], shown.format_map(ids), shown))
    return costs, sum(len(file.content) for file in files)


@dataclass(frozen=True)
class _Asking:
    site_url: str
    website: psutil.Process
    times: int

    async def ask(self, http: httpx.AsyncClient, who: str, path: str, shown: str) -> Cost:
        cost = Cost(who=who, path=shown)
        worked, warm = self._worked(), 2 if self.times > 1 else 0
        for number in range(warm + self.times):
            if number == warm:
                worked = self._worked()
            began = now_ms()
            answer = await http.get(f"{self.site_url}{path}")
            took = now_ms() - began
            told = _TOLD.search(answer.headers.get("server-timing", ""))
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            assert told, f"{path} does not tell what it costs"
            cost.calls, cost.size = max(cost.calls, int(told[2])), max(cost.size, len(answer.content))
            if number >= warm:
                cost.whole.append(took)
                cost.api.append(float(told[1]))
        cost.worked = (self._worked() - worked) / self.times
        return cost

    def _worked(self) -> float:
        """Milliseconds of processor time that the pages' process has used."""
        used = self.website.cpu_times()
        return float(used.user + used.system) * 1000


def _tell(costs: Sequence[Cost], shared: int) -> None:
    lines = [
        f"  {'who':9} {'page':44} {'calls':>5} {'kB':>7} {'ms':>8} {'API ms':>8} {'own ms':>6} {'cpu ms':>6}",
        *(cost.line(shared) for cost in costs),
        "",
        against(f"at most {MOST_CALLS} calls a page", met=all(cost.calls <= MOST_CALLS for cost in costs)),
        against(
            f"under {MOST_BYTES // 1000} kB with style sheet and script",
            met=all(cost.size + shared <= MOST_BYTES for cost in costs),
        ),
        against(
            f"at most {MOST_OWN_MS:.0f} ms more than the API's own time", met=all(c.own <= MOST_OWN_MS for c in costs)
        ),
    ]
    print("\n".join(lines))
    head = f"Medians of {TIMES} requests each; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} after it."
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join([head, *lines, ""]))
