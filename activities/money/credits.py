"""Credit in the ledger: granted, reserved for a payment, and given back. The client's row is locked throughout."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.money.approval.second_person import Wanted, must_wait, standing
from activities.types.clients import Done
from activities.types.money import GrantOrder
from models.reads.journey import project
from models.reads.money.balance import currencies_of
from models.tables.money.credit import Credit, CreditUse
from models.tables.money.payment import Payment
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import ApprovalAct, CreditSource
from rules.money.credits import Available, oldest_first
from rules.money.fees import Money
from rules.refusals import REASON_REQUIRED, invalid
from rules.timeline import FactKind

GRANTED = AnsweredOnce("grant_credit", Done)


class CreditActivities(Activities):
    @activity.defn
    async def grant_credit(self, order: GrantOrder) -> Done:
        """Credit an amount to a client, in a currency that a fee of theirs may still be paid in, with a reason."""
        now = await self.now()
        if order.amount <= 0:
            return Done(refusal=invalid("amount", "must be a whole number of minor units, and more than 0"))
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            id = derived_id(order.request_id, "credit")
            given = await GRANTED.given(session, client, order)
            if given is not None:
                return given
            asked = await standing(session, client, order, ApprovalAct.CREDIT, at=now)
            if isinstance(asked, Done):
                return asked
            order = asked.order
            if not order.reason.strip():
                return Done(refusal=REASON_REQUIRED)
            pays_in = await currencies_of(session, client)
            if order.currency not in pays_in:
                told = f"this client pays in {' and '.join(sorted(pays_in))}"
                return Done(refusal=invalid("currency", told), changed=False)
            wanted = Wanted(ApprovalAct.CREDIT, Money(order.amount, order.currency))
            waits = await must_wait(session, client, asked, wanted, deps=self.deps, at=now)
            if waits is not None:
                return waits
            credit = Credit(
                id=id,
                client_id=client.id,
                amount=order.amount,
                remaining=order.amount,
                currency=order.currency,
                source=CreditSource.GRANTED,
                reason=order.reason,
                given_by=order.by.actor,
                approved_by=asked.approved_by,
                given_at=now,
            )
            session.add(credit)
            tell(
                session,
                client,
                FactKind.CREDIT_GRANTED,
                at=now,
                by=order.by.actor,
                text="Credit was granted.",
                data={
                    "credit_id": str(id),
                    "amount": order.amount,
                    "currency": order.currency,
                    "request_id": order.request_id,
                    **asked.told,
                },
                words=order.reason,
            )
            return GRANTED.keep(session, client, order, Done(facts=await project(session, client)), at=now)


async def reserve(session: AsyncSession, payment: Payment, *, amount: int, at: datetime) -> None:
    """Let a payment take so much of the client's credit, oldest first, instead of what it had reserved before."""
    if amount == payment.credit_used:
        return
    await give_back(session, payment, at=at)
    if amount == 0:
        return
    credits = {str(credit.id): credit for credit in await _open_credits(session, payment)}
    offered = [Available(id=id, remaining=credit.remaining) for id, credit in credits.items()]
    number = (await session.exec(select(func.count()).where(col(CreditUse.payment_id) == payment.id))).one()
    for id, part in oldest_first(credits=offered, amount=amount):
        number += 1
        credits[id].remaining -= part
        session.add(credits[id])
        session.add(
            CreditUse(
                id=derived_id(payment.id, "credit", number),
                credit_id=credits[id].id,
                payment_id=payment.id,
                amount=part,
                reserved_at=at,
            )
        )
    payment.credit_used = amount
    session.add(payment)
    await session.flush()


async def give_back(session: AsyncSession, payment: Payment, *, at: datetime) -> None:
    """Give back all the credit that a payment had reserved: it was called off, or is reckoned anew."""
    uses = select(CreditUse).where(col(CreditUse.payment_id) == payment.id, col(CreditUse.given_back_at).is_(None))
    for use in (await session.exec(uses)).all():
        credit = await session.get_one(Credit, use.credit_id)
        credit.remaining += use.amount
        use.given_back_at = at
        session.add(credit)
        session.add(use)
    payment.credit_used = 0
    session.add(payment)
    await session.flush()


async def at_hand(session: AsyncSession, payment: Payment) -> int:
    """How much credit a payment could take: what is open, and what it has reserved itself."""
    return payment.credit_used + sum(credit.remaining for credit in await _open_credits(session, payment))


async def _open_credits(session: AsyncSession, payment: Payment) -> list[Credit]:
    statement = (
        select(Credit)
        .where(
            col(Credit.client_id) == payment.client_id,
            col(Credit.currency) == payment.currency,
            col(Credit.remaining) > 0,
        )
        .order_by(col(Credit.given_at), col(Credit.id))
    )
    return list((await session.exec(statement)).all())
