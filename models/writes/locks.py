"""Row locks, taken in one order everywhere: therapist, then client, then payment, or the client's account.

The weaker lock (NO KEY UPDATE) is enough to have a row to oneself, and lets foreign keys be checked meanwhile: a check
comes whenever a row that refers to a therapist is written, in whatever order, and must not wait in a circle.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ScalarSelect, SelectBase, Text, func, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.epoch import is_compared
from models.reads.money.payments import last_try_of, open_credit_for
from models.reads.visibility import may_see_client
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller

Row = TypeVar("Row", Therapist, Client, Payment)
Id = UUID | ScalarSelect[UUID]  # or where it stands
Ids = Collection[UUID] | SelectBase  # or where they stand


class RowMissing(LookupError):
    """A row that must exist does not: an id from elsewhere, or a database that lost something."""


async def lock_therapist(session: AsyncSession, therapist_id: Id) -> Therapist:
    """The therapist, freshly read, as the next two. Raises RowMissing."""
    return await _lock(session, Therapist, therapist_id)


async def lock_therapist_if_any(session: AsyncSession, whose: ScalarSelect[UUID | None]) -> Therapist | None:
    """The therapist who is named there; None if nobody is."""
    return await _lock_if_any(session, Therapist, whose)


async def lock_every_therapist(session: AsyncSession) -> None:
    """All of them, in the order of their ids: for what concerns every calendar at once."""
    await session.exec(select(Therapist.id).order_by(col(Therapist.id)).with_for_update(key_share=True))


async def lock_therapists(session: AsyncSession, ids: Ids) -> Sequence[Therapist]:
    """These therapists, freshly read, locked in the order of their ids."""
    return await _lock_all(session, Therapist, ids)


async def lock_client(session: AsyncSession, client_id: Id) -> Client:
    return await _lock(session, Client, client_id)


async def lock_payment(session: AsyncSession, payment_id: UUID) -> Payment:
    return await _lock(session, Payment, payment_id)


async def lock_payments(session: AsyncSession, ids: Ids) -> Sequence[Payment]:
    """These payments, freshly read, locked in the order of their ids."""
    return await _lock_all(session, Payment, ids)


async def lock_payment_with_appointment(
    session: AsyncSession, payment_id: UUID
) -> tuple[Payment, Appointment, Therapist, bool, int, int]:
    """A payment, what it is for, and what a try must know: whether money may move in this epoch, the client's open
    credit in its currency, and the number of the last try. Whoever holds the client's lock reads that as it stands."""
    statement: Any = (
        select(Payment, Appointment, Therapist, is_compared(), open_credit_for(Payment), last_try_of(Payment))  # type: ignore[call-overload]
        .join(Appointment, col(Appointment.id) == Payment.appointment_id)
        .join(Therapist, col(Therapist.id) == Appointment.therapist_id)
        .where(col(Payment.id) == payment_id)
        .with_for_update(key_share=True, of=Payment)
    )
    found = (await session.exec(statement.execution_options(populate_existing=True))).one()
    return tuple(found)


async def _lock(session: AsyncSession, table: type[Row], id: Id) -> Row:
    row = await _lock_if_any(session, table, id)
    if row is None:
        raise RowMissing(f"no {table.__tablename__} {id}")
    return row


async def _lock_if_any(session: AsyncSession, table: type[Row], id: Id | ScalarSelect[UUID | None]) -> Row | None:
    statement = select(table).where(col(table.id) == id).with_for_update(key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).one_or_none()


async def lock_open_client(session: AsyncSession, caller: Caller, client_id: UUID) -> Client | None:
    """The same for who writes something of a client beside the journey; None if the caller does not see the client (any
    more), or if the record was closed or joined into another, perhaps while this waited."""
    return next(iter(await lock_open_clients(session, caller, [client_id])), None)


async def lock_open_clients(session: AsyncSession, caller: Caller, ids: Collection[UUID]) -> Sequence[Client]:
    """Those of these clients for whom ``lock_open_client`` has an answer, locked in the order of their ids."""
    statement = (
        select(Client)
        .where(
            col(Client.id).in_(ids),
            may_see_client(caller),
            col(Client.joined_into).is_(None),
            col(Client.closed_at).is_(None),
        )
        .order_by(col(Client.id))
        .with_for_update(key_share=True, of=Client)
    )
    return (await session.exec(statement.execution_options(populate_existing=True))).all()


async def lock_counting(session: AsyncSession, what: str, *whom: str | None) -> None:
    """One at a time of what is counted for these, with whomever it is. Taken after therapist and client, and before
    nothing; all of them in one order."""
    names = [f"{what} of {who}" for who in sorted({who for who in whom if who is not None})]
    name = func.unnest(literal(names, ARRAY(Text))).column_valued("name")
    await session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def lock_appointment(
    session: AsyncSession, appointment_id: UUID
) -> tuple[Appointment, Therapist, Client, Payment | None]:
    """An appointment with all it depends on, locked in order and freshly read."""
    this = col(Appointment.id) == appointment_id
    while True:
        try:
            therapist = await lock_therapist(session, select(Appointment.therapist_id).where(this).scalar_subquery())
        except RowMissing:
            raise RowMissing(f"no appointment {appointment_id}") from None
        client = await lock_client(session, select(Appointment.client_id).where(this).scalar_subquery())
        statement = select(Payment).where(col(Payment.appointment_id) == appointment_id).with_for_update(key_share=True)
        payment = (await session.exec(statement.execution_options(populate_existing=True))).one_or_none()
        read = select(Appointment).where(this).execution_options(populate_existing=True)
        found = (await session.exec(read)).one()
        if found.client_id == client.id:
            return found, therapist, client, payment
        # While this waited, the client was joined into another record, which has the appointment now.


async def lock_clients(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Client]:
    """These clients, freshly read, locked in the order of their ids."""
    return await _lock_all(session, Client, ids)


async def _lock_all(session: AsyncSession, table: type[Row], ids: Ids) -> Sequence[Row]:
    if isinstance(ids, Collection) and not ids:
        return ()
    statement = select(table).where(col(table.id).in_(ids)).order_by(col(table.id)).with_for_update(key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).all()
