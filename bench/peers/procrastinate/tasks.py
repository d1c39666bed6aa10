"""The tasks, and the worker that does them."""

import os
from typing import Any

import httpx
import procrastinate
from procrastinate import JobContext, RetryStrategy

from bench.peers.practice import work

_HEARTBEAT, _SILENCE = 1.0, 3.0  # seconds; by default 10 and 30
_POLLING = 1.0  # seconds; by default 5
_AT_ONCE = 30

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], max_size=20))
_http = httpx.AsyncClient(trust_env=False, timeout=30)
_again = RetryStrategy(max_attempts=10, exponential_wait=2)


async def _run(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    pool = app.connector.pool
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(sql, values)
        return await cursor.fetchall() if cursor.description else []


@app.task(retry=_again)
async def mail(*, key: str, client_id: str, template: str) -> None:
    await work.mail(_run, _http, key=key, client_id=client_id, template=template)


@app.task(retry=_again)
async def remind(*, appointment_id: str, number: int, due: str) -> None:
    await work.remind(_run, _http, appointment_id=appointment_id, number=number, due=due)


@app.task(retry=_again)
async def charge(*, payment_id: str) -> None:
    """The payment is noted, and the receipt ordered, in one transaction; whoever comes second, as Stripe's webhook may
    have been the first, does neither."""
    intent = await work.charge(_run, _http, payment_id=payment_id)
    if intent is None:
        return
    pool = app.connector.pool
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(work.PAID, {"id": payment_id, "intent": intent})
        for (client_id,) in await cursor.fetchall():
            job = mail.configure(connection=connection, queueing_lock=f"receipt:{payment_id}")
            await job.defer_async(key=f"receipt:{payment_id}", client_id=str(client_id), template="receipt")


@app.periodic(cron="* * * * * */2")
@app.task(queueing_lock="retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """As procrastinate's own documentation has it; by default every ten minutes."""
    del timestamp
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_SILENCE):
        await context.app.job_manager.retry_job(job)


async def main() -> None:
    async with app.open_async():
        print("Ready", flush=True)
        await app.run_worker_async(
            concurrency=_AT_ONCE,
            fetch_job_polling_interval=_POLLING,
            update_heartbeat_interval=_HEARTBEAT,
            stalled_worker_timeout=_SILENCE,
        )
