"""Each alert made true on the local stack: what the programs then tell is put to the rules, by Prometheus' promtool.

On the movable clock, so that a day takes a second. What takes a fault of somebody else's, or hours of a real cluster,
is left behind as rows, as it would have been.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text, update
from sqlmodel import SQLModel, col
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from local.stack import LocalStack, Ports
from models.database import connect, session_factory
from models.sealed import RowKeys
from models.tables import OutboxItem, Payment, Task
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.tables.keeping.keeping import Resumption
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import OutboxKind
from models.tables.money.reconciliation import Reconciliation
from rules.enums import TaskKind
from rules.events.webhooks import DeliveryState, EndpointSide
from rules.keeping import ResumedBecause
from tests.api.watching.scraped import Scraped
from tests.care.rows import Rows
from tests.care.story import Care, Person
from tests.ops.watch.dashboard import expressions
from tests.ops.watch.rules import ALERTS, NAMES, fired, metrics_of, needs_promtool
from tests.stack.practice import add_therapist, arrives_with_card, care_of

pytestmark = [needs_promtool, pytest.mark.crowd]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG = 11.0  # seconds that a workflow task waits for a worker: more than the rule allows
Told = dict[str, Scraped | None]


@dataclass
class Watched:
    """The stack, as Prometheus sees it. ``seen``: every alert that has fired; ``names``: all that was ever scraped."""

    stack: LocalStack
    http: httpx.AsyncClient
    care: Care
    seen: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    async def scrape(self) -> Told:
        found = {
            "api": await self._numbers(self.stack.api_url),
            "pages": await self._numbers(self.stack.site_url),
            "worker": await self._numbers(self.stack.worker_urls["worker"]),
        }
        for scraped in found.values():
            self.names |= scraped.names if scraped is not None else set()
        return found

    async def _numbers(self, url: str) -> Scraped | None:
        try:
            answer = await self.http.get(f"{url}/metrics")
        except httpx.HTTPError:
            return None
        assert answer.status_code == 200
        return Scraped.of(answer.text)

    def fire(self, before: Told, after: Told) -> set[str]:
        found = fired(before, after)
        self.seen |= found
        return found

    async def leave(self, *rows: SQLModel) -> None:
        """In the database, as a program would have: one with another key for what is sealed."""
        engine = connect(self.stack.database_url)
        try:
            await Rows(session_factory(engine, rows=RowKeys((("dev", b"1" * 32),)))).add(*rows)
        finally:
            await engine.dispose()

    async def put_off_to(self, instant: datetime, payments: list[str]) -> None:
        """When these were to be tried, if somebody had."""
        engine = connect(self.stack.database_url)
        try:
            async with engine.begin() as connection:
                late = update(Payment).where(col(Payment.id).in_(payments))
                await connection.execute(late.values(next_try_at=instant))
        finally:
            await engine.dispose()


@pytest.mark.timeout(900)
async def test_each_alert_is_made_true() -> None:
    env = {"WORKER_CACHED_WORKFLOWS": "0"}
    async with (
        await LocalStack.start(time_travel=True, ports=Ports.free(), env=env, seed=False, pages=True) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        watched = Watched(stack, http, care_of(stack, http))
        await _all(watched)


async def _all(watched: Watched) -> None:
    care = watched.care
    await add_therapist(care, "ana")
    sara, bob = [await arrives_with_card(care, name, "ana") for name in ("sara", "bob")]
    await sara.books("session", by="desk")
    await bob.books("session", by="desk", after=timedelta(days=9))
    quiet = await watched.scrape()
    assert watched.fire(quiet, quiet) == set()

    await _nobody_marks(watched, sara, quiet)
    await _a_bank_declines(watched, bob)
    await _left_behind(watched, bob)
    await _no_worker(watched, bob)
    await _a_workflow_fails(watched, bob)
    await _a_later_release_has_migrated(watched)
    await _nothing_is_there(watched, sara)

    assert watched.seen == NAMES
    named = set().union(*(metrics_of(rule["expr"]) for rule in ALERTS), *map(metrics_of, expressions())) - {"up"}
    assert named <= watched.names


async def _nobody_marks(watched: Watched, sara: Person, quiet: Told) -> None:
    """Nor does anybody compare, or keep: nothing is scheduled on the movable clock. A mail comes back."""
    care = watched.care
    [welcome] = await care.mails(to=sara.email, template="welcome")
    told = {"event": "bounce", "message_id": welcome["message_id"]}
    assert (await watched.http.post(f"{watched.stack.sandbox_url}/sendgrid/_events", json=told)).is_success
    await care.until(sara.session(1).ends_at + 3 * DAY + HOUR)
    found = watched.fire(quiet, await watched.scrape())
    assert {"SessionsUnmarked", "ComparisonOld", "KeeperStopped", "MailsUndeliverable"} <= found


async def _a_bank_declines(watched: Watched, bob: Person) -> None:
    before = await watched.scrape()
    await bob.bank_says("insufficient_funds")
    await bob.session(1).occurs()
    await watched.care.until(bob.session(1).ends_at + DAY + HOUR)
    after = await watched.scrape()
    assert "ChargesFailed" in watched.fire(before, after)


async def _no_worker(watched: Watched, bob: Person) -> None:
    """Killed, with something to do: once one is back, that has waited for long."""
    before = await watched.scrape()
    await watched.stack.kill_worker()
    assert "WorkerDown" in watched.fire(before, await watched.scrape())
    engine = await Client.connect(watched.stack.temporal_address)
    await engine.get_workflow_handle(f"client-journey:{bob.id}").signal("no_such_signal")
    await asyncio.sleep(LONG)
    await watched.stack.start_worker()
    async with asyncio.timeout(60):
        while not _slow(after := await watched.scrape()):
            await asyncio.sleep(0.5)
    assert "WorkflowTasksWait" in watched.fire(before, after)


def _slow(told: Told) -> bool:
    """Whether a worker tells of a workflow task that waited for more than ten seconds."""
    worker = told["worker"]
    assert worker is not None
    name = "temporal_workflow_task_schedule_to_start_latency_seconds"
    within = sum(
        value
        for (known, labels), value in worker.numbers.items()
        if known == f"{name}_bucket" and ("le", "10") in labels
    )
    return worker.sum_of(f"{name}_count") > within


async def _a_workflow_fails(watched: Watched, bob: Person) -> None:
    """By a message that was sealed with a key which the worker does not have."""
    engine = await Client.connect(watched.stack.temporal_address)
    sealed = Payload(metadata={"encoding": b"binary/encrypted", "key-id": b"lost"}, data=bytes(40))
    await engine.get_workflow_handle(f"client-journey:{bob.id}").signal("archive", RawValue(sealed))
    before = await _with_failures(watched, more_than=0)
    after = await _with_failures(watched, more_than=_failures(before) + 1)
    assert "WorkflowTasksFail" in watched.fire(before, after)


def _failures(told: Told) -> float:
    worker = told["worker"]
    return worker.sum_of("temporal_workflow_task_execution_failed_total") if worker is not None else 0


async def _with_failures(watched: Watched, *, more_than: float) -> Told:
    """In real time: on the movable clock it stands still for a task that fails, each of which runs out after 10 s."""
    async with asyncio.timeout(120):
        while _failures(told := await watched.scrape()) <= more_than:
            await asyncio.sleep(1)
        return told


async def _left_behind(watched: Watched, bob: Person) -> None:
    """What needs a fault of a vendor's, a broken release, a cluster that can list what fails, or half an hour in which
    no worker runs: on the movable clock time stands still for what nobody does."""
    before = await watched.scrape()
    now = await watched.care.now()
    endpoint = WebhookRecord(
        id=uuid4(), url="https://a.example", side=EndpointSide.PRACTICE, secret="s", cursor=0, made_at=now, made_by="x"
    )
    await watched.leave(
        InboundEvent(id="evt", vendor="stripe", type="x", payload={}, received_at=now - HOUR),
        endpoint,
        WebhookDelivery(
            id=uuid4(), endpoint_id=endpoint.id, lane=uuid4(), state=DeliveryState.WAITING, made_at=now - DAY
        ),
        OutboxItem(key="m", kind=OutboxKind.MAIL, order={}, made_at=now - HOUR, next_try_at=now - HOUR),
        Task(id=uuid4(), key="k", kind=TaskKind.KEEPS_ENDING, text="...", opened_at=now),
        Task(id=uuid4(), key="l", kind=TaskKind.STEP_FAILED, text="...", opened_at=now),
        Task(id=uuid4(), key="n", kind=TaskKind.SETTINGS_DIFFER, text="...", opened_at=now),
        Resumption(workflow_id="w", run_id="r", because=ResumedBecause.WEDGED, at=now),
        Reconciliation(
            id=uuid4(), asked_by="x", started_at=now, finished_at=now, since=now, until=now, differences=[{}]
        ),
    )
    await watched.put_off_to(now - HOUR, [payment["id"] for payment in await bob.payments()])
    await watched.care.pass_time(minutes=1)
    await watched.care.get("/v1/webhooks", by="admin")  # whose address does not open
    found = watched.fire(before, await watched.scrape())
    assert {
        *("ChargesLate", "MailsLate", "ValuesUnreadable"),
        *(
            "KeeperUnfinished",
            "LedgerDiffers",
            "SettingsDiffer",
            "StepsFail",
            "VendorEventsWait",
            "WebhooksWait",
            "WorkflowsWedged",
        ),
    } <= found


async def _a_later_release_has_migrated(watched: Watched) -> None:
    """One whose tables this code cannot use; and back."""
    before = await watched.scrape()
    engine = connect(watched.stack.owner_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO applied_migration VALUES ('9999', '9999', '')"))
        assert "SchemaDoesNotFit" in watched.fire(before, await watched.scrape())
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM applied_migration WHERE revision = '9999'"))
    finally:
        await engine.dispose()


async def _nothing_is_there(watched: Watched, sara: Person) -> None:
    """The engine, then the database, then the API."""
    before = await watched.scrape()
    await watched.stack.servers["temporal"].stop(kill=True)
    booking = {"type": "session", "starts_at": sara.session(1).starts_at.isoformat(), "mode": "video"}
    await watched.care.call("POST", f"/v1/clients/{sara.id}/appointments", booking, by="desk", expect=503)
    some = await watched.scrape()
    found = watched.fire(before, some)
    assert {"EngineUnreachable", "NumbersMissing", "WorkerNotReady"} <= found
    for _ in range(3):
        await watched.care.call("POST", f"/v1/clients/{sara.id}/appointments", booking, by="desk", expect=503)
    assert "ApiErrors" in watched.fire(some, await watched.scrape())
    await watched.stack.servers["postgres"].stop(kill=True)
    assert "DatabaseUnreachable" in watched.fire(before, await watched.scrape())
    assert watched.stack.api is not None
    await watched.stack.api.stop(kill=True)
    assert (await watched.http.get(watched.stack.site_url)).is_server_error
    some = await watched.scrape()
    assert "ApiDown" in watched.fire(before, some)
    for _ in range(3):
        assert (await watched.http.get(watched.stack.site_url)).is_server_error
    assert "PagesErrors" in watched.fire(some, await watched.scrape())
    assert watched.stack.website is not None
    await watched.stack.website.stop(kill=True)
    assert "PagesDown" in watched.fire(before, await watched.scrape())
