"""A practice that is many times as large: every row of its clients, copied as often, each copy of somebody else.

As the owner of the tables, past what refers to what: ids are made up, so that the copies are spread as rows of many
clients are. They are there to be passed over, and no program ever looks into one.
"""

from typing import Any

from sqlalchemy import Column, Connection, Enum, Integer, Table, UniqueConstraint, Uuid, text
from sqlmodel import SQLModel

FROM_TIME_TO_TIME = frozenset(
    (
        *("access_block", "access_line", "access_repeat", "budget_use", "chained_access", "handed_in"),
        *("idempotency_key", "inbound_event", "row_change"),
    )
)
"""What grows without referring to a client."""


def growing() -> list[Table]:
    """The tables that grow with clients and with what is done for them."""
    tables = SQLModel.metadata.sorted_tables
    found = {"client", *FROM_TIME_TO_TIME}
    while True:
        more = {
            table.name
            for table in tables
            if table.name not in found and any(key.column.table.name in found for key in table.foreign_keys)
        }
        if not more:
            return [table for table in tables if table.name in found]
        found |= more


def copy_rows(owner: Connection, *, times: int) -> dict[str, int]:
    """Copy all that grows, and the therapists whose it is; how many rows there are then, by table."""
    owner.execute(text("SET LOCAL session_replication_role = replica"))
    tables = [*(table for table in SQLModel.metadata.sorted_tables if table.name == "therapist"), *growing()]
    for table in tables:
        owner.execute(text(_copy(table)), {"times": times})
    return {
        table.name: owner.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar_one()  # noqa: S608 - our names
        for table in tables
    }


def _copy(table: Table) -> str:
    unique = _unique(table)
    columns = [column for column in table.columns if column.computed is None and column.identity is None]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_value(column, of_its_own=column.name in unique) for column in columns)
    return f'INSERT INTO "{table.name}" ({names}) SELECT {values} FROM "{table.name}" one, generate_series(1, :times) n'  # noqa: S608


def _unique(table: Table) -> set[str]:
    """The columns that something is found by."""
    keys: list[Any] = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
    return {column.name for key in (*keys, *table.indexes) for column in key.columns}


def _value(column: Column[Any], *, of_its_own: bool) -> str:
    name = f'one."{column.name}"'
    if column.name == "accepting_clients":
        return "false"  # nobody is matched with a copy
    if isinstance(column.type, Uuid):
        return f"md5({name} || ':' || n)::uuid"  # the same wherever it stands: who refers to it refers to its copy
    if not of_its_own:
        return name
    if isinstance(column.type, Integer):
        return f"{name} + n * 1000"
    if str(column.type).startswith("VARCHAR") and not isinstance(column.type, Enum):
        length = getattr(column.type, "length", None) or 32
        return f"left(md5({name} || ':' || n), {length})"
    return name
