"""``python -m bench.peers.procrastinate.server``: the web server, which makes the jobs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import procrastinate
import psycopg
import psycopg_pool

from bench.peers.practice.web import BarePractice, BookedSession, Transaction, serve
from bench.peers.practice.work import AT_FIRST_BOOKING
from bench.peers.procrastinate import tasks

_SCHEMA = Path(__file__).parents[1] / "practice/schema.sql"


class WithProcrastinate(BarePractice):
    def __init__(self, pool: psycopg_pool.ConnectionPool) -> None:
        self.pool = pool

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.pool.connection() as connection:

            def run(sql: str, **values: Any) -> Sequence[Any]:
                cursor = connection.execute(sql, values)
                return cursor.fetchall() if cursor.description else []

            yield Transaction(run, connection)

    def booked(self, tx: Transaction, client_id: str, sessions: list[BookedSession]) -> None:
        job = tasks.mail.configure(connection=tx.connection)
        _ = job.batch_defer(
            *[
                {"key": f"{client_id}:{template}", "client_id": client_id, "template": template}
                for template in AT_FIRST_BOOKING
            ]
        )
        for session in sessions:
            for number, due in enumerate(session.reminders):
                later = tasks.remind.configure(connection=tx.connection, schedule_at=due)
                _ = later.defer(appointment_id=session.id, number=number, due=due.isoformat())

    def occurred(self, tx: Transaction, session_id: str, due_at: datetime) -> None:
        later = tasks.charge.configure(
            connection=tx.connection, schedule_at=due_at, lock=session_id, queueing_lock=f"charge:{session_id}"
        )
        _ = later.defer(payment_id=session_id)

    def cancelled(self, tx: Transaction, session_ids: list[str]) -> None:
        """Nothing: each job looks again whether it is wanted."""

    def paid(self, tx: Transaction, payment_id: str, client_id: str) -> None:
        key = f"receipt:{payment_id}"
        job = tasks.mail.configure(connection=tx.connection, queueing_lock=key)
        _ = job.defer(key=key, client_id=client_id, template="receipt")


def main() -> None:
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        _ = connection.execute(_SCHEMA.read_bytes())
    # The web server's threads are not the worker's loop: it makes jobs by a connector of its own.
    connector = procrastinate.SyncPsycopgConnector(conninfo=url)
    with tasks.app.replace_connector(connector) as app, app.open():
        app.schema_manager.apply_schema()
        with psycopg_pool.ConnectionPool(url, min_size=4, max_size=20) as pool:
            serve(WithProcrastinate(pool))


if __name__ == "__main__":
    main()
