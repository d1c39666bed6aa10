"""What becomes of a payment, written down: its tries, its states, and the fact and the task that each one brings."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.clients.tasks import close_tasks, open_task_once
from activities.money.cards import block_if_hard, fingerprint_of
from activities.money.credits import at_hand, reserve
from activities.money.discrepancies import ask_about
from activities.snapshots import appointment_facts
from activities.types.facts import AppointmentFacts
from activities.types.money import AttemptStarted, Charged, Settled
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment, PaymentTry
from models.writes.locks import lock_client, lock_payment
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import DeclineClass, PaymentStatus, TaskKind
from rules.money.discrepancies import Finding
from rules.money.fees import next_try
from rules.money.reconciliation import not_covered
from rules.policy import JourneyPolicy
from rules.timeline import FactKind

NEW_CARD = "new_card"  # why a payment that failed is tried again at once
DEBT = "debt"  # why a try runs: it was owed before, and no appointment's workflow waits for its end any more


class LockedPayment:
    """One payment with everything it belongs to; client and payment are locked."""

    def __init__(self, payment: Payment, client: Client, appointment: Appointment, therapist: Therapist) -> None:
        self.payment = payment
        self.client = client
        self.appointment = appointment
        self.therapist = therapist

    def facts(self) -> AppointmentFacts:
        return appointment_facts(self.appointment, self.client, self.therapist, self.payment)

    async def started(self, session: AsyncSession, started: bool) -> AttemptStarted:
        journey = await project(session, self.client)
        return AttemptStarted(started=started, appointment=self.facts(), journey=journey)

    async def settled(self, session: AsyncSession, *, changed: bool = True) -> Settled:
        journey = await project(session, self.client)
        return Settled(appointment=self.facts(), journey=journey, changed=changed)


async def locked(session: AsyncSession, payment_id: UUID) -> LockedPayment:
    payment = await session.get_one(Payment, payment_id)
    while True:
        client = await lock_client(session, payment.client_id)
        payment = await lock_payment(session, payment_id)
        if payment.client_id == client.id:
            break
        # While this waited, the client was joined into another record, which has the payment now.
    appointment = await session.get_one(Appointment, payment.appointment_id)
    return LockedPayment(payment, client, appointment, await session.get_one(Therapist, appointment.therapist_id))


async def new_try(session: AsyncSession, payment: Payment, client: Client, *, at: datetime) -> PaymentTry:
    """A try that asks the client's saved card."""
    statement = select(PaymentTry.number).where(col(PaymentTry.payment_id) == payment.id)
    number = max((await session.exec(statement)).all(), default=0) + 1
    attempt = PaymentTry(
        id=derived_id(payment.id, "try", number),
        payment_id=payment.id,
        number=number,
        payment_method=client.stripe_payment_method,
        fingerprint=fingerprint_of(client),
        started_at=at,
    )
    session.add(attempt)
    await session.flush()
    return attempt


async def finish_try(session: AsyncSession, payment: Payment, charged: Charged, *, at: datetime) -> PaymentTry | None:
    """Close the running try, and return it: it knows the card that it asked."""
    tried = None
    statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id, col(PaymentTry.result).is_(None))
    for attempt in await session.exec(statement):
        attempt.result = charged.decline or charged.status
        attempt.decline_code, attempt.charge, attempt.finished_at = charged.decline_code, charged.charge, at
        session.add(attempt)
        tried = attempt
    return tried


async def paid(session: AsyncSession, row: LockedPayment, *, at: datetime, by_card: int | None = None) -> bool:
    """Record that it was paid. ``by_card`` is what the card gave: the rest, and no more, is taken from credit.

    False if there is not that much credit any more: the payment is left as it stands, and a person is asked.
    """
    if by_card is not None:
        rest = max(row.payment.amount - by_card, 0)
        if rest > await at_hand(session, row.payment):
            await ask_about(session, row.client, _not_covered(row.payment, by_card), at=at)
            return False
        await reserve(session, row.payment, amount=rest, at=at)
    row.payment.status, row.payment.because = PaymentStatus.PAID, None
    row.payment.paid_at, row.payment.next_try_at = at, None
    session.add(row.payment)
    say(session, row, at=at, text="The payment was made.")
    await close_tasks(
        session,
        row.client,
        about=str(row.payment.id),
        kinds=(TaskKind.CARD_MISSING, TaskKind.PAYMENT_OWED, TaskKind.PAYMENT_FAILED),
        at=at,
        note="The payment was made.",
    )
    return True


