"""The access log as tests look at it."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from models.database import Sessions
from models.tables import AccessLine
from rules.accounts.accesses import AccessEvent

Headers = dict[str, str]


async def lines(sessions: Sessions, *events: AccessEvent) -> Sequence[AccessLine]:
    """Those of these events, in the order in which they were written."""
    statement = select(AccessLine).order_by(col(AccessLine.number))
    if events:
        statement = statement.where(col(AccessLine.event).in_(events))
    async with sessions() as session:
        return (await session.exec(statement)).all()


async def seen(sessions: Sessions) -> list[tuple[Any, ...]]:
    """Of data: event, who, role, kind, and how many clients."""
    found = [line for line in await lines(sessions) if line.event.is_of_data]
    return [(line.event.value, line.who, line.role, line.kind and line.kind.value, len(line.whose)) for line in found]
