"""Payments, refunds and disputes as journeys would have left them, one session each."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from models.reads.money.receipts import practitioner_of
from models.tables import Client, Credit, CreditUse, Payment, Therapist
from models.tables.money.refund import Dispute, Refund
from rules.enums import AppointmentStatus, CreditSource, PaymentStatus, RefundStatus
from rules.money.receipts import Stated
from tests.care.defaults import LETTERHEAD
from tests.care.rows import DAY, Rows


class LedgerRows:
    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    async def payment(
        self,
        client: Client,
        therapist: Therapist,
        *,
        due_at: datetime,
        amount: int = 15000,
        credit: int = 0,
        currency: str = "USD",
        status: PaymentStatus = PaymentStatus.PAID,
        paid_at: datetime | None = None,
        **more: Any,
    ) -> Payment:
        """For a session of its own, a day before it is due. What is paid was paid when due, unless told otherwise."""
        starts_at = due_at - DAY - timedelta(minutes=50)
        appointment = await self.rows.appointment(
            client, therapist, starts_at=starts_at, status=AppointmentStatus.OCCURRED
        )
        taken = status in (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)
        row = await self.rows.payment(
            appointment,
            amount=amount,
            currency=currency,
            credit_used=credit,
            status=status,
            created_at=due_at - DAY,
            due_at=due_at,
            paid_at=(paid_at or due_at) if taken else None,
            stated=stated(client, therapist) if taken else None,
            **more,
        )
        if credit:
            given = Credit(
                id=uuid4(),
                client_id=client.id,
                amount=credit,
                remaining=0,
                currency=currency,
                source=CreditSource.GRANTED,
                reason="a gift",
                given_by="care_team:desk",
                given_at=due_at - DAY,
            )
            use = CreditUse(id=uuid4(), credit_id=given.id, payment_id=row.id, amount=credit, reserved_at=due_at)
            await self.rows.add(given, use)
        return row

    async def refund(
        self,
        payment: Payment,
        *,
        at: datetime,
        card: int = 0,
        credit: int = 0,
        status: RefundStatus = RefundStatus.SUCCEEDED,
        finished_at: datetime | None = None,
    ) -> Refund:
        row = Refund(
            id=uuid4(),
            payment_id=payment.id,
            client_id=payment.client_id,
            card_amount=card,
            credit_amount=credit,
            currency=payment.currency,
            status=status,
            reason="too much",
            asked_by="care_team:desk",
            asked_at=at,
            finished_at=finished_at,
        )
        await self.rows.add(row)
        return row

    async def dispute(
        self, payment: Payment, *, at: datetime, amount: int, status: str, closed_at: datetime | None = None
    ) -> Dispute:
        row = Dispute(
            id=f"dp_{uuid4().hex}",
            payment_id=payment.id,
            client_id=payment.client_id,
            amount=amount,
            currency=payment.currency,
            status=status,
            opened_at=at,
            closed_at=closed_at,
        )
        await self.rows.add(row)
        return row


def stated(client: Client, therapist: Therapist) -> dict[str, Any]:
    """Whom the receipt of a payment names."""
    named = Stated(
        practice=LETTERHEAD,
        therapist=practitioner_of(therapist, client, practices_state=LETTERHEAD.state),
        client_name=client.full_name,
        client_ref=client.ref,
        time_zone=client.time_zone or "UTC",
    )
    return named.document()


def let_go(*, when: datetime) -> dict[str, Any]:
    """What is recorded with a waiver or a write-off."""
    return {"who": "care_team:desk", "when": when.isoformat(), "consent_version": "2026-1"}