def _not_covered(payment: Payment, by_card: int) -> Finding:
    return not_covered(
        payment_id=str(payment.id),
        client_id=str(payment.client_id),
        intent=payment.intent or "",
        amount=payment.amount,
        received=by_card,
        currency=payment.currency,
    )


async def declined(
    session: AsyncSession,
    row: LockedPayment,
    decline: DeclineClass,
    *,
    tried: PaymentTry | None,
    at: datetime,
    policy: JourneyPolicy,
) -> None:
    payment, client = row.payment, row.client
    block_if_hard(session, client, decline, tried)
    newer_card = tried is not None and client.stripe_payment_method != tried.payment_method and not client.card_blocked
    # A card that came meanwhile is asked past the deadline too; a debt is settled with it by the journey.
    if payment.because == DEBT or (at >= payment.deadline and not newer_card):
        asks = decline is DeclineClass.AUTHENTICATION_REQUIRED
        await owe(session, row, at=at, because=decline.value if asks else "deadline_passed")
        return
    if newer_card:
        payment.status, payment.because, payment.next_try_at = PaymentStatus.FAILED, NEW_CARD, at
        session.add(payment)
        say(session, row, at=at, text="The bank declined, and a newer card is there: it is tried at once.")
        return
    if decline is DeclineClass.SOFT:
        again = next_try(
            tries_made=payment.attempts,
            last_try_at=at,
            deadline=payment.deadline,
            retries=policy.charge_retries,
        )
        if again is None:
            await owe(session, row, at=at, because="tries_used_up")
            return
        payment.status, payment.because, payment.next_try_at = PaymentStatus.FAILED, "declined", again
        text = "The bank declined; it will be tried again."
    elif decline is DeclineClass.AUTHENTICATION_REQUIRED:
        payment.status, payment.because = PaymentStatus.REQUIRES_ACTION, "authentication_required"
        text = "The bank wants the client to confirm the payment."
    else:
        payment.status, payment.because = PaymentStatus.FAILED, "new_card_needed"
        text = "The bank declined; another card is needed."
    session.add(payment)
    say(session, row, at=at, text=text)


async def no_card(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    because = "new_card_needed" if row.client.card_blocked else "no_card"
    if at >= row.payment.deadline or row.payment.status is PaymentStatus.OWED:
        await owe(session, row, at=at, because=because)
        return
    row.payment.status, row.payment.because, row.payment.next_try_at = PaymentStatus.FAILED, because, None
    session.add(row.payment)
    say(session, row, at=at, text="The payment is due, and there is no card to charge.")
    text = f"A payment of client {row.client.ref} is due and there is no card; please ask for one."
    await _open_task(session, row, TaskKind.CARD_MISSING, text=text, at=at)


async def owe(session: AsyncSession, row: LockedPayment, *, at: datetime, because: str) -> None:
    row.payment.status, row.payment.because, row.payment.next_try_at = PaymentStatus.OWED, because, None
    session.add(row.payment)
    say(session, row, at=at, text="The payment could not be made in time; the amount is owed.")
    text = f"Client {row.client.ref} owes a payment that could not be made in time."
    await _open_task(session, row, TaskKind.PAYMENT_OWED, text=text, at=at)


async def _open_task(session: AsyncSession, row: LockedPayment, kind: TaskKind, *, text: str, at: datetime) -> None:
    """One task at a time; another one if it comes to the same again after somebody has resolved the last."""
    about = col(Task.data)["payment_id"].astext == str(row.payment.id)
    before = (await session.exec(select(Task).where(col(Task.kind) == kind, about))).all()
    if any(task.resolved_at is None for task in before):
        return
    await open_task_once(
        session,
        row.client,
        key=f"{kind.value}:{row.payment.id}" + (f":{len(before) + 1}" if before else ""),
        kind=kind,
        text=text,
        at=at,
        appointment_id=row.appointment.id,
        payment_id=row.payment.id,
    )


def say(session: AsyncSession, row: LockedPayment, *, at: datetime, text: str, by: str = SYSTEM) -> None:
    """Every change of a payment is a fact, named after the status it now has."""
    payment = row.payment
    tell(
        session,
        row.client,
        FactKind.of_payment(payment.status),
        at=at,
        by=by,
        text=text,
        data={
            "payment_id": str(payment.id),
            "appointment_id": str(payment.appointment_id),
            "amount": payment.amount,
            "currency": payment.currency,
            "attempts": payment.attempts,
            **({"credit_used": payment.credit_used} if payment.credit_used else {}),
            **({"exception": payment.exception} if payment.exception else {}),
            **({"because": payment.because} if payment.because else {}),
        },
    )
