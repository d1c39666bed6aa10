"""Sealing rows as they are written, and opening them as they are read: for every table that has sealed columns.

A type of column does not know in which row it stands, so the mapper's own events tell it (`models.sealed`). What a
session has in memory is clear; what goes to the database and comes from it is sealed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Mapper, Session, object_session
from sqlalchemy.orm.attributes import instance_dict
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import reads_alone
from models.sealed import (
    Ciphertext,
    NotOfThisRow,
    Placed,
    RowKeys,
    RowPlace,
    Sealed,
    UnknownRowKey,
    Unreadable,
    keys_of,
    place,
    row_id,
)

log = structlog.get_logger(__name__)

Columns = tuple[tuple[str, Sealed], ...]
found_unreadable: Counter[str] = Counter()
"""How often this process has found that something does not open, by table and column."""


def sealed_columns(table: Any) -> Columns:
    """The sealed columns of a table's class, by name."""
    return tuple((column.name, column.type) for column in table.__table__.c if isinstance(column.type, Sealed))


@event.listens_for(Mapper, "mapper_configured")
def _watch(mapper: Mapper[Any], table: type[Any]) -> None:
    columns = sealed_columns(table)
    if not columns:
        return

    def place_all(_mapper: Mapper[Any], _connection: object, row: SQLModel) -> None:
        values = instance_dict(row)
        values.update(_placed(row, columns, values, lambda: _keys(row)))

    def open_all(row: SQLModel, *_: object) -> None:
        values = instance_dict(row)
        for name, kind in columns:
            sealed = values.get(name)
            if isinstance(sealed, Ciphertext) and kind.with_row:
                values[name] = _shown(kind, sealed, _place_of(row, name), _keys(row))

    event.listen(mapper, "before_insert", place_all)
    event.listen(mapper, "before_update", place_all)
    event.listen(table, "load", open_all)
    event.listen(table, "refresh", open_all)


def _shown(kind: Sealed, sealed: bytes, where: RowPlace, keys: RowKeys) -> Any:
    """Of what does not open, whoever only looks is told so in its place, so that what stands around it is shown;
    whoever may write is stopped. Raises UnknownRowKey and NotOfThisRow."""
    try:
        return kind.from_bytes(_opened(sealed, where, keys))
    except (UnknownRowKey, NotOfThisRow):
        instead = kind.unreadable() if reads_alone.get() else None
        if instead is None:
            raise
        return instead


def _opened(sealed: bytes, where: RowPlace, keys: RowKeys) -> bytes:
    """Whoever watches hears of what does not open, whether it is then shown or stops somebody. Raises UnknownRowKey and
    NotOfThisRow."""
    try:
        return keys.open(sealed, where)
    except (UnknownRowKey, NotOfThisRow) as error:
        log.warning("a value does not open", because=str(error))
        found_unreadable[f"{where.table}.{where.column}"] += 1
        raise


def _placed(
    row: SQLModel, columns: Columns, values: dict[str, Any], keys: Callable[[], RowKeys]
) -> Iterator[tuple[str, Any]]:
    for name, kind in columns:
        value = values.get(name)
        if value is None or isinstance(value, Ciphertext | Unreadable):  # nobody opened it, or nobody can
            continue
        where = _place_of(row, name)
        if not (isinstance(value, Placed) and value.place == where):
            yield name, place(kind, value, where, keys())


def _place_of(row: SQLModel, name: str) -> RowPlace:
    table = row.__table__  # type: ignore[attr-defined]
    key = row_id([getattr(row, column.name) for column in table.primary_key])
    return RowPlace(table=table.name, column=name, row=key)


def _keys(row: SQLModel) -> RowKeys:
    session = object_session(row)
    assert session is not None, "only a session reads and writes rows"
    return keys_of(session.info)


def opened_aside(row: SQLModel, column: str) -> Any:
    """What stands in a column that is not opened with its row, which a session has read or written. Raises
    UnknownRowKey and NotOfThisRow."""
    value = getattr(row, column)
    if not isinstance(value, Ciphertext):
        return value
    return dict(sealed_columns(type(row)))[column].from_bytes(_opened(value, _place_of(row, column), _keys(row)))


def row_keys(session: AsyncSession | Session) -> RowKeys:
    """By which this session seals and opens rows."""
    return keys_of(session.info)


def opened_value(
    session: AsyncSession, table: type[SQLModel], column: str, sealed: bytes, *, key: Sequence[Any]
) -> Any:
    """What stands in a sealed column, of which a query has read no more; ``key`` is the row's primary key. What does
    not open is as in a row that is read whole."""
    where = RowPlace(table=str(table.__tablename__), column=column, row=row_id(key))
    return _shown(dict(sealed_columns(table))[column], sealed, where, row_keys(session))


def sealed_values(session: AsyncSession, row: SQLModel) -> dict[str, Any]:
    """A row's values for an ``INSERT`` that is written by hand."""
    values = row.model_dump()
    return {**values, **dict(_placed(row, sealed_columns(type(row)), values, lambda: row_keys(session)))}
