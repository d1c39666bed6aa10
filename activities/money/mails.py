"""What the client is told by mail when a payment has come to stand otherwise: a receipt, or what the client can do."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.money.payment import Payment
from models.writes.outbox import order_mails
from rules.mail.kinds import Mail
from rules.mail.orders import mail_order
from rules.money.payment_states import PENDING, Because


def deliverer(payment: Payment) -> UUID | None:
    """Whose workflow follows the payment as it stands, and delivers the mails about it: its appointment's, by id. None
    is the client's journey, which settles debts and what an archive stopped."""
    followed = payment.status in PENDING and payment.because != Because.DEBT
    return payment.appointment_id if followed else None


async def mail_about(
    session: AsyncSession,
    payment: Payment,
    mail: Mail,
    *,
    by_appointment: UUID | None,
    at: datetime,
    asked_for: bool = False,
) -> None:
    """One mail for each time that a payment comes to stand so. ``asked_for``: its client waits for it."""
    key = f"{mail}:{payment.id}:{payment.status.value}:{payment.attempts}"
    order = replace(
        mail_order(mail, key=key, client_id=str(payment.client_id), asked_for=asked_for), payment_id=str(payment.id)
    )
    await order_mails(session, [order], at=at, by_appointment=by_appointment)
