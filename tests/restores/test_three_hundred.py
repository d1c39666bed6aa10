"""An empty engine under a database with 300 clients in all stages: one command, and all of them are there again."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlmodel import SQLModel
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.client import Client as Engine
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from activities.base import derived_id
from local.postgres import Postgres
from models.tables import Appointment, Client, Therapist
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, PaymentStatus, Source, Stage
from tests.care.defaults import Json
from tests.care.rows import DAY, Rows, appointment_row, payment_row
from tests.restores.one_step import OneStep, done, nothing
from tests.restores.runbook import blocks, follow
from tests.restores.stores import Stores
from workflows.messages import appointment_workflow_id, journey_id

CLIENTS = 300
NO_MORE_THAN = 2.0  # times as long as the engine needs for as many workflows of one step
QUEUE = "nothing"
AT_ONCE = 20
_STARTED = 3  # events of a workflow that no worker has looked at

# By situation: the client's stage, and its appointment's status, how many days ahead it is, and its payment's status.
SITUATIONS: dict[str, tuple[Stage, AppointmentStatus | None, float, PaymentStatus | None]] = {
    "matching": (Stage.MATCHING, None, 0, None),
    "first booking": (Stage.FIRST_BOOKING, None, 0, None),
    "intro call": (Stage.INTRO_CALL, AppointmentStatus.SCHEDULED, 5, None),
    "session": (Stage.IN_CARE, AppointmentStatus.SCHEDULED, 6, None),
    "unmarked": (Stage.IN_CARE, AppointmentStatus.SCHEDULED, -0.2, None),
    "due": (Stage.IN_CARE, AppointmentStatus.OCCURRED, -0.5, PaymentStatus.SCHEDULED),
    "failed": (Stage.IN_CARE, AppointmentStatus.OCCURRED, -1.2, PaymentStatus.FAILED),
    "owed": (Stage.SCHEDULING, AppointmentStatus.OCCURRED, -9, PaymentStatus.OWED),
    "paid": (Stage.SCHEDULING, AppointmentStatus.OCCURRED, -9, PaymentStatus.PAID),
    "archived": (Stage.ARCHIVED, None, 0, None),
}
# Whose appointment still has something to wait for.
OPEN = {"intro call", "session", "unmarked", "due", "failed"}


@pytest.mark.timeout(240)
async def test_one_command_starts_all_of_them(postgres: Postgres, tmp_path: Path) -> None:
    stores = Stores(postgres, tmp_path, database="three-hundred")
    await stores.open()
    async with stores.engine() as engine, stores.running(engine) as house:
        wanted = await _three_hundred(Rows(house.sessions))
        floor = await _workflows_of_one_step(house.engine, len(wanted))
        [block] = blocks("The engine is empty")
        register, resume = block.splitlines()
        await follow(stores, register)
        began = time.monotonic()
        await follow(stores, resume)
        took = time.monotonic() - began
        await _all_run(house.engine, wanted)
    await stores.close()
    assert took <= NO_MORE_THAN * floor, f"{took:.1f} s, and {floor:.1f} s for {len(wanted)} workflows of one step"


async def _three_hundred(rows: Rows) -> set[str]:
    """Their rows; and the ids of the workflows that must run for them."""
    now = datetime.now(UTC)
    therapist = await rows.therapist()
    wanted: set[str] = set()
    added: list[SQLModel] = []
    for number in range(CLIENTS):
        situation = list(SITUATIONS)[number % len(SITUATIONS)]
        for row in _client(situation, number, therapist, now):
            added.append(row)
            if isinstance(row, Client):
                wanted.add(journey_id(str(row.id)))
            elif isinstance(row, Appointment) and situation in OPEN:
                wanted.add(appointment_workflow_id(str(row.id)))
    await rows.add(*added)
    return wanted


def _client(situation: str, number: int, therapist: Therapist, now: datetime) -> Iterator[SQLModel]:
    stage, status, days, payment = SITUATIONS[situation]
    matched = stage is not Stage.MATCHING
    archived = stage is Stage.ARCHIVED
    id = uuid4()
    yield Client(
        id=id,
        ref=f"R{number:05}",
        first_name=f"C{number}",
        email=f"c{number}@example.com",
        time_zone="America/New_York",
        therapist_id=therapist.id if matched else None,
        matched_at=now - 30 * DAY if matched else None,
        stage=stage,
        stage_shown=Stage.SCHEDULING if archived else stage,
        status=ClientStatus.ARCHIVED if archived else ClientStatus.ACTIVE,
        archived_at=now - DAY if archived else None,
        source=Source.CARE_TEAM,
        made_by="care_team:desk",
        created_at=now - 30 * DAY,
        first_booked_at=now - 20 * DAY if status else None,
        account_active=True,
    )
    if status is None:
        return
    starts_at = now + timedelta(days=days)
    type = AppointmentType.INTRO_CALL if situation == "intro call" else AppointmentType.SESSION
    appointment = appointment_row(
        client_id=id, therapist_id=therapist.id, starts_at=starts_at, status=status, type=type, booked_at=now - 10 * DAY
    )
    yield appointment
    if payment is not None:
        more: Json = {"next_try_at": now + DAY} if payment is PaymentStatus.FAILED else {}
        yield payment_row(appointment, id=derived_id(appointment.id, "payment"), status=payment, **more)


async def _all_run(engine: Engine, wanted: set[str]) -> None:
    """Each is there and has read what it goes by: its first workflow task is behind it."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def runs(id: str) -> bool:
        async with at_once:
            try:
                told = (await engine.get_workflow_handle(id).describe()).raw_description
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
        assert told.workflow_execution_info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING, id
        return told.workflow_execution_info.history_length > _STARTED

    async with asyncio.timeout(120):
        waiting = sorted(wanted)
        while waiting:
            states = await asyncio.gather(*(runs(id) for id in waiting))
            waiting = [id for id, there in zip(waiting, states, strict=True) if not there]
            await asyncio.sleep(0.2)


# ---------------------------------------------------------------- the floor


async def _workflows_of_one_step(engine: Engine, count: int) -> float:
    """Seconds until so many have done it, on a worker as the product's is."""
    async with Worker(engine, task_queue=QUEUE, workflows=[OneStep], activities=[nothing]):
        await _started(engine, 10)  # warm
        began = time.monotonic()
        await _started(engine, count)
        return time.monotonic() - began


async def _started(engine: Engine, count: int) -> None:
    at_once, wanted = asyncio.Semaphore(AT_ONCE), done() + count

    async def start() -> None:
        async with at_once:
            await engine.start_workflow(OneStep.run, id=str(uuid4()), task_queue=QUEUE)

    await asyncio.gather(*(start() for _ in range(count)))
    while done() < wanted:
        await asyncio.sleep(0.02)
