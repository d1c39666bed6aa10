"""A practice under way whose programs are replaced one by one, by those of another release and back."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from temporalio.client import Client

from local.processes import Process, free_port, until
from local.stack import LocalStack
from tests.care.defaults import details
from tests.care.story import Care, Person
from tests.releases.trees import PATCH
from tests.stack.practice import add_therapist, arrives_with_card, care_of, soon

HELD = 5  # clients whose sessions are over soon, and are marked one at a time
CALLERS = 3
_BREATH = 3.0  # seconds in which requests go on between two steps
_DRAINED_WITHIN = 120.0  # seconds; on a machine that does nothing else it takes one
_LET_GO = 1.0  # seconds for requests that are on their way to a server that will stop
_BEGUN = f"TemporalChangeVersion = '{PATCH}' AND ExecutionStatus = 'Running'"


@dataclass
class Drill:
    """Whatever a caller was answered is counted, and 5xx are kept."""

    stack: LocalStack
    http: httpx.AsyncClient
    engine: Client
    answers: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)  # 5xx
    booked: dict[str, list[str]] = field(default_factory=dict)  # by client, the appointments that they were told of
    held: list[Person] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    workers: list[Process] = field(default_factory=list)
    care: Care = field(init=False)

    def __post_init__(self) -> None:
        self.care = care_of(self.stack, self.http)
        self.workers = list(self.stack.workers.values())
        self.http.event_hooks["response"].append(self._note)

    async def _note(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.is_server_error:
            await answer.aread()
            self.faults.append(
                f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
            )

    # ------------------------------------------------------------ the practice

    async def people(self) -> dict[str, Person]:
        """Clients in every stage, by name; the sessions of ``held`` are over within two minutes."""
        care = self.care
        one_minute = [f"Held{number}" for number in range(HELD)]
        names = ["Asked", "New", "Booked", "Carded", "Gone", *(f"Busy{number}" for number in range(CALLERS))]
        await asyncio.gather(*(add_therapist(care, name.lower()) for name in names))
        await asyncio.gather(*(add_therapist(care, name.lower(), minutes=1) for name in one_minute))
        people = {"Asked": await care.arrives("matching_form", name="Asked", client=details("Asked", time_zone="UTC"))}
        for name in ("New", "Booked", "Gone"):
            people[name] = await care.arrives(name=name, therapist=name.lower(), client=details(name, time_zone="UTC"))
        with_card = [*one_minute, "Carded", *names[5:]]
        came = await asyncio.gather(*(arrives_with_card(care, name, name.lower()) for name in with_card))
        people |= zip(with_card, came, strict=True)
        for name in ("Booked", "Carded", "Gone"):
            await people[name].books("session", soon(864000), by="desk")
        await people["Gone"].is_archived()
        self.held = [people[name] for name in one_minute]
        start = soon(15)
        await asyncio.gather(*(person.books("session", start, by="desk") for person in self.held))
        return people

    async def one_more_comes(self) -> None:
        """A client whose journey begins now, and asks for something."""
        await add_therapist(self.care, "late")
        late = await self.care.arrives(name="Late", therapist="late", client=details("Late", time_zone="UTC"))
        made = await late.books("session", soon(864000), by="desk")
        self.booked[late.id] = [each.id for each in made]

    async def keeps_asking(self, person: Person) -> None:
        """A session booked every moment, looked at, and every third one cancelled, until told to stop."""
        first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=10)
        mine = self.booked.setdefault(person.id, [])
        number = 0
        while not self.stop.is_set():
            [made] = await person.books("session", first + timedelta(hours=number), by="desk")
            await person.look()
            await self.care.items("/v1/clients", limit=5)
            if number % 3 == 2:
                await made.cancelled(by="desk")
            else:
                mine.append(made.id)
            number += 1
            await asyncio.sleep(0.3)

    async def appointments(self, client: str) -> set[str]:
        """The ids of all that are scheduled."""
        found: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            page = await self.care.get("/v1/appointments", client=client, limit=100, **cursor)
            found |= {each["id"] for each in page["items"] if each["status"] == "scheduled"}
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def marks_one(self, person: Person) -> None:
        """Once the session is over."""
        await asyncio.sleep(max(0.0, (person.session(1).ends_at - datetime.now(UTC)).total_seconds() + 0.5))
        await person.session(1).marked("occurred")

    # ------------------------------------------------------------ releases

    async def replaces_workers(self, tree: Path, *, holds: bool = False) -> None:
        """One by one."""
        env = {"WORKER_HOLDS_PATCHES": "yes"} if holds else {}
        old, self.workers = self.workers, []
        for each in old:
            self.workers.append(await self.stack.add_worker(tree=tree, env=env))
            await self.stops(each)

    async def stops(self, worker: Process) -> None:
        await asyncio.sleep(_BREATH)
        worker.stop_within = _DRAINED_WITHIN
        assert await worker.stop() == 0, worker.last_words

    async def makes_current(self, build: str) -> None:
        """All the work is that build's from now on, and goes on for a while."""
        await self.runs(self.stack.tree, "-m", "ops.worker_versions", "current", build, env={})
        await asyncio.sleep(_BREATH)

    async def replaces_server(self, tree: Path) -> None:
        """By way of one at another address: callers go where a server is ready."""
        assert self.stack.api is not None
        home, old = f"http://127.0.0.1:{self.stack.ports.api}", self.stack.api
        port = free_port()
        between = self.stack.program("api-between", "server.py", tree=tree, env={"API_PORT": str(port)})
        try:
            await between.start()
            await self._goes_over_to(between, f"http://127.0.0.1:{port}")
            await old.stop()
            self.stack.api = new = self.stack.program("api", "server.py", tree=tree)
            self.stack.stops_with(new)
            await new.start()
            await self._goes_over_to(new, home)
        finally:
            await between.stop()

    async def _goes_over_to(self, server: Process, url: str) -> None:
        async def ready() -> bool:
            try:
                return (await self.schema(url))[0]
            except httpx.TransportError:
                return False

        assert await until(ready, within=60, process=server), server.last_words
        self.stack.api_url = url
        await asyncio.sleep(_LET_GO)

    async def schema(self, url: str | None = None) -> tuple[bool, str]:
        """Whether a server is ready, and what it says of the schema."""
        async with httpx.AsyncClient(trust_env=False) as apart:  # not one of the callers
            answer = await apart.get(f"{url or self.stack.api_url}/readyz")
        return answer.is_success, str(answer.json().get("schema"))

    async def runs(self, tree: Path, *command: str, env: dict[str, str]) -> None:
        process = self.stack.program("command", *command, tree=tree, env=env)
        await process.start()
        assert await process.wait() == 0, process.tail

    # ------------------------------------------------------------ patches

    async def begun(self) -> int:
        """Workflows that have begun the patch of the next release."""
        return (await self.engine.count_workflows(_BEGUN)).count

    async def ends_what_has_begun(self) -> int:
        """By the commands of the runbook; how many."""
        number = 0
        async for each in self.engine.list_workflows(_BEGUN):
            await self.engine.get_workflow_handle(each.id, run_id=each.run_id).terminate(reason="back")
            number += 1
        return number

    async def sees(self, what: Callable[[], Awaitable[bool]], *, within: float = 30) -> None:
        assert await until(what, within=within)

    async def problems(self) -> Sequence[str]:
        return [each.id async for each in self.engine.list_workflows("TemporalReportedProblems IS NOT NULL")]
