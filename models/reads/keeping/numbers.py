"""How the practice stands, in numbers alone: no name, no id. Each is one statement that an index answers.

Test clients are left out, but of tasks, mails and events, which somebody must see to all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func
from sqlalchemy import select as select_columns
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.epoch import newest_epoch
from models.reads.events.webhooks import ON
from models.reads.keeping.keepings import resumed_counts, times_resumed_in
from models.reads.keeping.overdue import tried_for_long
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.tables.keeping.keeping import Keeping, Resumption
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import LOST, UNSETTLED, OutboxItem
from models.tables.money.payment import Payment, PaymentTry
from models.tables.money.reconciliation import Reconciliation
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, Stage, TaskKind
from rules.events.webhooks import DeliveryState
from rules.keeping import LATE_BY, ResumedBecause
from rules.money.payment_states import PENDING, UNPAID, WAITING

LATELY = timedelta(days=1)  # for how long a mail that was given up counts: nobody settles it, its task is settled


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How many wait, and since when the first of them; None where none does."""

    number: int = 0
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Charges:
    """Payments: ``due`` ones may be on their way, ``late`` ones nobody has tried in time, or their try has not
    ended in time, ``failed`` ones wait for another try, a card or the client, and ``owed`` ones are a debt."""

    due: int
    late: int
    failed: int
    owed: int


@dataclass(frozen=True, kw_only=True)
class Mails:
    """``waiting``: due. ``late``: due for long, or tried for as long and not gone. ``undeliverable``: given up within a
    day. What was put off, by an archive or for another day, is none of these."""

    waiting: int
    late: int
    undeliverable: int


@dataclass(frozen=True, kw_only=True)
class LastComparison:
    """The last comparison with Stripe that looked at all; or, where there is none yet, when the database began."""

    at: datetime
    differences: int = 0


@dataclass(frozen=True, kw_only=True)
class LastRound:
    """Of the keeper; or, where there was none yet, when the database began. ``unfinished``: workflows that were written
    down to be started again, and may not run yet."""

    at: datetime
    resumed: int = 0
    unfinished: int = 0


@dataclass(frozen=True, kw_only=True)
class PracticeNumbers:
    """``events``: unhandled ones of vendors, by vendor; ``deliveries``: events that programs have not taken."""

    at: datetime
    journeys: Mapping[Stage, int]
    charges: Charges
    unmarked: Backlog
    mails: Mails
    tasks: Mapping[TaskKind, int]
    comparison: LastComparison
    round: LastRound
    resumed: Mapping[ResumedBecause, int]
    events: Mapping[str, Backlog]
    deliveries: Backlog


async def practice_numbers(session: AsyncSession, *, now: datetime) -> PracticeNumbers:
    """A dozen statements."""
    connection = await session.connection()
    began = (await newest_epoch(session)).began_at
    resumed = await resumed_counts(session)
    stages = dict((await connection.execute(_JOURNEYS)).all())
    kinds = dict((await connection.execute(_TASKS)).all())
    vendors = {
        vendor: Backlog(number=number, since=since) for vendor, number, since in (await connection.execute(_EVENTS))
    }
    return PracticeNumbers(
        at=now,
        journeys={stage: stages.get(stage, 0) for stage in Stage},
        charges=Charges(**(await connection.execute(_charges(now))).mappings().one()),
        unmarked=Backlog(**(await connection.execute(_unmarked(now))).mappings().one()),
        mails=Mails(
            **(await connection.execute(_mails_waiting(now))).mappings().one(),
            undeliverable=(await connection.execute(_mails_lost(now))).scalar_one(),
        ),
        tasks={kind: kinds.get(kind, 0) for kind in TaskKind},
        comparison=await _comparison(session, began=began),
        round=await _last_round(session, began=began),
        resumed={because: resumed.get(because.value, 0) for because in ResumedBecause},
        events=vendors,
        deliveries=Backlog(**(await connection.execute(_deliveries(now))).mappings().one()),
    )


