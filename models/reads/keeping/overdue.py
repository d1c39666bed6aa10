"""What is late by rows alone, and has no task yet: by the keys that the workflows themselves would give it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, cast, exists, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.archive.bulk_archive import BulkArchiveRecord
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.keeping.reencryption import Reencryption
from models.tables.mail.outbox import UNSETTLED as UNDELIVERED
from models.tables.mail.outbox import OutboxItem, OutboxKind
from models.tables.money.payment import Payment
from models.tables.money.reconciliation import Reconciliation
from rules.enums import AppointmentStatus, ClientStatus, TaskKind
from rules.keeping import LATE_BY, PRACTICE_MAIL_ID, TRIED_FOR_LONG, Kept
from rules.money.payment_states import PENDING

_MOST = 200  # in one round: what is more waits for the next


@dataclass(frozen=True, kw_only=True)
class Late:
    """``text`` has a place for the client's ``{ref}``."""

    key: str
    text: str
    client_id: UUID | None = None
    appointment_id: UUID | None = None
    payment_id: UUID | None = None
    outcome_missing: bool = False


async def payments_past_their_deadline(session: AsyncSession, *, before: datetime) -> list[Late]:
    """Payments that are neither made nor owed, though their deadline was before."""
    key = "past-deadline:"
    statement = (
        select(Payment)
        .where(
            col(Payment.status).in_(PENDING),
            col(Payment.deadline) < before,
            ~exists().where(col(Task.key) == key + cast(col(Payment.id), String)),
        )
        .order_by(col(Payment.deadline))
        .limit(_MOST)
    )
    return [
        Late(
            key=f"{key}{payment.id}",
            text=f"A payment of client {{ref}} is {payment.status.value} after its deadline. Its appointment's workflow"
            f" ({Kept.APPOINTMENT.id_of(str(payment.appointment_id))}) shows what it waits for.",
            client_id=payment.client_id,
            appointment_id=payment.appointment_id,
            payment_id=payment.id,
        )
        for payment in (await session.exec(statement)).all()
    ]


async def sessions_unmarked(session: AsyncSession, *, before: datetime) -> list[Late]:
    """Appointments of active clients that ended before, of which nobody said how they went, nor was a task opened."""
    statement = (
        select(Appointment)
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .where(
            col(Appointment.status) == AppointmentStatus.SCHEDULED,
            col(Appointment.ends_at) < before,
            col(Client.status) == ClientStatus.ACTIVE,
            ~exists().where(
                col(Task.kind) == TaskKind.OUTCOME_MISSING,
                col(Task.client_id) == col(Appointment.client_id),
                col(Task.data)["appointment_id"].astext == cast(col(Appointment.id), String),
            ),
        )
        .order_by(col(Appointment.ends_at))
        .limit(_MOST)
    )
    return [
        Late(
            key=f"{appointment.id}:outcome_task:{appointment.ends_at.isoformat()}",
            text="The outcome of an appointment of client {ref} is missing.",
            client_id=appointment.client_id,
            appointment_id=appointment.id,
            outcome_missing=True,
        )
        for appointment in (await session.exec(statement)).all()
    ]


async def undelivered(session: AsyncSession, *, before: datetime) -> list[Late]:
    """Outboxes, one a deliverer, of which something was due before, and was neither delivered nor put off since."""
    since, number = func.min(col(OutboxItem.next_try_at)), func.count()
    key = func.concat(
        "undelivered:",
        func.coalesce(cast(col(OutboxItem.appointment_id), String), cast(col(OutboxItem.client_id), String), "own"),
        ":",
        func.extract("epoch", since),
    )
    statement: Any = (
        select(OutboxItem.client_id, OutboxItem.appointment_id, since, key)
        .add_columns(number, col(Client.closed_at))
        .join(Client, col(Client.id) == col(OutboxItem.client_id), isouter=True)
        .where(col(OutboxItem.status).in_(UNDELIVERED), col(OutboxItem.next_try_at) < before)
        .group_by(col(OutboxItem.client_id), col(OutboxItem.appointment_id), col(Client.closed_at))
        .having(~exists().where(col(Task.key) == key))
        .order_by(since)
        .limit(_MOST)
    )
    return [
        Late(
            key=key,
            text=f"{many} {_for_whom(client_id)} have waited since {at:%d %b %Y %H:%M} UTC, and nobody delivers them."
            f" {_deliverer(client_id, appointment_id, closed=closed_at is not None)} shows what it waits for.",
            client_id=client_id,
        )
        for client_id, appointment_id, at, key, many, closed_at in (await session.exec(statement)).all()
    ]


