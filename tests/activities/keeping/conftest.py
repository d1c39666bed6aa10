"""The keeper with a real engine and a real database, over stand-ins for the workflows that follow rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlmodel import col, select
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.base import Dependencies
from activities.keeping.rounds import KeepingActivities
from engine.clock import SystemClock
from engine.codec import PayloadKeys, data_converter
from engine.executions import Executions, in_epoch
from local.processes import free_port
from local.temporal import TemporalServer
from models.database import Sessions
from models.reads.epoch import present_epoch
from models.reads.keeping.keepings import resumed_in
from models.tables import Appointment, Fact, Keeping, Task, Therapist
from models.tables.clients.client import Client as ClientRow
from models.tables.mail.outbox import OutboxItem, OutboxKind
from tests.activities.keeping import followers
from tests.activities.keeping.followers import following
from tests.care.defaults import dependencies
from tests.care.rows import DAY, Rows
from workflows.keep_journeys import KeepJourneys
from workflows.messages import KEEP_JOURNEYS, KEEP_JOURNEYS_ID, TASK_QUEUE, appointment_workflow_id
from workflows.messages import journey_id as journey_id_of
from workflows.starting import beginning_of

KEYS = PayloadKeys((("tests", bytes(32)),))


@dataclass
class Round:
    looked_at: int
    resumed: dict[str, str]  # workflow id -> because
    tasks: int


@dataclass
class Kept:
    """A practice whose workflows only wait, and its keeper."""

    client: Client
    sessions: Sessions
    rows: Rows
    executions: Executions
    deps: Dependencies
    therapist: Therapist
    steps: list[Any]
    worker: Worker | None = None
    working: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def somebody_works(self) -> AsyncIterator[None]:
        self.worker = following(self.client, KeepJourneys, activities=self.steps)
        self.working = asyncio.create_task(self.worker.run())
        try:
            yield
        finally:
            await self.worker.shutdown()
            if self.working is not None:
                await self.working

    @asynccontextmanager
    async def nobody_works(self) -> AsyncIterator[None]:
        """While this lasts, nothing is taken in."""
        assert self.worker is not None
        await self.worker.shutdown()
        yield
        self.worker = following(self.client, KeepJourneys, activities=self.steps)
        self.working = asyncio.create_task(self.worker.run())
        while not self.worker.is_running:
            await asyncio.sleep(0.01)

    async def epoch(self) -> str:
        async with self.sessions() as session:
            return str(await present_epoch(session))

    async def journey(self, *, started: bool = True, **columns: Any) -> ClientRow:
        row = await self.rows.client(self.therapist, **columns)
        if started:
            await self.executions.start(journey_id_of(str(row.id)), epoch=await self.epoch())
        return row

    async def appointment(self, client: ClientRow, *, started: bool = True, **columns: Any) -> Appointment:
        columns.setdefault("starts_at", await self.deps.clock.now() + 7 * DAY)
        row = await self.rows.appointment(client, self.therapist, **columns)
        if started:
            await self.executions.start(appointment_workflow_id(str(row.id)), epoch=await self.epoch())
        return row

    def of(self, client: ClientRow) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(journey_id_of(str(client.id)))

    async def stranger(self, workflow_id: str, *, epoch: str | None = None) -> WorkflowHandle[Any, Any]:
        """A workflow whose row is in no database any more."""
        beginning = beginning_of(workflow_id)
        return await self.client.start_workflow(
            beginning.workflow,
            beginning.input,
            id=workflow_id,
            task_queue=TASK_QUEUE,
            search_attributes=in_epoch(epoch or await self.epoch()),
        )

    async def round(self) -> Round:
        id = uuid4()
        order = {"id": str(id), "asked_by": "care_team:desk"}
        await self.client.execute_workflow(
            KEEP_JOURNEYS, {"asked": [order]}, id=KEEP_JOURNEYS_ID, task_queue=TASK_QUEUE
        )
        async with self.sessions() as session:
            row = await session.get_one(Keeping, id)
            resumed = await resumed_in(session, id, limit=10000)
        assert row.finished_at is not None
        return Round(row.looked_at, {each.workflow_id: str(each.because) for each in resumed}, row.tasks)

    async def runs(self, workflow_id: str) -> bool:
        execution = await self.executions.look_at(workflow_id)
        return execution is not None and execution.runs

    async def facts(self, client: ClientRow) -> list[Fact]:
        async with self.sessions() as session:
            statement = select(Fact).where(col(Fact.client_id) == client.id).order_by(col(Fact.seq))
            return list((await session.exec(statement)).all())

    async def tasks(self) -> list[Task]:
        async with self.sessions() as session:
            return list((await session.exec(select(Task).order_by(col(Task.key)))).all())


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TemporalServer]:
    async with await TemporalServer.start_dev(data_dir=None, port=free_port(), ui_port=free_port()) as server:
        yield server


@pytest.fixture
async def kept(server: TemporalServer, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kept]:
    # No second for which the engine may not list what it has just started.
    async for practice in kept_on(server.address, sessions, clock=SystemClock()):
        yield practice


async def kept_on(address: str, sessions: Sessions, *, clock: Any) -> AsyncIterator[Kept]:
    client = await Client.connect(address, data_converter=data_converter(KEYS))
    executions = Executions(client, task_queue=TASK_QUEUE, beginning_of=beginning_of)
    nothing = cast(Any, None)
    deps = dependencies(
        sessions=sessions,
        clock=clock,
        payments=nothing,
        mailer=nothing,
        keys=KEYS,
        public_url="http://portal.example",
        executions=executions,
    )
    activities = KeepingActivities(deps)
    steps = [getattr(activities, name) for name, member in vars(KeepingActivities).items() if _is_step(member)]
    rows = Rows(sessions)
    kept = Kept(client, sessions, rows, executions, deps, await rows.therapist("ana"), steps)
    async with kept.somebody_works():
        yield kept
        followers.broken.clear()
        await _end_all(client)


def mail_of(client: ClientRow, *, due: datetime, appointment: Appointment | None = None) -> OutboxItem:
    """One that waits in the outbox since then."""
    return OutboxItem(
        key=f"welcome:{appointment.id if appointment else client.id}",
        kind=OutboxKind.MAIL,
        client_id=client.id,
        appointment_id=appointment.id if appointment else None,
        order={},
        made_at=due,
        next_try_at=due,
    )


def _is_step(member: object) -> bool:
    return hasattr(member, "__temporal_activity_definition")


async def _end_all(client: Client) -> None:
    """The next test has other rows."""
    try:
        async for each in client.list_workflows("ExecutionStatus = 'Running'"):
            await client.get_workflow_handle(each.id).terminate()
    except Exception:  # noqa: BLE001, S110 - a server that cannot list is used once
        pass
