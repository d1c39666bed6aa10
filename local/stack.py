"""The whole product on one machine: PostgreSQL, Temporal, the stand-ins, worker and API, as one value.

``dev.py``, the demo, the tests and the benchmarks all start it here.
"""

import asyncio
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx
from sqlalchemy.engine import make_url

from engine.clock import EngineClock, SystemClock
from engine.connect import TASK_QUEUE, EngineAddress, EngineUnreachable, RegistrationRefused, register
from local.people import add_demo_people, sign_ins
from local.postgres import OWNER, Postgres, check_data, url_of
from local.problems import CannotStart
from local.processes import ROOT, Log, Process, free_ports, port_is_free, until
from local.temporal import Service, TemporalServer, check_database

WEBHOOK_SECRET = "whsec_care_journeys_development"  # noqa: S105 - public, known to stand-in and API alike
_PORT_SETTINGS = ("API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "SANDBOX_PORT", "WEB_PORT", "WORKER_PORT")
# What a person's shell may hold for a practice of their own: real keys, addresses of real services, other rules.
_OF_A_PRACTICE = ("GOOGLE_CALENDAR_", "OTEL_", "OUTLOOK_CALENDAR_", "POLICY__", "SENDGRID_", "STRIPE_", "TEMPORAL_")
_OF_A_PRACTICE_TOO = frozenset(
    (
        *("ALLOWED_HOSTS", "ANCHOR_EMAIL", "ANCHOR_FILE", "API_DOCS", "API_HOST", "API_KEYS"),
        *("API_PUBLIC_URL", "API_URL"),
        *("CARE_TEAM_EMAIL", "DEMO_PASSWORD", "DEMO_PEOPLE"),
        *("CHAIN_KEYS", "CODEC_ORIGINS", "DATABASE_OWNER_URL", "DATABASE_URL", "EMAIL_FROM", "ENVIRONMENT"),
        *(
            "INSURANCE_EMAIL",
            "MAIL_TEMPLATES",
            "OIDC_AUDIENCE",
            "OIDC_CLIENT_ID",
            "OIDC_CLIENT_SECRET",
            "OIDC_ISSUER",
            "OIDC_SECOND_FACTOR",
            "PAYLOAD_KEYS",
            "PRACTICE_ADDRESS",
            "PRACTICE_COLOUR",
            "PRACTICE_COUNTRY",
            "PRACTICE_COUNTRIES",
            "PRACTICE_LOGO",
            "PRACTICE_NAME",
            "PRACTICE_STATE",
            "PRACTICE_TAX_ID",
            "PRACTICE_TIME_ZONE",
            "PRIVATE_NETWORK",
            "PUBLIC_URL",
            "SITE_API_KEY",
            "STAFF_SECOND_FACTOR",
            "STAFF_URL",
            "TEMPORAL_UI_URL",
            "TRUSTED_PROXIES",
        ),
        *("TIME_TRAVEL", "TIME_TRAVEL_ADDRESS", "VIDEO_ROOM_URL", "WEB_HOST", "WORKER_BUILD_ID"),
        *("WORKER_CACHED_WORKFLOWS", "WORKER_DEPLOYMENT", "WORKER_HOLDS_PATCHES", "WORKER_HOST"),
    )
)
# The order of stopping: the highest first.
_POSTGRES, _TEMPORAL, _SANDBOX, _API, _WORKER, _WEB = range(6)
_WORKER_READY = "Ready: taking work"
_START_WITHIN = 60.0  # seconds for one program of ours to come up on a slow machine


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where each piece listens on 127.0.0.1."""

    api: int = 8000
    temporal: int = 7233
    temporal_ui: int = 8233
    sandbox: int = 8400
    web: int = 8080
    worker: int = 8500  # of the first; others have free ones

    @classmethod
    def free(cls) -> Self:
        """Some that nothing listens on."""
        return cls(**dict(zip((port.name for port in fields(cls)), free_ports(len(fields(cls))), strict=True)))


def settings_of_a_practice() -> list[str]:
    """The variables of this process's environment that a stack with temporary data never reads.

    Its sessions, mails and payments are made up: they must not reach anybody, and must be the same on every machine.
    """
    upper = {name: name.upper() for name in os.environ}
    return [
        name
        for name, known in upper.items()
        if known not in _PORT_SETTINGS and (known.startswith(_OF_A_PRACTICE) or known in _OF_A_PRACTICE_TOO)
    ]


class LocalStack:
    """A running stack.

    >>> async with await LocalStack.start(time_travel=True, ports=Ports.free()) as stack:
    ...     await stack.clock.advance(timedelta(days=2))

    Attributes:
        api_url, sandbox_url, site_url: without a slash at the end.
        temporal_address: ``host:port``; temporal_ui_url is None on the movable clock.
        database_url: ``postgresql://...``, as the programs connect; owner_url: as whoever owns the tables does.
        clock: the engine's on the movable clock, else the system's.
        workers: worker processes, by name, in the order they were added; worker_urls: where each tells how it is.
        servers: the processes of ``postgres`` and ``temporal``, by name, where this stack started them.
    """

    def __init__(
        self, *, data_dir: Path, ports: Ports, log: Log, temporary: bool, env: Mapping[str, str], tree: Path = ROOT
    ) -> None:
        self.data_dir = data_dir
        self.ports = ports
        self.log = log
        self.api_url = f"http://127.0.0.1:{ports.api}"
        self.sandbox_url = f"http://127.0.0.1:{ports.sandbox}"
        self.site_url = f"http://localhost:{ports.web}"
        self.temporal_address = f"127.0.0.1:{ports.temporal}"
        self.temporal_ui_url: str | None = None
        self.database_url = ""
        self.owner_url = ""
        self.clock: SystemClock | EngineClock = SystemClock()
        self.workers: dict[str, Process] = {}
        self.worker_urls: dict[str, str] = {}
        self.servers: dict[str, Process] = {}
        self.sandbox: Process | None = None
        self.api: Process | None = None
        self.website: Process | None = None
        self.ended: asyncio.Event = asyncio.Event()
        self.ended_because = ""
        self.tree = tree
        self._env = dict(env)
        self._temporary = temporary
        self._claim: IO[str] | None = None
        self._people = False
        self._stops: list[tuple[int, Callable[[], Awaitable[Any]]]] = []

    @classmethod
    async def start(
        cls,
        *,
        time_travel: bool = False,
        data_dir: Path | None = None,
        ports: Ports | None = None,
        env: Mapping[str, str] | None = None,
        log: Log | None = None,
        workers: int = 1,
        seed: bool = True,
        database_url: str | None = None,
        owner_url: str | None = None,
        temporal_address: str | None = None,
        restart: bool = False,
        pages: bool = False,
        tree: Path = ROOT,
    ) -> Self:
        """Start everything and wait until the API is ready.

        Args:
            time_travel: on the time-skipping server, always with empty data.
            data_dir: where data stay between starts; None: a temporary folder, removed at the end.
            ports: free ones when None.
            env: settings for worker and API on top of this process's environment. With temporary data only these
                count: the environment's keys, addresses and rules are left out (``settings_of_a_practice``).
            log: where all lines go; nowhere when None.
            workers: how many worker processes.
            seed: add a few therapists to an empty practice.
            database_url, temporal_address: use these instead of starting servers (not with time travel).
            owner_url: by which a given database is migrated, if not by ``database_url``.
            restart: start our programs again when they end by themselves or are killed.
            pages: start the pages too, with people who can sign in at them.
            tree: whose programs these are: another release's, where that is rolled out. ``seed`` is then this one's.

        Raises CannotStart with one sentence for the person; nothing is left running then.
        """
        temporary = time_travel or data_dir is None
        folder = Path(tempfile.mkdtemp(prefix="care-journeys-")) if temporary else data_dir
        assert folder is not None
        stack = cls(
            data_dir=folder.absolute(),
            ports=ports or Ports.free(),
            log=log or Log(console=False),
            temporary=temporary,
            env=env or {},
            tree=tree,
        )
        try:
            stack._people = pages and seed
            stack._claim_folder()
            check_data(stack.data_dir / "postgres")
            check_database(stack.data_dir / Service.read().database)
            stack._check_ports(skip=_skipped(time_travel, temporal_address))
            stack._set_database(database_url, owner_url)
            await stack._start_all(time_travel, seed, not database_url, temporal_address, workers)
            if pages:
                await stack._start_pages()
        except BaseException:
            await stack.stop()
            raise
        if restart:
            for process in (*stack.workers.values(), stack.api, stack.sandbox, stack.website):
                if process is not None:
                    process.restart = True
        return stack

    # ---------------------------------------------------------------- workers

    async def add_worker(self, *, tree: Path | None = None, env: Mapping[str, str] | None = None) -> Process:
        """One more worker process, ready to take work; of another release with its ``tree``, ``env`` on top."""
        name = "worker" if not self.workers else f"worker-{len(self.workers) + 1}"
        port = free_ports(1)[0] if self.workers else self.ports.worker
        process = self.program(name, "worker.py", tree=tree, env={"WORKER_PORT": str(port), **(env or {})})
        self.workers[name], self.worker_urls[name] = process, f"http://127.0.0.1:{port}"
        self._stops.append((_WORKER, process.stop))
        await process.start()
        await self._until_taking_work(process)
        return process

    async def kill_worker(self, name: str = "worker") -> None:
        """SIGKILL, as a crash would; not started again by itself.

        To kill or stop a worker on the movable clock, start the stack with
        ``env={"WORKER_CACHED_WORKFLOWS": "0"}``: the time-skipping server keeps the cached workflows of a
        worker that has gone waiting for minutes. Without a cache, though, everything is ten times slower.
        """
        await self.workers[name].stop(kill=True)

    async def stop_worker(self, name: str = "worker") -> int | None:
        """SIGTERM: it drains. Returns its exit code."""
        return await self.workers[name].stop()

    async def start_worker(self, name: str = "worker") -> None:
        """Start again one that was killed or stopped."""
        process = self.workers[name]
        process.tail.clear()
        await process.start()
        await self._until_taking_work(process)

    def stops_with(self, server: Process) -> None:
        """A server that takes the place of this stack's own."""
        self._stops.append((_API, server.stop))

    @property
    def processes(self) -> dict[str, Process]:
        """Everything that this stack started, by name."""
        ours = [process for process in (self.sandbox, self.api, self.website) if process is not None]
        return {**self.servers, **{process.name: process for process in ours}, **self.workers}

    # ---------------------------------------------------------------- stopping

    async def stop(self) -> None:
        """Stop everything, those who need others first. No process is left; temporary data are removed."""
        self._stops.sort(key=lambda stop: stop[0])
        while self._stops:
            await self._stops.pop()[1]()
        if self._claim:
            self._claim.close()
            self._claim = None
        if self._temporary:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # ---------------------------------------------------------------- starting

    def _claim_folder(self) -> None:
        other = "set DATA_DIR to another folder"
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise CannotStart(f"The data folder {self.data_dir} is a file: move it away, or {other}.")
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._claim = (self.data_dir / ".lock").open("w")
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.data_dir} cannot be written ({error.strerror}): {other}."
            ) from error
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"The data folder {self.data_dir} is in use by a running stack: stop it, or {other}."
            ) from None

    def _check_ports(self, *, skip: frozenset[str]) -> None:
        for name, port in zip(_PORT_SETTINGS, astuple(self.ports), strict=True):
            if name not in skip and not port_is_free(port):
                raise CannotStart(f"Port {port} is already in use; set {name} to another or stop what uses it.")

    def _set_database(self, given: str | None, owner: str | None) -> None:
        folder = self.data_dir / "postgres"
        self.database_url = given or url_of(folder)
        self.owner_url = (owner or given) if given else url_of(folder, role=OWNER)

    async def _start_all(
        self, time_travel: bool, seed: bool, embedded: bool, temporal_address: str | None, workers: int
    ) -> None:
        """All side by side: importing takes our programs longer than the servers need to come up."""
        if time_travel:
            # Everything else reads this server's clock, so it comes first.
            await self._start_temporal(time_travel=True)
            self._env |= {"TIME_TRAVEL_ADDRESS": self.temporal_address, "TEMPORAL_NAMESPACE": "default"}
        elif temporal_address:
            self.temporal_address = temporal_address
        else:
            self._env["TEMPORAL_NAMESPACE"] = Service.read().namespace
        database = self._start_database(embedded=embedded, seed=seed)
        if embedded and not (self.data_dir / "postgres" / "PG_VERSION").exists():
            # A first start: programs that look for a database that nobody has made yet would fill the log with alarm.
            await database
            database = _nothing()
        work = [database, self._start_sandbox(), self._start_api()]
        if not time_travel and not temporal_address:
            work.append(self._start_temporal(time_travel=False))
        await _all([*work, *[self.add_worker() for _ in range(min(workers, 1))]])
        for _ in range(workers - 1):
            await self.add_worker()

    async def _start_temporal(self, *, time_travel: bool) -> None:
        if time_travel:
            server = await TemporalServer.start_time_skipping(port=self.ports.temporal, log=self.log)
        else:
            server = await TemporalServer.start_dev(
                data_dir=self.data_dir,
                port=self.ports.temporal,
                ui_port=self.ports.temporal_ui,
                api_port=self.ports.api,
                log=self.log,
            )
            if not self._temporary:  # what ends in a minute needs nothing by the hour
                queue = self._setting("TEMPORAL_TASK_QUEUE") or TASK_QUEUE
                try:
                    await register(EngineAddress(address=server.address), task_queue=queue)
                except (EngineUnreachable, RegistrationRefused) as error:
                    await server.stop()
                    raise CannotStart(str(error)) from error
        self.clock = server.clock or SystemClock()
        self.temporal_ui_url = server.ui_url
        self._stops.append((_TEMPORAL, server.stop))
        self._keeps(server.process)

    async def _start_database(self, *, embedded: bool, seed: bool) -> None:
        if embedded:
            folder = self.data_dir / "postgres"
            postgres = await Postgres.start(folder, durable=not self._temporary, log=self.log)
            self._stops.append((_POSTGRES, postgres.stop))
            self._keeps(postgres.process)
            await postgres.create_database()
        if self.tree != ROOT:
            await self.migrate(tree=self.tree)
            return
        from models import database
        from models.migrate import UnmarkedCopy, WrongSchema, policy_in, upgrade
        from models.writes.booking.seed import add_demo_therapists

        application = make_url(self.database_url).username
        policy = policy_in(self._env if self._temporary else {**os.environ, **self._env})
        try:
            await asyncio.to_thread(upgrade, self.owner_url, application=application, policy=policy)
        except (WrongSchema, UnmarkedCopy) as wrong:
            raise CannotStart(f"{wrong} The data are in {self.data_dir}.") from wrong
        if not seed:
            return
        engine = database.connect(self.database_url)
        try:
            sessions, now = database.session_factory(engine), await self.clock.now()
            await add_demo_therapists(sessions, now)
            if self._people:
                await add_demo_people(sessions, now)
        finally:
            await engine.dispose()

    async def _start_sandbox(self) -> None:
        command = ["-m", "sandbox", "--port", str(self.ports.sandbox)]
        command += ["--webhook-url", f"{self.api_url}/v1/webhooks/stripe"]
        command += ["--mail-events-url", f"{self.api_url}/v1/webhooks/sendgrid"]
        command += ["--webhook-secret", self._setting("STRIPE_WEBHOOK_SECRET") or WEBHOOK_SECRET]
        if isinstance(self.clock, EngineClock):
            command += ["--clock-address", self.clock.address]
        if not self._temporary:
            command += ["--state", str(self.data_dir / "sandbox.sqlite")]
        self.sandbox = self.program("sandbox", *command)
        self._stops.append((_SANDBOX, self.sandbox.stop))
        await self.sandbox.start()
        await self._until_ok(self.sandbox, f"{self.sandbox_url}/healthz")

    async def _start_api(self) -> None:
        self.api = self.program("api", "server.py")
        self._stops.append((_API, self.api.stop))
        await self.api.start()
        await self._until_ok(self.api, f"{self.api_url}/readyz")

    async def _start_pages(self) -> None:
        self.website = self.program("pages", "website.py")
        self._stops.append((_WEB, self.website.stop))
        await self.website.start()
        await self._until_ok(self.website, f"{self.site_url}/healthz")

    async def migrate(self, *, tree: Path) -> None:
        """Run the migrations of a release, by its own command."""
        process = self.program("migrate", "-m", "models.migrate", tree=tree, env={"DATABASE_OWNER_URL": self.owner_url})
        await process.start()
        if await process.wait():
            raise CannotStart(process.last_words)

    def program(
        self, name: str, *arguments: str, tree: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Process:
        """One of our own programs, told where everything is; not started. ``tree``, ``env``: of a release."""
        told: dict[str, str | None] = {
            **(dict.fromkeys(settings_of_a_practice()) if self._temporary else {}),
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "PYTHONUNBUFFERED": "1",
            "API_PUBLIC_URL": self._setting("API_PUBLIC_URL") or self.api_url,
            **({"TIME_TRAVEL": "yes"} if "TIME_TRAVEL_ADDRESS" in self._env else {}),
            **(sign_ins() if self._people else {}),
            **dict(zip(_PORT_SETTINGS, map(str, astuple(self.ports)), strict=True)),
            **self._env,
            **(env or {}),
        }
        return Process(name=name, command=[sys.executable, *arguments], log=self.log, env=told, cwd=tree or self.tree)

    def _setting(self, name: str) -> str | None:
        return self._env.get(name) or (None if self._temporary else os.environ.get(name))

    def _keeps(self, server: Process) -> None:
        self.servers[server.name] = server
        server.on_end = self._lost

    def _lost(self, process: Process, code: int) -> None:
        """A server without which nothing works has gone."""
        self.ended_because = f"{process.name} ended unexpectedly (exit code {code})"
        self.ended.set()

    async def _until_taking_work(self, process: Process) -> None:
        async def ready() -> bool:
            return any(_WORKER_READY in line for line in process.tail)

        await _wait(process, ready)

    async def _until_ok(self, process: Process, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:

            async def ready() -> bool:
                try:
                    return (await http.get(url)).status_code == httpx.codes.OK
                except httpx.HTTPError:
                    return False

            await _wait(process, ready)


def _skipped(time_travel: bool, temporal_address: str | None) -> frozenset[str]:
    if time_travel:
        return frozenset({"TEMPORAL_UI_PORT"})
    return frozenset({"TEMPORAL_PORT", "TEMPORAL_UI_PORT"} if temporal_address else ())


async def _nothing() -> None:
    """In the place of work that is done."""


async def _wait(process: Process, ready: Callable[[], Awaitable[bool]]) -> None:
    if not await until(ready, within=_START_WITHIN, process=process):
        raise CannotStart(f"The {process.name} did not come up ({process.last_words}).")


async def _all(work: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Do all of it side by side. What goes wrong first ends the rest, and is raised."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = [error for task in tasks if task.done() and (error := task.exception())]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if failed:
        raise failed[0]
