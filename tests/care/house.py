"""The whole house in one process, on the movable clock: engine, database, worker, API, and the stand-ins.

Only the time-skipping server and PostgreSQL are programs of their own. One house per test: its clock is its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker

from activities.base import Dependencies
from activities.gateways.calendars.sources import calendar_channels, calendar_sources
from activities.gateways.outbound.door import Door
from activities.gateways.sendgrid import SendGridMailer
from activities.gateways.stripe import StripeGateway
from api.accounts.oidc.provider import Provider
from api.accounts.signing_in.passwords import Passwords
from api.app import create_app
from api.deps import Services
from api.engine import JourneyEngine
from api.resuming import Resumer
from api.settings import ApiSettings
from engine.clock import EngineClock, SystemClock
from engine.codec import PayloadKeys, data_converter
from engine.executions import Executions
from engine.message_record import TemporalMessageRecord
from engine.vouching import Vouching
from local.processes import free_port
from local.temporal import TemporalServer
from models.database import Sessions, session_factory
from models.reads.forms.texts import newest_text
from models.tables.forms.text import TextDraft
from models.writes.forms.publishing import publish
from rules.accounts import vouching
from rules.booking.calendar_vendors import by_kind
from rules.forms.intake import FEE_POLICY
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from sandbox.app import create_app as create_sandbox
from sandbox.store import Store
from tests.care.defaults import CHAIN_KEYS, HASHER, ROW_KEYS, WEBHOOK_SECRET, api_settings, dependencies
from tests.care.outside.calendar_vendors import google_at, outlook_at
from tests.care.served import served
from tests.conftest import engine_on
from worker import build_worker
from workflows.messages import TASK_QUEUE
from workflows.starting import beginning_of

KEYS = PayloadKeys((("test", bytes(range(32))),))
PUBLIC_URL = "http://portal.example"
# Asked past SQLAlchemy, whose statements some tests count.
_LEFT = """
SELECT 1 FROM outbox WHERE status IN ('claimed', 'sending') OR (status = 'waiting' AND next_try_at <= %(now)s)
UNION ALL SELECT 1 FROM inbound_event WHERE handled_at IS NULL
UNION ALL SELECT 1 FROM payment WHERE status = 'processing'
LIMIT 1
"""

_left: dict[type, list[FastAPI]] = defaultdict(list)  # APIs that no house uses, by the clock that they were made for


class PatientClock(SystemClock):
    """The machine's own time: it can only be waited for, and nobody waits for long."""

    LONGEST = 5.0  # seconds

    async def advance(self, delta: timedelta) -> datetime:
        assert delta.total_seconds() <= self.LONGEST, "a story in real time has no time for this"
        await asyncio.sleep(delta.total_seconds())
        return await self.now()


@dataclass
class House:
    """Everything a story needs. ``restart_worker`` and friends are for tests of what survives."""

    clock: EngineClock | PatientClock
    engine: Client
    sessions: Sessions
    api_url: str
    sandbox_url: str
    dependencies: Dependencies
    services: Services
    policy: JourneyPolicy
    api: FastAPI
    database_url: str
    worker: Worker | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start_worker(self) -> None:
        assert self.worker is None
        self.worker = build_worker(self.engine, self.dependencies, graceful_shutdown_timeout=timedelta(seconds=10))
        self._tasks.append(asyncio.create_task(self.worker.run()))
        while not self.worker.is_running:
            await asyncio.sleep(0.01)

    async def stop_worker(self) -> None:
        """Within two minutes, or it is a fault: a step that never ends would hold up every test that is to follow."""
        if self.worker is not None:
            async with asyncio.timeout(120):
                await self.worker.shutdown()
            self.worker = None

    async def now(self) -> datetime:
        return await self.clock.now()

    async def deliveries_end(self) -> None:
        """Wait until no mail or errand that is due, no event of a vendor, and no try of a card is still under way.

        The movable clock runs on at real speed while a step runs, so moving it by two seconds gives a step two real
        ones and no more: on a busy machine the first mail takes longer. For twenty seconds, then it is left: a story
        may be about what is never delivered.
        """
        if self.worker is None:
            return
        async with await AsyncConnection.connect(self.database_url, autocommit=True) as database:
            for _ in range(200):
                left = await (await database.execute(_LEFT, {"now": await self.now()})).fetchone()
                if left is None:
                    return
                await asyncio.sleep(0.1)

    def lets_sign_in_by(self, provider: Provider) -> None:
        """Staff may sign in there, from now on."""
        self.services = self.api.state.services = replace(self.services, provider=provider)


