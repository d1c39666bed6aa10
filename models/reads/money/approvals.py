"""Approvals, for whoever may decide about the money they are about; and what somebody has given away alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, case, cast, false, func, or_, true
from sqlmodel import col, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Instant
from models.paging import Page, one_page
from models.reads.accounts.persons import Person
from models.reads.visibility import may_see_client, therapist_of
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.approval import Approval
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Refund
from rules.accounts.caller import VIA_TEMPORAL, Caller
from rules.enums import ApprovalStatus, CreditSource, RefundStatus, Role, TaskKind
from rules.money.payment_states import FORGIVEN


def _may_decide(caller: Caller) -> ColumnElement[bool]:
    """As about the money itself: of payments their own therapist, of credit whoever sees the client; the care team of
    all."""
    if caller.is_care_team:
        return true()
    own = exists().where(
        col(Payment.id) == col(Approval.payment_id),
        col(Appointment.id) == col(Payment.appointment_id),
        col(Appointment.therapist_id) == therapist_of(caller),
    )
    seen = exists().where(col(Client.id) == col(Approval.client_id), may_see_client(caller))
    of_client = and_(col(Approval.payment_id).is_(None), seen)
    return or_(own, of_client) if caller.role is Role.THERAPIST else false()


async def list_approvals(
    session: AsyncSession,
    caller: Caller,
    page: Page,
    *,
    status: ApprovalStatus | None,
    client: UUID | None,
    now: datetime,
) -> Sequence[Approval]:
    """The newest first; one more than the page holds, if there are more."""
    newest = (col(Approval.asked_at).desc(), col(Approval.id).desc())
    statement = select(Approval).where(_may_decide(caller)).order_by(*newest)
    if status is not None:
        statement = statement.where(_stands(status, now))
    if client is not None:
        statement = statement.where(col(Approval.client_id) == client)
    return await one_page(session, statement, page, Approval.asked_at, Approval.id, descending=True)


def _stands(status: ApprovalStatus, now: datetime) -> ColumnElement[bool]:
    """The rule of ``second_person.status_of``, asked of the database."""
    waits = col(Approval.settled).is_(None)
    if status is ApprovalStatus.OPEN:
        return and_(waits, col(Approval.lapses_at) > now)
    if status is ApprovalStatus.LAPSED:
        return and_(waits, col(Approval.lapses_at) <= now)
    return col(Approval.settled) == status


async def approval_to_settle(session: AsyncSession, caller: Caller, approval_id: UUID) -> Approval | None:
    statement = select(Approval).where(col(Approval.id) == approval_id, _may_decide(caller))
    return (await session.exec(statement)).first()


async def approval_of_request(session: AsyncSession, request_id: str) -> Approval | None:
    return (await session.exec(select(Approval).where(col(Approval.request_id) == request_id))).first()


async def lapsed_of(session: AsyncSession, client_id: UUID, *, now: datetime) -> Sequence[UUID]:
    theirs = (col(Approval.client_id) == client_id, _stands(ApprovalStatus.LAPSED, now))
    return (await session.exec(select(Approval.id).where(*theirs))).all()


async def clients_with_lapsed(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Clients of whom something has lapsed, and the care team still has a task about it."""
    about_it = col(Task.data)["approval_id"].astext == cast(col(Approval.id), String)
    statement = (
        select(Approval.client_id)
        .join(Task, (col(Task.client_id) == col(Approval.client_id)) & about_it)
        .where(
            _stands(ApprovalStatus.LAPSED, now),
            col(Task.kind) == TaskKind.SECOND_PERSON,
            col(Task.resolved_at).is_(None),
        )
    )
    return (await session.exec(statement.distinct().order_by(col(Approval.client_id)).limit(limit))).all()


async def given_alone(
    session: AsyncSession, client_id: UUID, person: Person | None, *, currency: str, since: datetime
) -> int:
    """What was given to a client since then that no second person approved: by this person, or by somebody in the
    engine's UI, who may be the same one. None is anybody."""
    return sum(
        [
            int((await session.exec(_given(one, client_id, person, currency=currency, since=since))).one())
            for one in _WAYS
        ]
    )


def _given(one: "_Way", client_id: UUID, person: Person | None, *, currency: str, since: datetime) -> Any:
    rows: Any = one.table
    counts = (rows.client_id == client_id, rows.currency == currency, one.at > since, *one.where)
    given = select(func.coalesce(func.sum(one.amount), 0)).where(*counts)
    if person is None:
        return given
    return given.where(or_(one.by.in_(person.actors), one.by.startswith(VIA_TEMPORAL)))


@dataclass(frozen=True)
class _Way:
    """One way of giving: how much, by whom, when, and what of the table counts."""

    table: Any
    amount: Any
    by: Any
    at: Any
    where: tuple[ColumnElement[bool], ...]


_EXCEPTION = col(Payment.exception)
_WAYS = (
    _Way(
        Credit,
        col(Credit.amount),
        col(Credit.given_by),
        col(Credit.given_at),
        (col(Credit.source) == CreditSource.GRANTED, col(Credit.approved_by).is_(None)),
    ),
    _Way(
        Refund,
        case((col(Refund.status) == RefundStatus.FAILED, 0), else_=col(Refund.card_amount)) + col(Refund.credit_amount),
        col(Refund.asked_by),
        col(Refund.asked_at),
        (col(Refund.approved_by).is_(None),),
    ),
    _Way(
        Payment,
        col(Payment.amount),
        _EXCEPTION["who"].astext,
        cast(_EXCEPTION["when"].astext, Instant),
        (col(Payment.status).in_(FORGIVEN), _EXCEPTION["approved_by"].astext.is_(None)),
    ),
)
