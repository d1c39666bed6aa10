"""What becomes of the items that a delivery has claimed, for as long as they are its own: whoever claims one of them
after it counts another try."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, tuple_
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus

_CLAIMED = ("status", "next_try_at", "tries", "recipient")  # what a claim may change


class ItemClaim(NamedTuple):
    """An item by its key, and the number of the try for which it was claimed."""

    key: str
    tries: int


def write_together(rows: Iterable[OutboxItem]) -> None:
    """Have these rows written in one statement: the ORM puts together what changes in the same columns."""
    for row in rows:
        for name in _CLAIMED:
            flag_modified(row, name)


async def hand_on(
    session: AsyncSession,
    client_id: UUID,
    sent: ItemClaim,
    message_id: str | None,
    *,
    then: ItemClaim | None,
    at: datetime,
    answered_by: datetime,
) -> bool:
    """That one mail was sent, together with that the next is on its way. False where somebody else has the next by now.

    One that was sent is settled by whoever tells of it: this delivery at its end, or the next one. The client is locked
    first, as by whoever claims, in the same statement: no row is looked at before it is known that there is a client.
    """
    whose = select(Client.id).where(col(Client.id) == client_id).with_for_update(key_share=True).cte()
    this = col(OutboxItem.key) == sent.key
    moved = (
        update(OutboxItem)
        .where(select(whose.c.id).exists(), _are_ours([sent, then] if then is not None else [sent]))
        .values(
            status=OutboxStatus.SENDING,
            next_try_at=answered_by,
            sent_at=case((this, at)),
            message_id=case((this, message_id)),
        )
        .returning(col(OutboxItem.key))
        .execution_options(synchronize_session=False)
    )
    ours = (await session.exec(moved)).scalars().all()
    return then is not None and then.key in ours


async def is_sending(session: AsyncSession, claim: ItemClaim, *, answered_by: datetime) -> bool:
    """That it is on its way. False where somebody else has it by now."""
    values = {"status": OutboxStatus.SENDING, "next_try_at": answered_by}
    moved = update(OutboxItem).where(_are_ours([claim])).values(values).returning(col(OutboxItem.key))
    return (await session.exec(moved)).scalar_one_or_none() is not None


async def settle(
    session: AsyncSession, claims: Collection[ItemClaim], status: OutboxStatus, *, message_id: str | None, at: datetime
) -> list[OutboxItem]:
    """How these mails ended: the rows of those that are still this delivery's, in the order given. ``message_id``: the
    mail service's id of the last of them; of the others it was written down as they were handed on."""
    ended = (
        update(OutboxItem)
        .where(_are_ours(claims))
        .values(
            status=status,
            sent_at=func.coalesce(OutboxItem.sent_at, at),
            message_id=func.coalesce(OutboxItem.message_id, message_id),
        )
        .returning(OutboxItem)
        .execution_options(synchronize_session=False)
    )
    return _in_order(claims, (await session.exec(ended)).scalars().all())


async def end_errand(
    session: AsyncSession, key: str, status: OutboxStatus, *, tries: int, next_try_at: datetime
) -> None:
    """How an errand ended, or when it is tried again."""
    ended = update(OutboxItem).where(col(OutboxItem.key) == key)
    await session.exec(ended.values(status=status, tries=tries, next_try_at=next_try_at))


async def rows_of(session: AsyncSession, claims: Collection[ItemClaim]) -> list[OutboxItem]:
    """The rows of those that are still this delivery's, in the order given."""
    if not claims:
        return []
    return _in_order(claims, (await session.exec(select(OutboxItem).where(_are_ours(claims)).with_for_update())).all())


def _in_order(claims: Collection[ItemClaim], rows: Iterable[OutboxItem]) -> list[OutboxItem]:
    places = {claim.key: place for place, claim in enumerate(claims)}
    return sorted(rows, key=lambda row: places[row.key])


def _are_ours(claims: Collection[ItemClaim]) -> ColumnElement[bool]:
    these = tuple_(col(OutboxItem.key), col(OutboxItem.tries)).in_([tuple(claim) for claim in claims])
    return and_(these, col(OutboxItem.status).in_(UNSETTLED))
