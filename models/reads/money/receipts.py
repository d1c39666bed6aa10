"""What receipts and statements are made of: payments with what was kept of them, and what was given back since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.visibility import may_see_client
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.credit import CreditReversal
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from rules.accounts.caller import Caller
from rules.enums import RefundStatus
from rules.money.disputes import LOST
from rules.money.fees import Money
from rules.money.receipts import (
    GivenBack,
    GivenTo,
    Licence,
    Practitioner,
    Receipt,
    Stated,
    StatementLine,
    licences_that_apply,
    receipt_number,
    service_of,
    standing_of,
)


@dataclass(frozen=True, kw_only=True)
class PaidFor:
    """A payment with the appointment that it is for, and its client."""

    payment: Payment
    appointment: Appointment
    client: Client

    @property
    def service(self) -> str:
        one = self.appointment
        notice = one.agreed.notice_window
        return service_of(self.payment.kind, starts_at=one.starts_at, ends_at=one.ends_at, notice_window=notice)


async def visible_payment(session: AsyncSession, caller: Caller, payment_id: UUID) -> PaidFor | None:
    """For who sees the client."""
    statement = (
        select(Payment, Appointment, Client)
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .join(Client, col(Client.id) == col(Payment.client_id))
        .where(col(Payment.id) == payment_id, may_see_client(caller))
    )
    found = (await session.exec(statement)).first()
    return PaidFor(payment=found[0], appointment=found[1], client=found[2]) if found else None


async def receipt_of(session: AsyncSession, paid: PaidFor) -> Receipt | None:
    """None for what was not paid."""
    given = await _given_back(session, [paid.payment.id])
    return _receipt(paid, given.get(paid.payment.id, ()))


async def statement_lines(
    session: AsyncSession, client: Client, *, begins_at: datetime, ends_at: datetime, state: str, limit: int
) -> list[StatementLine] | None:
    """The fees for a client's appointments that began from ``begins_at`` on and before ``ends_at``, in that order; None
    if they are more than ``limit``. ``state``: the practice's."""
    statement = (
        select(Payment, Appointment, Therapist)
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(
            col(Payment.client_id) == client.id,
            col(Appointment.starts_at) >= begins_at,
            col(Appointment.starts_at) < ends_at,
        )
        .order_by(col(Appointment.starts_at), col(Payment.id))
        .limit(limit + 1)
    )
    found = (await session.exec(statement)).all()
    if len(found) > limit:
        return None
    given = await _given_back(session, [payment.id for payment, *_ in found])
    lines = []
    for payment, appointment, therapist in found:
        paid = PaidFor(payment=payment, appointment=appointment, client=client)
        receipt = _receipt(paid, given.get(payment.id, ()))
        standing = standing_of(payment.status, payment.because, receipt)
        if standing is None:
            continue
        named = receipt.stated.therapist if receipt else practitioner_of(therapist, client, practices_state=state)
        line = StatementLine(
            number=receipt_number(str(payment.id)),
            service=paid.service,
            starts_at=appointment.starts_at,
            therapist=named,
            fee=Money(payment.amount, payment.currency),
            standing=standing,
            receipt=receipt,
        )
        lines.append(line)
    return lines


def practitioner_of(therapist: Therapist, client: Client, *, practices_state: str) -> Practitioner:
    """A therapist as papers for this client name them now."""
    licences = (Licence(**one) for one in therapist.licences)
    return Practitioner(
        name=therapist.name,
        credentials=therapist.credentials,
        licences=licences_that_apply(licences, clients_state=client.state, practices_state=practices_state),
    )


def _receipt(paid: PaidFor, given_back: Sequence[GivenBack]) -> Receipt | None:
    payment = paid.payment
    if payment.stated is None or payment.paid_at is None:
        return None
    return Receipt(
        number=receipt_number(str(payment.id)),
        stated=Stated.read(payment.stated),
        service=paid.service,
        starts_at=paid.appointment.starts_at,
        paid_at=payment.paid_at,
        fee=Money(payment.amount, payment.currency),
        credit=payment.credit_used,
        given_back=tuple(given_back),
        test=paid.client.test,
    )


async def _given_back(session: AsyncSession, payment_ids: Collection[UUID]) -> dict[UUID, list[GivenBack]]:
    """What was given back of each, in the order of time. Of a refund that failed at the bank only its credit was."""
    given: dict[UUID, list[GivenBack]] = {}
    refunds, lost = await _refunds_and_lost_disputes(session, payment_ids)
    taken_back = await _taken_back(session, [refund.id for refund in refunds if refund.credit_amount])
    for refund in refunds:
        ours = given.setdefault(refund.payment_id, [])
        if refund.card_amount and refund.status is not RefundStatus.FAILED:
            on_its_way = refund.status is RefundStatus.PENDING
            at = refund.finished_at or refund.asked_at
            ours.append(GivenBack(amount=refund.card_amount, to=GivenTo.CARD, at=at, on_its_way=on_its_way))
        as_credit = refund.credit_amount - taken_back.get(refund.id, 0)
        if as_credit:
            ours.append(GivenBack(amount=as_credit, to=GivenTo.CREDIT, at=refund.asked_at))
    for dispute in lost:
        at = dispute.closed_at or dispute.opened_at
        given.setdefault(dispute.payment_id, []).append(GivenBack(amount=dispute.amount, to=GivenTo.BANK, at=at))
    return {id: sorted(every, key=lambda one: (one.at, one.to, one.amount)) for id, every in given.items()}


async def _refunds_and_lost_disputes(
    session: AsyncSession, payment_ids: Collection[UUID]
) -> tuple[list[Refund], list[Dispute]]:
    """In one question: each of a payment's refunds stands beside each of its disputes, of which there are few."""
    statement = (
        select(Refund, Dispute)
        .select_from(Payment)
        .join(Refund, col(Refund.payment_id) == Payment.id, isouter=True)
        .join(Dispute, and_(col(Dispute.payment_id) == Payment.id, col(Dispute.status) == LOST), isouter=True)
        .where(col(Payment.id).in_(payment_ids), or_(col(Refund.id).is_not(None), col(Dispute.id).is_not(None)))
    )
    found: Sequence[tuple[Refund | None, Dispute | None]] = (await session.exec(statement)).all()
    refunds = {refund.id: refund for refund, _ in found if refund is not None}
    disputes = {dispute.id: dispute for _, dispute in found if dispute is not None}
    return list(refunds.values()), list(disputes.values())


async def _taken_back(session: AsyncSession, refund_ids: Collection[UUID]) -> dict[UUID, int]:
    """What of refunds' credit was taken back again, by refund."""
    if not refund_ids:
        return {}
    statement = (
        select(CreditReversal.refund_id, func.sum(col(CreditReversal.amount)))
        .where(col(CreditReversal.refund_id).in_(refund_ids))
        .group_by(col(CreditReversal.refund_id))
    )
    return {id: int(amount) for id, amount in await session.exec(statement)}
