"""Snapshots of appointments and payments, as steps hand them back."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.facts import AppointmentFacts, AppointmentShown, PaymentFacts
from models.reads.outbox import next_delivery
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.enums import ClientStatus


def payment_facts(payment: Payment, client: Client) -> PaymentFacts:
    return PaymentFacts(
        id=str(payment.id),
        status=payment.status,
        amount=payment.amount,
        currency=payment.currency,
        due_at=payment.due_at,
        deadline=payment.deadline,
        next_try_at=payment.next_try_at,
        attempts=payment.attempts,
        because=payment.because,
        frozen=client.charges_frozen,
        appointment_id=str(payment.appointment_id),
        kind=payment.kind,
        credit_used=payment.credit_used,
        refunded=payment.refunded,
        paid_at=payment.paid_at,
    )


def appointment_facts(
    appointment: Appointment,
    client: Client,
    therapist: Therapist,
    payment: Payment | None,
    deliver_at: datetime | None = None,
) -> AppointmentFacts:
    """A snapshot of one appointment, from rows read in this transaction."""
    return AppointmentFacts(
        version=client.fact_seq,
        id=str(appointment.id),
        client_id=str(client.id),
        ref=client.ref,
        type=appointment.type,
        status=appointment.status,
        therapist=therapist.slug,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        planned_at=appointment.planned_at,
        first_name=client.first_name,
        client_archived=client.status is ClientStatus.ARCHIVED,
        payment=payment_facts(payment, client) if payment else None,
        shown=_shown(appointment, client),
        deliver_at=deliver_at,
        charge_deadline=appointment.agreed.charge_deadline,
    )


def _shown(appointment: Appointment, client: Client) -> AppointmentShown:
    return AppointmentShown(
        mode=appointment.mode,
        fee_amount=appointment.fee_amount,
        fee_currency=appointment.fee_currency,
        booked_by=appointment.booked_by,
        booked_at=appointment.booked_at,
        join_url=appointment.join_url,
        series_id=_text(appointment.series_id),
        every=appointment.every,
        complete_forms_in_session=appointment.complete_forms_in_session,
        cancelled_at=appointment.cancelled_at,
        cancelled_by=appointment.cancelled_by,
        outcome_at=appointment.outcome_at,
        outcome_by=appointment.outcome_by,
        breached_at=appointment.breached_at,
        restored_from=_text(appointment.restored_from),
        client_name=client.full_name,
        test=client.test,
        fee_policy_version=appointment.fee_policy_version,
        notice_window=appointment.agreed.notice_window,
    )


def _text(id: UUID | None) -> str | None:
    return str(id) if id else None


async def facts_of_appointments(
    session: AsyncSession, client: Client, ids: Collection[UUID]
) -> tuple[AppointmentFacts, ...]:
    """Snapshots of those of these appointments that are the client's, in time order."""
    await session.flush()
    found = await appointments_as_they_stand(session, ids)
    return tuple(facts for facts in found if facts.client_id == str(client.id))


async def appointments_as_they_stand(session: AsyncSession, ids: Collection[UUID]) -> tuple[AppointmentFacts, ...]:
    """Snapshots of appointments, in time order, whoever's they are by now."""
    if not ids:
        return ()
    due = next_delivery(col(Client.id), col(Appointment.id))
    statement: Any = (
        select(Appointment, Client, Therapist, Payment, due)  # type: ignore[call-overload]
        .join(Client, col(Client.id) == col(Appointment.client_id))
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(col(Appointment.id).in_(ids))
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    return tuple(appointment_facts(*row) for row in (await session.exec(statement)).all())


async def payments_as_they_stand(session: AsyncSession, ids: Collection[UUID]) -> tuple[PaymentFacts, ...]:
    """Snapshots of payments, whoever's they are by now."""
    if not ids:
        return ()
    statement = (
        select(Payment, Client).join(Client, col(Client.id) == col(Payment.client_id)).where(col(Payment.id).in_(ids))
    )
    return tuple(payment_facts(*row) for row in (await session.exec(statement)).all())