def _number(such: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(such)


_JOURNEYS = (
    select_columns(col(Client.stage), func.count())
    .where(col(Client.closed_at).is_(None), col(Client.test).is_(False))
    .group_by(col(Client.stage))
)
_TASKS = select_columns(col(Task.kind), func.count()).where(col(Task.resolved_at).is_(None)).group_by(col(Task.kind))
_EVENTS = (
    select_columns(col(InboundEvent.vendor), func.count(), func.min(col(InboundEvent.received_at)))
    .where(col(InboundEvent.handled_at).is_(None))
    .group_by(col(InboundEvent.vendor))
)


def _charges(now: datetime) -> Any:
    status, again = col(Payment.status), col(Payment.next_try_at)
    pending = status.in_(PENDING)
    # As activities.money.late_charge has it: one that was put off is looked at again then.
    planned = case((status == PaymentStatus.SCHEDULED, func.coalesce(again, col(Payment.due_at))), else_=again)
    began = (
        select_columns(func.max(col(PaymentTry.started_at)))
        .where(col(PaymentTry.payment_id) == col(Payment.id))
        .scalar_subquery()
    )
    # A try that runs is planned for no other time; one that waits for the comparison after a restore is.
    stuck = and_(status == PaymentStatus.PROCESSING, again.is_(None), began < now - LATE_BY)
    late = and_(pending, (planned < now - LATE_BY) | (col(Payment.deadline) < now - LATE_BY) | stuck)
    return (
        select_columns(
            _number(and_(pending, planned <= now)).label("due"),
            _number(late).label("late"),
            _number(status.in_(WAITING - {PaymentStatus.SCHEDULED})).label("failed"),
            _number(status == PaymentStatus.OWED).label("owed"),
        )
        .select_from(Payment)
        .join(Client, col(Client.id) == col(Payment.client_id))
        .where(status.in_(UNPAID), col(Client.test).is_(False))
    )


def _unmarked(now: datetime) -> Any:
    """Those of archived clients are nobody's to mark."""
    return (
        select_columns(func.count().label("number"), func.min(col(Appointment.ends_at)).label("since"))
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.ends_at) <= now,
            col(Client.status) == ClientStatus.ACTIVE,
            col(Client.test).is_(False),
        )
    )


def _mails_waiting(now: datetime) -> Any:
    due = col(OutboxItem.next_try_at)
    return select_columns(
        _number(due <= now).label("waiting"), _number((due < now - LATE_BY) | tried_for_long(now)).label("late")
    ).where(col(OutboxItem.status).in_(UNSETTLED), due <= now + LATE_BY)


def _mails_lost(now: datetime) -> Any:
    return select_columns(func.count()).where(col(OutboxItem.status).in_(LOST), col(OutboxItem.made_at) > now - LATELY)


def _deliveries(now: datetime) -> Any:
    """What waits for an endpoint that is off waits for a person, who has a task."""
    return (
        select_columns(func.count().label("number"), func.min(col(WebhookDelivery.made_at)).label("since"))
        .join(WebhookRecord, col(WebhookRecord.id) == col(WebhookDelivery.endpoint_id))
        .where(col(WebhookDelivery.state) == DeliveryState.WAITING, col(WebhookDelivery.made_at) <= now, *ON)
    )


async def _comparison(session: AsyncSession, *, began: datetime) -> LastComparison:
    ended = col(Reconciliation.finished_at)
    statement = (
        select_columns(ended, func.jsonb_array_length(col(Reconciliation.differences)))
        .where(ended.is_not(None), col(Reconciliation.stopped).is_(False))
        .order_by(ended.desc())
        .limit(1)
    )
    last = (await (await session.connection()).execute(statement)).one_or_none()
    return LastComparison(at=last[0], differences=last[1]) if last else LastComparison(at=began)


async def _last_round(session: AsyncSession, *, began: datetime) -> LastRound:
    connection = await session.connection()
    ended = col(Keeping.finished_at)
    statement = select_columns(col(Keeping.id), ended).where(ended.is_not(None)).order_by(ended.desc()).limit(1)
    last = (await connection.execute(statement)).one_or_none()
    undone = (
        await connection.execute(select_columns(func.count()).where(col(Resumption.done_at).is_(None)))
    ).scalar_one()
    id, at = last or (None, None)
    resumed = await times_resumed_in(session, id) if id is not None else 0
    return LastRound(at=at or began, resumed=resumed, unfinished=undone)