@asynccontextmanager
async def open_house(
    database_url: str,
    policy: JourneyPolicy | None = None,
    *,
    real_time: bool = False,
    temporal: TemporalServer | None = None,
    stand_ins: Path | None = None,
) -> AsyncIterator[House]:
    """Start everything; stop everything.

    Args:
        real_time: on the dev server, whose time nobody can move.
        temporal: this server instead of one of its own; it goes on afterwards.
        stand_ins: the file in which the stand-ins' state outlives the house.
    """
    rules = policy or JourneyPolicy()
    async with AsyncExitStack() as stack:
        if temporal is None:
            if real_time:
                temporal = await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port())
            else:
                temporal = await TemporalServer.start_time_skipping()
            _ = await stack.enter_async_context(temporal)
        clock = temporal.clock or PatientClock()
        database: AsyncEngine = engine_on(database_url, pool_size=20, max_overflow=20)
        stack.push_async_callback(database.dispose)
        sessions = session_factory(database, chain=CHAIN_KEYS, rows=ROW_KEYS)
        engine = await Client.connect(temporal.address, data_converter=data_converter(KEYS))

        executions = Executions(engine, task_queue=TASK_QUEUE, beginning_of=beginning_of)

        store = Store(stand_ins)
        stack.callback(store.close)
        sandbox = create_sandbox(store=store, clock=clock)
        sandbox_url = await stack.enter_async_context(served(sandbox))
        vendors = google_at(sandbox_url), outlook_at(sandbox_url)
        door = Door(private=True)
        api = stack.enter_context(
            _api(
                sessions=sessions,
                engine=JourneyEngine(
                    engine,
                    vouching=Vouching(KEYS, vouching.PURPOSE),
                    resumer=Resumer(sessions=sessions, executions=executions, clock=clock),
                    patience=timedelta(seconds=60),
                    glance=timedelta(seconds=60),
                ),
                clock=clock,
                settings=api_settings(PUBLIC_URL, rules, private_addresses=True, calendar_vendors=by_kind(*vendors)),
            )
        )
        api_url = await stack.enter_async_context(served(api))
        sandbox.state.webhooks.register(url=f"{api_url}/v1/webhooks/stripe", secret=WEBHOOK_SECRET)
        sandbox.state.mail_events.register(url=f"{api_url}/v1/webhooks/sendgrid")
        payments = StripeGateway(api_key="sk_test_house", api_base=f"{sandbox_url}/stripe")
        stack.push_async_callback(payments.aclose)
        mailer = SendGridMailer(api_key="SG.house", host=f"{sandbox_url}/sendgrid")
        stack.push_async_callback(mailer.aclose)
        house = House(
            clock=clock,
            engine=engine,
            sessions=sessions,
            api_url=api_url,
            sandbox_url=sandbox_url,
            policy=rules,
            services=api.state.services,
            api=api,
            database_url=database_url.replace("postgresql+psycopg:", "postgresql:"),
            dependencies=dependencies(
                sessions=sessions,
                clock=clock,
                payments=payments,
                mailer=mailer,
                keys=KEYS,
                public_url=PUBLIC_URL,
                record=TemporalMessageRecord(engine),
                executions=executions,
                policy=rules,
                calendar_sources=calendar_sources(door, vendors),
                calendar_channels=calendar_channels(door, vendors, api_url=api_url),
            ),
        )
        await has_terms(sessions, rules, at=await clock.now())
        await house.start_worker()
        stack.push_async_callback(house.stop_worker)
        yield house


async def has_terms(sessions: Sessions, policy: JourneyPolicy, *, at: datetime) -> None:
    """The fee policy in force has this policy's numbers: they are published, if they are others."""
    terms = Terms.of(policy)
    async with sessions() as session:
        text = await newest_text(session, FEE_POLICY)
        assert text is not None
        if Terms.read(text.terms) == terms:
            return
        words = text.model_dump(include={"kind", "title", "body", "fields"})
        draft = TextDraft(id=uuid4(), terms=terms.document(), made_by="tests", made_at=at, **words)
        session.add(draft)
        await session.flush()
        await publish(session, draft, request_id=uuid4(), by="tests", at=at)
        await session.commit()


@contextmanager
def _api(
    *, sessions: Sessions, engine: JourneyEngine, clock: EngineClock | PatientClock, settings: ApiSettings
) -> Iterator[FastAPI]:
    """The API over these services: one that an earlier house has left, if there is one.

    A new one looks at each of its routes when it is first asked anything, which takes it a third of a second.
    """
    left = _left[type(clock)]
    app = (
        left.pop()
        if left
        else create_app(sessions=sessions, engine=engine, clock=clock, settings=settings, cipher=KEYS)
    )
    app.state.services = replace(
        app.state.services,
        sessions=sessions,
        engine=engine,
        clock=clock,
        settings=settings,
        passwords=Passwords(hasher=HASHER),
        provider=None,
    )
    yield app
    left.append(app)
