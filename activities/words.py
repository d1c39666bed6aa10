"""Taking over what was handed in beside a message: the step reads it, and removes it with the change that it makes."""

from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, literal, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.handed_in import HandedIn

Order = TypeVar("Order")
_HEARD = "heard"  # where a session keeps the rows that it has heard
_BESIDE = "read beside"  # and the one that it has read, and not heard yet
_REMOVED = "removed in"  # and the transaction in which that was removed, if it was


class NothingHandedIn(LookupError):
    """The row is not there, or is another request's: what was said cannot be known."""

    def __init__(self) -> None:
        super().__init__("what was written with this request is not kept any more: it must be sent again")


def taken(id: str) -> Any:
    """What was handed in, removed with the statement that reads it, as part of that: for a step that rolls back
    whatever it refuses, so that it is there when the same is asked again."""
    return aliased(HandedIn, delete(HandedIn).where(col(HandedIn.id) == UUID(id)).returning(HandedIn).cte("taken"))


def read_beside(session: AsyncSession, row: HandedIn | None, *, removed: bool = False) -> None:
    """What was handed in for an order has been read already, and perhaps ``removed``: the next to hear it need not
    ask."""
    if row is not None:
        session.info[_BESIDE] = row
        session.info[_REMOVED] = session.sync_session.get_transaction() if removed else None


async def take_beside(session: AsyncSession, id: UUID, order: object) -> Client | None:
    """A client, if there is one, read with the same statement by which what was handed in for the order is `taken`."""
    words: str | None = getattr(order, "handed_in", None)
    if words is None:
        return await session.get(Client, id)
    one, said = select(literal(1)).subquery(), taken(words)
    both = (
        select(Client, said)
        .select_from(one)
        .join(Client, col(Client.id) == id, isouter=True)
        .join(said, true(), isouter=True)
    )
    client, beside = (await session.exec(both)).one()
    read_beside(session, beside, removed=True)
    return client


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
    rows, removed_in = session.info.pop(_HEARD, ()), session.info.pop(_REMOVED, None)
    if removed_in is not None and removed_in is session.sync_session.get_transaction():
        return
    for row in rows:
        session.sync_session.delete(row)
