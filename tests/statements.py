"""How many statements a piece of work asks of the database: exact, and so pinned where it matters."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def statements(database: AsyncEngine) -> Iterator[list[str]]:
    """The statements that are run inside the block, in order."""
    with statements_of(database.sync_engine) as asked:
        yield asked


@contextmanager
def statements_of(engine: Engine | type[Engine]) -> Iterator[list[str]]:
    """The same of one engine, or of all there are."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
