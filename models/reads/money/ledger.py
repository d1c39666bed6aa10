"""The ledger as a bookkeeper reads it: payments with all that became of them, and what moved on which day.

A therapist sees the payments of their own appointments, staff all of them; nobody else reads any here.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, and_, cast, false, func, literal, true, union_all
from sqlalchemy import select as select_columns
from sqlalchemy.orm import load_only
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Instant
from models.paging import Page, beyond
from models.reads.money.payments import is_owed
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.credit import CreditReversal
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from rules.accounts.caller import Caller
from rules.enums import PaymentKind, PaymentStatus, RefundStatus, Role
from rules.money.disputes import INQUIRIES, LOST, NOT_TAKEN
from rules.money.payment_states import COLLECTED

# ---------------------------------------------------------------- payments, one by one


@dataclass(frozen=True, kw_only=True)
class LedgerFilter:
    """Which payments to list; None is any. Ranges hold their first instant and not their last. ``test``: those of
    test clients, and no others."""

    due_from: datetime | None = None
    due_before: datetime | None = None
    paid_from: datetime | None = None
    paid_before: datetime | None = None
    statuses: tuple[PaymentStatus, ...] = ()
    therapist: str | None = None
    client: UUID | None = None
    kind: PaymentKind | None = None
    test: bool = False


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """A payment with what a bookkeeper needs beside it; amounts in minor units.

    Refunds count that are on their way; a refund's credit stays given even if its card part failed. ``disputed`` is
    what is in question or was lost.
    """

    payment: Payment
    client_ref: str
    test: bool
    therapist: str
    starts_at: datetime
    ends_at: datetime
    refunded_to_card: int
    refunded_to_credit: int
    disputed: int

    @property
    def by_card(self) -> int:
        """What the card paid; nothing before it has."""
        return self.payment.amount - self.payment.credit_used if self.payment.status in COLLECTED else 0


async def list_ledger(session: AsyncSession, caller: Caller, wanted: LedgerFilter, page: Page) -> Sequence[LedgerRow]:
    """Payments by due time; one more than the page holds, if there are more."""
    statement = (
        select(Payment, Client, Therapist.slug, Appointment)
        .join(Client, col(Client.id) == col(Payment.client_id))
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(*_conditions(caller, wanted))
        .order_by(col(Payment.due_at), col(Payment.id))
        .limit(page.limit + 1)
        .options(*_LITTLE)
    )
    behind = beyond(page, Payment.due_at, Payment.id)
    if behind is not None:
        statement = statement.where(behind)
    found = (await session.exec(statement)).all()
    ids = [payment.id for payment, *_ in found]
    refunds = await _refunded(session, ids)
    disputes = await _disputed(session, ids)
    return [
        LedgerRow(
            payment=payment,
            client_ref=client.ref,
            test=client.test,
            therapist=slug,
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            refunded_to_card=refunds.get(payment.id, (0, 0))[0],
            refunded_to_credit=refunds.get(payment.id, (0, 0))[1],
            disputed=disputes.get(payment.id, 0),
        )
        for payment, client, slug, appointment in found
    ]


async def payment_to_act_on(session: AsyncSession, caller: Caller, payment_id: UUID) -> Payment | None:
    """The payment, for one who may decide about it: staff, and the therapist whose appointment it is for."""
    statement = (
        select(Payment)
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .where(col(Payment.id) == payment_id, _may_see(caller))
    )
    return (await session.exec(statement)).first()


# Of clients and appointments a bookkeeper sees little, and the rest is much. (SQLModel tells mypy other types.)
_LITTLE = (
    load_only(Client.ref, Client.test),  # type: ignore[arg-type]
    load_only(Appointment.starts_at, Appointment.ends_at),  # type: ignore[arg-type]
)


def _conditions(caller: Caller, wanted: LedgerFilter) -> Iterable[ColumnElement[bool]]:
    yield _may_see(caller)
    yield col(Client.test) == wanted.test
    if wanted.due_from is not None:
        yield col(Payment.due_at) >= wanted.due_from
    if wanted.due_before is not None:
        yield col(Payment.due_at) < wanted.due_before
    if wanted.paid_from is not None:
        yield col(Payment.paid_at) >= wanted.paid_from
    if wanted.paid_before is not None:
        yield col(Payment.paid_at) < wanted.paid_before
    if wanted.statuses:
        yield col(Payment.status).in_(wanted.statuses)
    if wanted.therapist is not None:
        yield col(Therapist.slug) == wanted.therapist
    if wanted.client is not None:
        yield col(Payment.client_id) == wanted.client
    if wanted.kind is not None:
        yield col(Payment.kind) == wanted.kind


def _may_see(caller: Caller) -> ColumnElement[bool]:
    if caller.is_care_team:
        return true()
    return col(Therapist.slug) == caller.therapist if caller.role is Role.THERAPIST else false()


async def _refunded(session: AsyncSession, payments: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    kept = func.sum(col(Refund.card_amount)).filter(col(Refund.status) != RefundStatus.FAILED)
    statement = (
        select(Refund.payment_id, func.coalesce(kept, 0), func.sum(col(Refund.credit_amount)))
        .where(col(Refund.payment_id).in_(payments))
        .group_by(col(Refund.payment_id))
    )
    given = {id: (int(card), int(credit)) for id, card, credit in await session.exec(statement)}
    if any(credit for _, credit in given.values()):  # else none can have been taken back
        taken = (
            select(CreditReversal.payment_id, func.sum(col(CreditReversal.amount)))
            .where(col(CreditReversal.payment_id).in_(payments))
            .group_by(col(CreditReversal.payment_id))
        )
        for id, amount in await session.exec(taken):
            given[id] = given[id][0], given[id][1] - int(amount)
    return given


async def _disputed(session: AsyncSession, payments: Collection[UUID]) -> dict[UUID, int]:
    statement = (
        select(Dispute.payment_id, func.sum(col(Dispute.amount)))
        .where(col(Dispute.payment_id).in_(payments), col(Dispute.status).not_in(NOT_TAKEN))
        .group_by(col(Dispute.payment_id))
    )
    return {id: int(amount) for id, amount in await session.exec(statement)}


# ---------------------------------------------------------------- totals by day


class Moved(StrEnum):
    """What a sum is of, and the instant that decides its day."""

    CARD = "card"  # taken by card: paid_at
    CREDIT = "credit"  # taken from credit: paid_at
    REFUNDED_TO_CARD = "refunded_to_card"  # when it was asked for; taken back when it failed
    REFUNDED_TO_CREDIT = "refunded_to_credit"  # when it was asked for, which is when it was given; or taken back
    DISPUTED = "disputed"  # when the dispute was opened
    DISPUTE_LOST = "dispute_lost"  # when it was closed
    WAIVED = "waived"  # when a person decided so
    WRITTEN_OFF = "written_off"  # the same
    OWED = "owed"  # due_at, of what is owed at this moment


@dataclass(frozen=True, kw_only=True)
class DaySum:
    """What moved in one way on one day for one therapist: ``day`` counts from 0, ``amount`` in minor units.

    Both are negative where more was taken back than given: a refund that failed on a later day than it was asked for.
    """

    day: int
    therapist: str
    currency: str
    what: Moved
    number: int
    amount: int


async def day_sums(
    session: AsyncSession, *, bounds: Sequence[datetime], now: datetime, therapist: str | None = None
) -> list[DaySum]:
    """Sums by day, therapist and currency, in this order; test clients are left out.

    ``bounds`` are the first instants of the days, and that after the last: whoever asks knows the time zone, and the
    database needs none.
    """
    moves = union_all(*_moves(first=bounds[0], end=bounds[-1], now=now)).subquery()
    day = func.width_bucket(moves.c.at, literal(list(bounds), ARRAY(Instant)), type_=Integer).label("day")
    slug = col(Therapist.slug)
    statement = (
        select_columns(day, slug, moves.c.currency, moves.c.what, func.sum(moves.c.number), func.sum(moves.c.amount))
        .join(Appointment, col(Appointment.id) == moves.c.appointment_id)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(col(Client.test).is_(False))
        .group_by(day, slug, moves.c.currency, moves.c.what)
        .order_by(day, slug, moves.c.currency)
    )
    if therapist is not None:
        statement = statement.where(slug == therapist)
    connection = await session.connection()
    return [
        DaySum(
            day=bucket - 1,
            therapist=whose,
            currency=currency,
            what=Moved(what),
            number=int(number),
            amount=int(amount),
        )
        for bucket, whose, currency, what, number, amount in await connection.execute(statement)
    ]


def _moves(*, first: datetime, end: datetime, now: datetime) -> Iterable[Select[Any]]:
    """One statement for each way in which money moves, or does not."""
    whole, by_credit = col(Payment.amount), col(Payment.credit_used)
    by_card = whole - by_credit
    taken = col(Payment.status).in_(COLLECTED)
    decided_at = cast(col(Payment.exception)["when"].astext, Instant)
    to_card = col(Refund.card_amount)
    payments: list[tuple[Moved, Any, Any, ColumnElement[bool]]] = [
        (Moved.CARD, col(Payment.paid_at), by_card, and_(taken, by_card > 0)),
        (Moved.CREDIT, col(Payment.paid_at), by_credit, and_(taken, by_credit > 0)),
        (Moved.WAIVED, decided_at, whole, col(Payment.status) == PaymentStatus.WAIVED),
        (Moved.WRITTEN_OFF, decided_at, whole, col(Payment.status) == PaymentStatus.WRITTEN_OFF),
        (Moved.OWED, col(Payment.due_at), by_card, is_owed(now)),
    ]
    given_back: list[tuple[Moved, Any, Any, int, ColumnElement[bool]]] = [
        (Moved.REFUNDED_TO_CARD, col(Refund.asked_at), to_card, 1, to_card > 0),
        (
            Moved.REFUNDED_TO_CARD,
            col(Refund.finished_at),
            -to_card,
            -1,
            and_(to_card > 0, col(Refund.status) == RefundStatus.FAILED),
        ),
        (Moved.REFUNDED_TO_CREDIT, col(Refund.asked_at), col(Refund.credit_amount), 1, col(Refund.credit_amount) > 0),
    ]
    reversed_at, reversed_ = col(CreditReversal.reversed_at), -col(CreditReversal.amount)
    taken_back = _moved(Moved.REFUNDED_TO_CREDIT, reversed_at, reversed_, -1, col(CreditReversal.currency))
    yield taken_back.join(CreditReversal, col(CreditReversal.payment_id) == col(Payment.id)).where(
        reversed_at >= first, reversed_at < end
    )
    disputes: list[tuple[Moved, Any, ColumnElement[bool]]] = [
        (Moved.DISPUTED, col(Dispute.opened_at), col(Dispute.status).not_in((*INQUIRIES, "prevented"))),
        (Moved.DISPUTE_LOST, col(Dispute.closed_at), col(Dispute.status) == LOST),
    ]
    for what, at, amount, condition in payments:
        yield _moved(what, at, amount, 1, col(Payment.currency)).where(condition, at >= first, at < end)
    for what, at, amount, number, condition in given_back:
        statement = _moved(what, at, amount, number, col(Refund.currency))
        yield statement.join(Refund, col(Refund.payment_id) == col(Payment.id)).where(condition, at >= first, at < end)
    for what, at, condition in disputes:
        statement = _moved(what, at, col(Dispute.amount), 1, col(Dispute.currency))
        yield statement.join(Dispute, col(Dispute.payment_id) == col(Payment.id)).where(
            condition, at >= first, at < end
        )


def _moved(what: Moved, at: Any, amount: Any, number: int, currency: Any) -> Select[Any]:
    return select_columns(
        literal(what.value).label("what"),
        col(Payment.appointment_id).label("appointment_id"),
        currency.label("currency"),
        at.label("at"),
        literal(number).label("number"),
        amount.label("amount"),
    ).select_from(Payment)
