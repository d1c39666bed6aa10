"""In which order transactions lock the rows that others wait for: therapist, then client, then payment or account.

Whoever takes them in another one can meet whoever does not, and both wait for each other until PostgreSQL ends one of
them. So the order is looked at in every transaction of every test, whether anybody is met there or not.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event

RANKS = {"therapist": 0, "client": 1, "payment": 2, "account": 2}
_SELECTED = re.compile(r"\bFROM \"?(\w+)\"?.*\bFOR (?:NO KEY )?UPDATE(?: OF \"?(\w+)\"?)?", re.DOTALL)
_UPDATED = re.compile(r"\s*UPDATE \"?(\w+)\"? SET\b")


@lru_cache(4096)
def table_locked_by(statement: str) -> str | None:
    """The table of whose rows this waits for one, if there is one. Statements are few and come again and again."""
    found = _UPDATED.match(statement) or (_SELECTED.search(statement) if " UPDATE" in statement else None)
    return None if found is None else next((name for name in reversed(found.groups()) if name), None)


@contextmanager
def locks_taken() -> Iterator[list[tuple[str, ...]]]:
    """Of each transaction that ends inside the block: the tables in whose rows it locked something, in the order in
    which each came first."""
    taken: list[tuple[str, ...]] = []
    under_way: dict[int, list[str]] = {}

    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        table = table_locked_by(statement)
        tables = under_way.setdefault(id(connection), [])
        if table in RANKS and table not in tables:
            tables.append(table)

    def ended(connection: Connection) -> None:
        if tables := under_way.pop(id(connection), []):
            taken.append(tuple(tables))

    listening = (("before_cursor_execute", note), ("commit", ended), ("rollback", ended))
    for name, listener in listening:
        event.listen(Engine, name, listener)
    try:
        yield taken
    finally:
        for name, listener in listening:
            event.remove(Engine, name, listener)


def out_of_order(taken: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    return {tables for tables in taken if [RANKS[each] for each in tables] != sorted(RANKS[each] for each in tables)}
