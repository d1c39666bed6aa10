"""One page of a list."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.paging import Page, beyond

Row = TypeVar("Row")


async def one_page(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    page: Page,
    *columns: Any,
    descending: bool = False,
) -> Sequence[Row]:
    behind = beyond(page, *columns, descending=descending)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
