"""The whole house in one process, on the movable clock: engine, database, worker, API, and the stand-ins.

Only the time-skipping server and PostgreSQL are programs of their own. One house per test: its clock is its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker

from activities.base import Dependencies
from activities.gateways.sendgrid import SendGridMailer
from activities.gateways.simulated import SimulatedGateway
from activities.gateways.stripe import StripeGateway
from activities.practice import Links, Practice
from activities.registry import build
from api.app import create_app
from api.auth import FailedSignIns, Passwords
from api.engine import JourneyEngine
from api.settings import ApiSettings, ServiceKey
from config import DEV_SENDGRID_WEBHOOK_PUBLIC_KEY
from engine.clock import EngineClock, SystemClock
from engine.codec import PayloadKeys, data_converter
from engine.event_key import EventKey
from engine.signal_record import TemporalSignalRecord
from engine.signed_links import SignedLinks
from local.processes import free_port, free_ports
from local.temporal import TemporalServer
from models.database import Sessions, session_factory
from rules.enums import Role
from rules.mail import unsubscribe
from rules.policy import JourneyPolicy
from sandbox.app import create_app as create_sandbox
from sandbox.store import Store
from tests.conftest import engine_on
from worker import build_worker

WEBHOOK_SECRET = "whsec_tests"
KEYS = PayloadKeys((("test", bytes(range(32))),))
SITE = "site-secret"
DESK = "desk-secret"
ADMIN = "admin-secret"
CARE_TEAM_EMAIL = "care@practice.example"
PUBLIC_URL = "http://portal.example"
EMAIL_FROM = "hello@practice.example"

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
    policy: JourneyPolicy
    worker: Worker | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start_worker(self) -> None:
        assert self.worker is None
        self.worker = build_worker(
            self.engine, build(self.dependencies), graceful_shutdown_timeout=timedelta(seconds=10)
        )
        self._tasks.append(asyncio.create_task(self.worker.run()))
        while not self.worker.is_running:
            await asyncio.sleep(0.01)

    async def stop_worker(self) -> None:
        if self.worker is not None:
            await self.worker.shutdown()
            self.worker = None

    async def now(self) -> datetime:
        return await self.clock.now()


@asynccontextmanager
async def serving(app: FastAPI, port: int, *, access_log: bool = False) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_config=None,
            access_log=access_log,
            lifespan="on",
            timeout_keep_alive=75,  # as the real one
            timeout_graceful_shutdown=2,
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def open_house(
    database_url: str, policy: JourneyPolicy | None = None, *, real_time: bool = False
) -> AsyncIterator[House]:
    """Start everything; stop everything. ``real_time``: on the dev server, whose time nobody can move."""
    rules = policy or JourneyPolicy()
    async with AsyncExitStack() as stack:
        if real_time:
            temporal = await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port())
        else:
            temporal = await TemporalServer.start_time_skipping()
        _ = await stack.enter_async_context(temporal)
        clock = temporal.clock or PatientClock()
        database: AsyncEngine = engine_on(database_url, pool_size=20, max_overflow=20)
        stack.push_async_callback(database.dispose)
        sessions = session_factory(database)
        engine = await Client.connect(temporal.address, data_converter=data_converter(KEYS))
        api_port, sandbox_port = free_ports(2)

        store = Store(None)
        stack.callback(store.close)
        sandbox = create_sandbox(store=store, clock=clock)
        sandbox.state.webhooks.register(url=f"http://127.0.0.1:{api_port}/v1/webhooks/stripe", secret=WEBHOOK_SECRET)
        sandbox.state.mail_events.register(url=f"http://127.0.0.1:{api_port}/v1/webhooks/sendgrid")
        sandbox_url = await stack.enter_async_context(serving(sandbox, sandbox_port))
        api = stack.enter_context(
            _api(
                sessions=sessions,
                engine=JourneyEngine(engine, patience=timedelta(seconds=60), glance=timedelta(seconds=60)),
                clock=clock,
                settings=_settings(rules),
            )
        )
        api_url = await stack.enter_async_context(serving(api, api_port))
        payments = StripeGateway(api_key="sk_test_house", api_base=f"{sandbox_url}/stripe")
        stack.push_async_callback(payments.aclose)
        house = House(
            clock=clock,
            engine=engine,
            sessions=sessions,
            api_url=api_url,
            sandbox_url=sandbox_url,
            policy=rules,
            dependencies=Dependencies(
                sessions=sessions,
                clock=clock,
                payments=payments,
                simulated_payments=SimulatedGateway(),
                mailer=SendGridMailer(api_key="SG.house", host=f"{sandbox_url}/sendgrid"),
                links=Links(public_url=PUBLIC_URL),
                practice=Practice(
                    name="Riverside Practice",
                    care_team_email=CARE_TEAM_EMAIL,
                    insurance_email="insurance@practice.example",
                ),
                email_from=EMAIL_FROM,
                link_key=b"tests",
                unsubscribe_links=SignedLinks(KEYS, unsubscribe.PURPOSE),
                signals=TemporalSignalRecord(engine),
                policy=rules,
            ),
        )
        await house.start_worker()
        stack.push_async_callback(house.stop_worker)
        yield house


@contextmanager
def _api(
    *, sessions: Sessions, engine: JourneyEngine, clock: EngineClock | PatientClock, settings: ApiSettings
) -> Iterator[FastAPI]:
    """The API over these services: one that an earlier house has left, if there is one.

    A new one looks at each of its routes when it is first asked anything, which takes it a third of a second.
    """
    left = _left[type(clock)]
    passwords = Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
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
        passwords=passwords,
        sign_ins=FailedSignIns(),
    )
    yield app
    left.append(app)


def _settings(policy: JourneyPolicy) -> ApiSettings:
    keys: list[Any] = [
        ServiceKey(role=Role.BOOKING_SITE, name="site", secret=SITE),
        ServiceKey(role=Role.CARE_TEAM, name="desk", secret=DESK),
        ServiceKey(role=Role.ADMIN, name="root", secret=ADMIN),
    ]
    return ApiSettings(
        public_url=PUBLIC_URL,
        email_from=EMAIL_FROM,
        service_keys=tuple(keys),
        stripe_webhook_secret=WEBHOOK_SECRET,
        mail_event_key=EventKey.parse(DEV_SENDGRID_WEBHOOK_PUBLIC_KEY),
        policy=policy,
    )
