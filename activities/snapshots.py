"""Snapshots of appointments and payments, as steps hand them back."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.facts import AppointmentFacts, PaymentFacts
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
    )


def appointment_facts(
    appointment: Appointment, client: Client, therapist: Therapist, payment: Payment | None
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
        client_archived=client.status is ClientStatus.ARCHIVED,
        payment=payment_facts(payment, client) if payment else None,
    )


async def facts_of_appointments(
    session: AsyncSession, client: Client, ids: list[UUID] | None = None
) -> tuple[AppointmentFacts, ...]:
    """Snapshots of a client's appointments, in time order; all of them, or those named."""
    statement = (
        select(Appointment, Therapist, Payment)
        .join(Therapist, col(Therapist.id) == col(Appointment.therapist_id))
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(col(Appointment.client_id) == client.id)
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    )
    if ids is not None:
        statement = statement.where(col(Appointment.id).in_(ids))
    await session.flush()
    rows = (await session.exec(statement)).all()
    return tuple(appointment_facts(appointment, client, therapist, payment) for appointment, therapist, payment in rows)
