"""What the ledger says of payments, refunds and disputes, as lines to be held against Stripe's; and reconciliations.

Lists go by id, a bounded number at a time: the ids that come back last are where to go on.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, cast, exists, func
from sqlalchemy.orm import Mapped
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, beyond
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.task import Task
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.reconciliation import Reconciliation
from models.tables.money.refund import Dispute, Refund
from rules.enums import PaymentStatus, RefundStatus, TaskKind
from rules.money.discrepancies import LedgerPayment, LedgerRefund
from rules.money.payment_states import COLLECTED, LET_GO, OUTSTANDING, WAITING, Because
from rules.timeline import FactKind

TASK_KEY = "ledger:"  # how the keys begin of tasks that a reconciliation opens, and may close

_LET_GO_FACTS = tuple(FactKind.of_payment(status) for status in LET_GO)
_GIVEN_BACK = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


# ---------------------------------------------------------------- payments


async def payments_named(
    session: AsyncSession, *, ids: Collection[UUID] = (), intents: Collection[str] = ()
) -> list[LedgerPayment]:
    """The payments with these ids, or these intents; those of test clients too, and marked so."""
    return await _payments(session, or_(col(Payment.id).in_(ids), col(Payment.intent).in_(intents)), tests=True)


async def payments_made(
    session: AsyncSession, *, since: datetime, before: datetime, after: UUID | None, limit: int
) -> list[LedgerPayment]:
    """What was paid by card from ``since`` to before ``before``."""
    return await _payments(
        session,
        col(Payment.paid_at) >= since,
        col(Payment.paid_at) < before,
        col(Payment.status).in_(COLLECTED),
        col(Payment.amount) > col(Payment.credit_used),
        after=after,
        limit=limit,
    )


async def payments_unfinished(
    session: AsyncSession, *, let_go_since: datetime, now: datetime, after: UUID | None, limit: int
) -> list[LedgerPayment]:
    """Whatever is being tried, whatever waits past its deadline, and whatever is not paid and yet has an intent,
    however old; and what was let go of since ``let_go_since`` with an intent, which may have been paid in that very
    moment."""
    has_intent = col(Payment.intent).is_not(None)
    waiting = col(Payment.status).in_(OUTSTANDING) & has_intent
    running = col(Payment.status) == PaymentStatus.PROCESSING
    overdue = col(Payment.status).in_(WAITING) & (col(Payment.deadline) < now)
    stopped = (col(Fact.kind) == FactKind.ARCHIVED) & (col(Payment.because) == Because.ARCHIVED.value)
    decided = col(Fact.kind).in_(_LET_GO_FACTS) & (col(Fact.data)["payment_id"].astext == cast(col(Payment.id), String))
    lately = exists().where(
        col(Fact.client_id) == col(Payment.client_id), col(Fact.at) >= let_go_since, or_(stopped, decided)
    )
    let_go = col(Payment.status).in_(LET_GO) & has_intent & lately
    return await _payments(session, or_(waiting, running, overdue, let_go), after=after, limit=limit)


async def _payments(
    session: AsyncSession,
    *conditions: ColumnElement[bool],
    tests: bool = False,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[LedgerPayment]:
    to_card = (
        select(func.coalesce(func.sum(Refund.card_amount), 0))
        .where(
            col(Refund.payment_id) == col(Payment.id),
            col(Refund.status).in_(_GIVEN_BACK),
            col(Refund.stripe_refund).is_not(None),
        )
        .scalar_subquery()
    )
    credit = (
        select(func.coalesce(func.sum(Credit.remaining), 0))
        .where(col(Credit.client_id) == col(Payment.client_id), col(Credit.currency) == col(Payment.currency))
        .scalar_subquery()
    )
    began = (
        select(func.max(Fact.at))
        .where(
            col(Fact.client_id) == col(Payment.client_id),
            col(Fact.kind) == FactKind.PAYMENT_PROCESSING,
            col(Fact.data)["payment_id"].astext == cast(col(Payment.id), String),
        )
        .scalar_subquery()
    )
    trying = case((col(Payment.status) == PaymentStatus.PROCESSING, began))
    statement: Any = (
        select(Payment, col(Client.test), to_card, credit, trying)  # type: ignore[call-overload]
        .join(Client, col(Client.id) == col(Payment.client_id))
        .where(*conditions)
    )
    rows = await _chunk(session, statement, col(Payment.id), tests=tests, after=after, limit=limit)
    return [
        LedgerPayment(
            id=str(payment.id),
            client_id=str(payment.client_id),
            status=payment.status,
            because=payment.because,
            amount=payment.amount,
            currency=payment.currency,
            deadline=payment.deadline,
            credit_used=payment.credit_used,
            credit_at_hand=payment.credit_used + int(open_credit),
            to_card=int(given_back),
            refunded=payment.refunded,
            intent=payment.intent,
            trying_since=since,
            test=test,
        )
        for payment, test, given_back, open_credit, since in rows
    ]


async def _chunk(
    session: AsyncSession, statement: Any, id: Mapped[UUID], *, tests: bool, after: UUID | None, limit: int | None
) -> Sequence[Any]:
    """So many rows behind ``after``, by id; of test clients only where they are wanted."""
    if not tests:
        statement = statement.where(col(Client.test).is_(False))
    if after is not None:
        statement = statement.where(id > after)
    rows: Sequence[Any] = (await session.exec(statement.order_by(id).limit(limit))).all()
    return rows


# ---------------------------------------------------------------- refunds and disputes


async def refunds_named(
    session: AsyncSession, *, ids: Collection[UUID] = (), at_stripe: Collection[str] = ()
) -> list[LedgerRefund]:
    """The refunds with these ids, or these ids at Stripe; those of test clients too, and marked so."""
    named = or_(col(Refund.id).in_(ids), col(Refund.stripe_refund).in_(at_stripe))
    return await _refunds(session, named, tests=True)


async def refunds_asked(
    session: AsyncSession, *, since: datetime, before: datetime, after: UUID | None, limit: int
) -> list[LedgerRefund]:
    """Refunds to cards that were asked for from ``since`` to before ``before``."""
    asked = (col(Refund.asked_at) >= since, col(Refund.asked_at) < before)
    return await _refunds(session, *asked, after=after, limit=limit)


async def refunds_unfinished(
    session: AsyncSession, *, before: datetime, after: UUID | None, limit: int
) -> list[LedgerRefund]:
    """Refunds that are on their way to a card, asked for before ``before``, however long."""
    waiting = (col(Refund.status) == RefundStatus.PENDING, col(Refund.asked_at) < before)
    return await _refunds(session, *waiting, after=after, limit=limit)


async def _refunds(
    session: AsyncSession,
    *conditions: ColumnElement[bool],
    tests: bool = False,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[LedgerRefund]:
    statement: Any = (
        select(Refund, col(Client.test), col(Payment.intent))
        .join(Client, col(Client.id) == col(Refund.client_id))
        .join(Payment, col(Payment.id) == col(Refund.payment_id))
        .where(col(Refund.card_amount) > 0, *conditions)
    )
    rows = await _chunk(session, statement, col(Refund.id), tests=tests, after=after, limit=limit)
    return [
        LedgerRefund(
            id=str(refund.id),
            payment_id=str(refund.payment_id),
            client_id=str(refund.client_id),
            card_amount=refund.card_amount,
            currency=refund.currency,
            status=refund.status,
            asked_at=refund.asked_at,
            stripe_refund=refund.stripe_refund,
            intent=intent,
            test=test,
        )
        for refund, test, intent in rows
    ]


async def dispute_statuses(session: AsyncSession, ids: Collection[str]) -> dict[str, str]:
    """How the ledger knows these disputes, by id."""
    statement = select(Dispute.id, Dispute.status).where(col(Dispute.id).in_(ids))
    return dict((await session.exec(statement)).all())


async def open_disputes(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[str]:
    """The ids of disputes that the ledger has as undecided."""
    statement = select(Dispute.id).where(col(Dispute.closed_at).is_(None)).order_by(col(Dispute.id))
    if after is not None:
        statement = statement.where(col(Dispute.id) > after)
    return (await session.exec(statement.limit(limit))).all()


# ---------------------------------------------------------------- reconciliations


async def open_discrepancy_tasks(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Task]:
    """The open tasks of discrepancies that reconciliations have found."""
    statement = (
        select(Task)
        .where(
            col(Task.kind) == TaskKind.LEDGER_DIFFERENCE,
            col(Task.key).startswith(TASK_KEY),
            col(Task.resolved_at).is_(None),
        )
        .order_by(col(Task.id))
    )
    if after is not None:
        statement = statement.where(col(Task.id) > after)
    return (await session.exec(statement.limit(limit))).all()


async def list_reconciliations(session: AsyncSession, page: Page) -> Sequence[Reconciliation]:
    """Reconciliations, newest first; one more than the page holds, if there are more."""
    statement = select(Reconciliation).order_by(col(Reconciliation.started_at).desc(), col(Reconciliation.id).desc())
    behind = beyond(page, Reconciliation.started_at, Reconciliation.id, descending=True)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
