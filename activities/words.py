"""Taking over what was handed in beside a message: the step reads it, and removes it with the change that it makes."""

from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.handed_in import HandedIn

Order = TypeVar("Order")
_HEARD = "heard"  # where a session keeps the rows that it has heard
_BESIDE = "read beside"  # and the one that it has read, and not heard yet


class NothingHandedIn(LookupError):
    """The row is not there, or is another request's: what was said cannot be known."""

    def __init__(self) -> None:
        super().__init__("what was written with this request is not kept any more: it must be sent again")


def read_beside(session: AsyncSession, row: HandedIn | None) -> None:
    """What was handed in for an order has been read already: the next to hear it need not ask."""
    if row is not None:
        session.info[_BESIDE] = row


async def heard(session: AsyncSession, order: Order, *, about: UUID) -> Order:
    """The order with the words that were handed in for it; as it came, where nothing was.

    Raises NothingHandedIn. Ask before for an answer that was given: what was taken over is gone.
    """
    id: str | None = getattr(order, "handed_in", None)
    if id is None:
        return order
    beside: HandedIn | None = session.info.pop(_BESIDE, None)
    known = beside is not None and beside.id == UUID(id)
    row = beside if known else await session.get(HandedIn, UUID(id))
    asked: Any = order
    if row is None or (row.about, row.request_id) != (about, asked.request_id):
        raise NothingHandedIn
    session.info.setdefault(_HEARD, []).append(row)
    return replace(order, **row.said)  # type: ignore[type-var]


def taken_over(session: AsyncSession) -> None:
    """What this transaction has heard stands in rows of its own from now on."""
    for row in session.info.pop(_HEARD, ()):
        session.sync_session.delete(row)
