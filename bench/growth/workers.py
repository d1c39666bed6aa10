"""1, 2 and 4 worker processes: payments settled a second, with their receipts, by as many as there are.

They share a machine with the engine, the stand-ins and the database: on two cores there is little to share out, and
what is said of more workers is what they cost there, not what they bring on machines of their own.
"""

import os
from datetime import timedelta

from bench.growth.measures import Report, sizes, within
from bench.payments import PAYMENTS, ROOM, _worked, arrive, settle
from config.development import DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys
from local.stack import LocalStack, Ports
from models.database import connect, session_factory
from models.sealed import RowKeys

SIZES = (1, 2, 4)
SHORT = 20  # payments, where sizes are given
LEAD = timedelta(seconds=40)  # on a machine that others use too


async def run() -> None:
    report = Report("growth_workers", SIZES)
    count = PAYMENTS if sizes(SIZES) == SIZES else SHORT
    report.tell(f"{count} payments with their receipts, all due at one moment, on {os.cpu_count()} cores")
    alone = 0.0
    for size in sizes(SIZES):
        rate, worked = await _payments(size, count)
        alone = alone or rate
        report.tell(
            f"  {size} worker processes: {rate:6.1f} a second, {rate / alone:.2f} times one;"
            f" {worked:.0f} ms of their processor each"
        )
    report.keep()


async def _payments(workers: int, count: int) -> tuple[float, float]:
    """Settled a second, and milliseconds of the workers' processor for each."""
    async with await LocalStack.start(ports=Ports.free(), seed=False, workers=workers, env=ROOM) as stack:
        database = connect(stack.database_url)
        sessions = session_factory(database, rows=RowKeys(PayloadKeys.parse(DEV_PAYLOAD_KEYS).keys))
        try:
            clients = await arrive(stack)
            await settle(stack, sessions, clients, count=SHORT, lead=LEAD)  # warm
            before = _worked(stack)
            async with within(10, f"{count} payments of {workers} workers"):
                _, told = await settle(stack, sessions, clients, count=count, lead=LEAD)
            after = _worked(stack)
        finally:
            await database.dispose()
        used = sum(after[name] - before[name] for name in stack.workers)
    return count / told, used * 1000 / count
