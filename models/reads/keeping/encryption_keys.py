"""Which keys are still needed: told by what every sealed value begins with, so that no key is needed to count."""

from collections import Counter

from sqlalchemy import LargeBinary, func, select, text, type_coerce
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealed import Sealed
from models.tables.accounts.idempotency import IdempotencyKey

_KEPT_FOR_A_WHILE = (IdempotencyKey.__table__.c.answer,)  # type: ignore[attr-defined]


async def rows_by_key(session: AsyncSession) -> dict[str, Counter[str]]:
    """For each key's id, how many values it has sealed in which column (``table.column``).

    Every sealed value is looked at, by its first bytes alone.
    """
    connection = await session.connection()
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    found: dict[str, Counter[str]] = {}
    tables = SQLModel.metadata.sorted_tables
    sealed = [column for table in tables for column in table.c if isinstance(column.type, Sealed)]
    for column in (*sealed, *_KEPT_FOR_A_WHILE):
        raw = type_coerce(column, LargeBinary)
        name = func.substr(raw, 5, func.get_byte(raw, 3))
        statement = select(name, func.count()).where(column.is_not(None)).group_by(name)
        for key_id, number in (await connection.execute(statement)).all():
            found.setdefault(key_id.decode(errors="replace"), Counter())[str(column)] += number
    return found
