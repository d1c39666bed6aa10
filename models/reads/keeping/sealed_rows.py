"""What is sealed, as it stands in the tables: read in pages, in the order of the rows' keys, and opened by nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Column, LargeBinary, Table, case, func, select, tuple_, type_coerce
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealed import NotOfThisRow, RowKeys, RowPlace, Sealed, UnknownRowKey, row_id
from models.tables.care.document import DocumentContent

ROWS = 500
_ROWS_OF = {DocumentContent.__tablename__: 8}  # of a megabyte each


@dataclass(frozen=True, kw_only=True)
class SealedRow:
    """``columns``: what is sealed in it, by name, without those that are empty."""

    table: str
    key: tuple[Any, ...]
    columns: Mapping[str, bytes] = field(repr=False)

    def place(self, column: str) -> RowPlace:
        return RowPlace(table=self.table, column=column, row=row_id(self.key))

    def faults(self, keys: RowKeys) -> Iterator[str]:
        """Why each column that does not open does not, and where it stands."""
        for column, sealed in self.columns.items():
            try:
                keys.open(sealed, self.place(column))
            except (NotOfThisRow, UnknownRowKey) as error:
                yield str(error)


@dataclass(frozen=True, kw_only=True)
class SealedRows:
    """A page. ``last`` is the key of the last row that was looked at; None behind the end of the table."""

    looked_at: int
    rows: tuple[SealedRow, ...]
    last: tuple[str, ...] | None


@cache
def sealed_tables() -> tuple[str, ...]:
    """Those that have sealed columns, in the order in which they are worked off."""
    found = (table for table in SQLModel.metadata.tables.values() if _sealed(table))
    return tuple(sorted(table.name for table in found))


async def sealed_rows(
    session: AsyncSession, name: str, *, after: Sequence[str] = (), rows: int | None = None, but: bytes | None = None
) -> SealedRows:
    """The next rows of a table, behind the key ``after``. What begins with ``but`` does not leave the database."""
    table = SQLModel.metadata.tables[name]
    limit = min(rows or ROWS, _ROWS_OF.get(name, ROWS))
    key, columns = tuple(table.primary_key), _sealed(table)
    wanted = [_but(raw(each), but) for each in columns]
    statement = select(*key, *wanted).order_by(*key).limit(limit)
    if after:
        place = [each.type.python_type(value) for each, value in zip(key, after, strict=True)]
        statement = statement.where(tuple_(*key) > tuple_(*place))
    found = (await (await session.connection()).execute(statement)).all()
    page = [
        SealedRow(
            table=name,
            key=tuple(row[: len(key)]),
            columns={
                column.name: value for column, value in zip(columns, row[len(key) :], strict=True) if value is not None
            },
        )
        for row in found
    ]
    return SealedRows(
        looked_at=len(page),
        rows=tuple(row for row in page if row.columns),
        last=tuple(map(str, page[-1].key)) if len(page) == limit else None,
    )


def raw(column: Column[Any]) -> Any:
    """A sealed column, as the bytes that stand there."""
    return type_coerce(column, LargeBinary)


def _but(value: Any, prefix: bytes | None) -> Any:
    return value if prefix is None else case((func.substr(value, 1, len(prefix)) != prefix, value))


def _sealed(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if isinstance(column.type, Sealed)]
