"""Who may settle what waits for a second person, and who asked for it, by name."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.persons import Whose, account_of_key, others_who_decide
from models.tables.accounts.account import Account
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.money.approval import Approval
from models.tables.money.payment import Payment
from rules.enums import ApprovalStatus
from rules.money.second_person import status_of


async def approvers_of(session: AsyncSession, row: Approval) -> Sequence[Account]:
    """The people with an account that is active, but for who asked."""
    return await others_who_decide(session, account_of_key(row.person), therapist=_therapist_of(row))


async def may_settle(session: AsyncSession, account: Account, row: Approval, *, now: datetime) -> bool:
    """Whether it waits, now, and for this person too."""
    status = status_of(settled=row.settled, lapses_at=row.lapses_at, now=now)
    if status is not ApprovalStatus.OPEN:
        return False
    return account.id in {other.id for other in await approvers_of(session, row)}


async def asker_name(session: AsyncSession, row: Approval) -> str:
    """A person's name; of whoever has no account, the name by which timelines tell of them."""
    id = account_of_key(row.person)
    account = await session.get(Account, id) if id is not None else None
    return (account.name if account is not None else None) or row.asked_as


def _therapist_of(row: Approval) -> Whose:
    """Whose payment it is about, or whose client."""
    if row.payment_id is None:
        return select(Client.therapist_id).where(col(Client.id) == row.client_id).scalar_subquery()
    of_payment = select(Appointment.therapist_id).join(Payment, col(Payment.appointment_id) == col(Appointment.id))
    return of_payment.where(col(Payment.id) == row.payment_id).scalar_subquery()
