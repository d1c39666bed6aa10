"""``python -m bench.peers.dbos.server``: the web server, which starts the workflows and sends them messages."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, EnqueueOptions, run_dbos_database_migrations

from bench.peers.practice.web import BarePractice, BookedSession, Transaction, serve

_SCHEMA = Path(__file__).parents[1] / "practice/schema.sql"
# As bench.peers.dbos.workflows names them, which the web server does not import: it would run them.
QUEUE, OUTCOME = "practice", "outcome"


class WithDBOS(BarePractice):
    def __init__(self, engine: sa.Engine, client: DBOSClient) -> None:
        self.engine = engine
        self.client = client

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.engine.begin() as connection:

            def run(sql: str, **values: Any) -> Sequence[Any]:
                found = connection.exec_driver_sql(sql, values)
                return found.all() if found.returns_rows else []

            yield Transaction(run, connection)

    def booked(self, tx: Transaction, client_id: str, sessions: list[BookedSession]) -> None:
        self._start(tx, "first_booking", f"first_booking:{client_id}", client_id)
        for session in sessions:
            reminders = [due.isoformat() for due in session.reminders]
            self._start(tx, "session", session.id, session.id, client_id, reminders)

    def occurred(self, tx: Transaction, session_id: str, due_at: datetime) -> None:
        """The same word twice would only be heard once: the workflow listens once."""
        self.client.send_in_transaction(tx.connection, session_id, due_at.isoformat(), OUTCOME)

    def cancelled(self, tx: Transaction, session_ids: list[str]) -> None:  # noqa: ARG002 - by a connection of its own
        """They end at their next step. Not in the transaction, but each step looks at the row besides."""
        self.client.cancel_workflows(session_ids)

    def paid(self, tx: Transaction, payment_id: str, client_id: str) -> None:
        """Nothing: the session's workflow goes on to the receipt in any case."""

    def _start(self, tx: Transaction, workflow: str, id: str, *given: Any) -> None:
        """The id makes it one workflow, however often it is started."""
        options: EnqueueOptions = {"workflow_name": workflow, "queue_name": QUEUE, "workflow_id": id}
        _ = self.client.enqueue_in_transaction(tx.connection, options, *given)


def main() -> None:
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url, pool_size=20)
    with engine.begin() as connection:
        _ = connection.exec_driver_sql(_SCHEMA.read_text())
    run_dbos_database_migrations(system_database_url=url)
    serve(WithDBOS(engine, DBOSClient(system_database_url=url)))


if __name__ == "__main__":
    main()
