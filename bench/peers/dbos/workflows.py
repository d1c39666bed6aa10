"""The workflows, and the worker that runs them."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSConfig

from bench.peers.practice import work

QUEUE, OUTCOME = "practice", "outcome"
_PATIENCE = 7 * 24 * 3600.0  # seconds in which somebody says how it went
_URL = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
_TRIES = {"retries_allowed": True, "max_attempts": 10, "interval_seconds": 1.0}

config: DBOSConfig = {
    "name": "practice",
    "system_database_url": _URL,
    "application_version": "1",
    "executor_id": "worker",
    "log_level": "WARNING",
}
DBOS(config=config)
_http = httpx.AsyncClient(trust_env=False, timeout=30)
_rows: AsyncSQLAlchemyDatasource = asyncio.run(AsyncSQLAlchemyDatasource.create(_URL, engine_kwargs={"pool_size": 20}))


async def _run(sql: str, **values: Any) -> Sequence[Any]:
    async with _rows.engine.begin() as connection:
        found = await connection.exec_driver_sql(sql, values)
        return found.all() if found.returns_rows else []


@DBOS.step(**_TRIES)
async def mail(key: str, client_id: str, template: str) -> None:
    await work.mail(_run, _http, key=key, client_id=client_id, template=template)


@DBOS.step(**_TRIES)
async def remind(appointment_id: str, number: int, due: str) -> None:
    await work.remind(_run, _http, appointment_id=appointment_id, number=number, due=due)


@DBOS.step(**_TRIES)
async def charge(payment_id: str) -> str | None:
    return await work.charge(_run, _http, payment_id=payment_id)


@_rows.transaction(isolation_level="READ COMMITTED")
async def note_paid(payment_id: str, intent: str) -> None:
    """With the step's own record in one transaction. Stripe's webhook may have noted it before."""
    connection = await _rows.sql_session().connection()
    await connection.exec_driver_sql(work.PAID, {"id": payment_id, "intent": intent})


@DBOS.workflow()
async def first_booking(client_id: str) -> None:
    for template in work.AT_FIRST_BOOKING:
        await mail(f"{client_id}:{template}", client_id, template)


@DBOS.workflow()
async def session(id: str, client_id: str, reminders: list[str]) -> None:
    for number, due in enumerate(reminders):
        await _until(due)
        await remind(id, number, due)
    charge_at = await DBOS.recv_async(OUTCOME, timeout_seconds=_PATIENCE)
    if charge_at is None:
        return
    await _until(charge_at)
    intent = await charge(id)
    if intent is not None:
        await note_paid(id, intent)
    await mail(f"receipt:{id}", client_id, "receipt")


async def _until(instant: str) -> None:
    """A durable sleep: its end is kept when it begins. Never of nought, which would be no step: the workflow, begun
    again, would find another one in its place."""
    left = (datetime.fromisoformat(instant) - datetime.now(UTC)).total_seconds()
    await DBOS.sleep_async(max(left, 0.001))


async def main() -> None:
    await _rows.engine.dispose()  # what it connected by belongs to the loop that made its tables
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE)
    print("Ready", flush=True)
    await asyncio.Event().wait()