def _deliverer(client_id: UUID | None, appointment_id: UUID | None, *, closed: bool) -> str:
    if appointment_id is not None:
        return Kept.APPOINTMENT.id_of(str(appointment_id))
    return PRACTICE_MAIL_ID if closed or client_id is None else Kept.JOURNEY.id_of(str(client_id))


def _for_whom(client_id: UUID | None) -> str:
    return "mails or errands for client {ref}" if client_id else "mails of the practice's own"


def tried_for_long(at: datetime) -> ColumnElement[bool]:
    """Whether something in the outbox was tried for half an hour and has not gone. Each try that fails moves the next
    one ahead, by half an hour at most: by that alone nothing would ever be late while a vendor is away. What was put
    off on purpose was not tried."""
    return and_(col(OutboxItem.tries) >= TRIED_FOR_LONG, col(OutboxItem.made_at) < at - LATE_BY)


async def tried_in_vain(session: AsyncSession, *, at: datetime) -> list[Late]:
    """What somebody delivers, and no vendor takes: one of all mails, and one of all errands at Stripe, however many
    clients they are for. Nothing while a task says so: an outage is told once."""
    found: list[Late] = []
    due, is_mail = col(OutboxItem.next_try_at), col(OutboxItem.kind) == OutboxKind.MAIL
    for what, such, vendor in (("mails", is_mail, "SendGrid"), ("errands at Stripe", ~is_mail, "Stripe")):
        about = f"tried-in-vain:{vendor}:"
        statement = select(func.count(), func.min(col(OutboxItem.made_at))).where(
            col(OutboxItem.status).in_(UNDELIVERED),
            due.between(at - LATE_BY, at + LATE_BY),
            tried_for_long(at),
            such,
            ~exists().where(
                col(Task.kind) == TaskKind.OVERDUE,
                col(Task.resolved_at).is_(None),
                col(Task.key).startswith(about, autoescape=True),
            ),
        )
        many, oldest = (await session.exec(statement)).one()
        if many:
            found.append(
                Late(
                    key=f"{about}{oldest.timestamp()}",
                    text=f"Not taken, though tried again and again: {what}, {many} in number. The oldest has waited for"
                    f" {_minutes(at - oldest)} minutes, since {oldest:%d %b %Y %H:%M} UTC. The worker's log says of"
                    f" {vendor} why: it is away, or refuses the key. They go out by themselves once that is over.",
                )
            )
    return found


def _minutes(time: timedelta) -> int:
    return int(time / timedelta(minutes=1))


async def running_for_long(session: AsyncSession, *, before: datetime) -> list[Late]:
    """Archives of many, comparisons and reencryptions that began before and have not ended."""
    found: list[Late] = []
    for kind, table, began, what in (
        (Kept.BULK_ARCHIVE, BulkArchiveRecord, BulkArchiveRecord.asked_at, "An archive of many clients"),
        (Kept.COMPARISON, Reconciliation, Reconciliation.started_at, "A comparison with Stripe"),
        (Kept.REENCRYPTION, Reencryption, Reencryption.started_at, "A reencryption"),
    ):
        statement = (
            select(table.id)
            .where(
                col(table.finished_at).is_(None),
                col(began) < before,
                ~exists().where(col(Task.key) == f"running-long:{kind.value}:" + cast(col(table.id), String)),
            )
            .limit(_MOST)
        )
        found += [
            Late(
                key=f"running-long:{kind.id_of(str(id))}",
                text=f"{what} has been running for more than a day: look at {kind.id_of(str(id))} in the Temporal UI.",
            )
            for id in (await session.exec(statement)).all()
        ]
    return found
