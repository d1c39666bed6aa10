"""What a payment took, and what of it was given back, wherever that was done."""

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.money.credit import CreditReversal
from models.tables.money.payment import Payment
from models.tables.money.refund import Refund
from rules.enums import RefundStatus
from rules.money.credits import PaidParts

_COUNTS = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


async def paid_parts(session: AsyncSession, payment: Payment) -> PaidParts:
    """With what is on its way. A failed refund gave back only its credit; and credit that was taken back again was not
    given."""
    return await _parts(session, payment, ordered=True)


async def certain_parts(session: AsyncSession, payment: Payment) -> PaidParts:
    """The same without what Stripe is yet to be asked for, and may turn away."""
    return await _parts(session, payment, ordered=False)


async def _parts(session: AsyncSession, payment: Payment, *, ordered: bool) -> PaidParts:
    refunds = (await session.exec(select(Refund).where(col(Refund.payment_id) == payment.id))).all()
    reversed_ = select(func.coalesce(func.sum(col(CreditReversal.amount)), 0)).where(
        col(CreditReversal.payment_id) == payment.id
    )
    to_card = [refund for refund in refunds if refund.status in _COUNTS]
    as_credit = sum(refund.credit_amount for refund in refunds)
    # Most payments gave no credit back, and have nothing to ask about.
    taken_back = int((await session.exec(reversed_)).one()) if as_credit else 0
    return PaidParts(
        by_card=payment.amount - payment.credit_used,
        by_credit=payment.credit_used,
        refunded_to_card=sum(refund.card_amount for refund in to_card if ordered or refund.stripe_refund is not None),
        refunded_to_credit=as_credit - taken_back,
    )
