"""Waiting for PostgreSQL costs nothing: a program that waits is woken by the answer, and by nothing else."""

from collections.abc import Generator
from typing import Any

from psycopg import pq, waiting
from sqlalchemy.ext.asyncio import AsyncEngine


async def test_who_waits_for_an_answer_is_woken_by_it_alone(database: AsyncEngine) -> None:
    """A quarter of all the processor's time once went into asking the socket again and again."""
    woken: list[int] = []

    def answered(connection: pq.abc.PGconn) -> Generator[int, int, None]:
        connection.send_query(b"SELECT pg_sleep(0.3)")
        while connection.flush() or connection.is_busy():
            woken.append((yield waiting.WAIT_R))
            connection.consume_input()
        while connection.get_result() is not None:
            pass

    async with database.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.wait(answered(driver.pgconn))
    assert woken == [waiting.READY_R]
