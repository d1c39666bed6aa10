"""Rows under lock, each with all that it belongs to (aggregates): an appointment, a payment.

Who holds one may compare and set: nobody else changes these rows before the transaction ends.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.snapshots import appointment_facts
from activities.types.booking import Changed
from activities.types.facts import AppointmentFacts
from activities.types.money import AttemptStarted, Settled
from models.reads.journey import project_beside
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from models.writes.locks import RowMissing, lock_client, lock_payment_with_appointment
from rules.booking.series import Member
from rules.journey.stage import JourneyFacts
from rules.money.fees import Money
from rules.money.terms import Terms
from rules.refusals import Problem, Refusal


@dataclass
class LockedAppointment:
    """An appointment with everything it depends on, as ``lock_appointment`` brings it; ``payment`` once it has one."""

    appointment: Appointment
    therapist: Therapist
    client: Client
    payment: Payment | None

    def __post_init__(self) -> None:
        self._known = self.client.stage, self.client.fact_seq

    @property
    def member(self) -> Member:
        """Its place in its series."""
        one = self.appointment
        return Member(id=str(one.id), week=one.week, status=one.status, starts_at=one.starts_at)

    @property
    def terms(self) -> Terms:
        return self.appointment.agreed

    @property
    def fee(self) -> Money:
        return Money(self.appointment.fee_amount, self.appointment.fee_currency)

    async def stands(self, session: AsyncSession) -> Changed:
        return replace(await self.changed(session), changed=False)

    async def changed(
        self, session: AsyncSession, *, lines: tuple[str, ...] = (), exceptions: tuple[dict[str, Any], ...] = ()
    ) -> Changed:
        journey, appointment = await self._stand(session)
        return Changed(
            journey=journey,
            appointment=appointment,
            changed=True,
            sequence=self.appointment.sequence,
            lines=lines,
            exceptions=exceptions,
        )

    async def settled(self, session: AsyncSession, *, changed: bool = False) -> Settled:
        """``changed``: the journey is to look anew in any case; else only where the stage or a fact is another since
        the rows were locked, so that a step which has been done before tells nobody again."""
        journey, appointment = await self._stand(session)
        changed = changed or self._known != (self.client.stage, self.client.fact_seq)
        return Settled(journey=journey, appointment=appointment, changed=changed)

    async def _stand(self, session: AsyncSession) -> tuple[JourneyFacts, AppointmentFacts]:
        journey, due = await project_beside(session, self.client, self.appointment.id)
        return journey, appointment_facts(self.appointment, self.client, self.therapist, self.payment, due)


NO_PAYMENT = Refusal(name=Problem.NOT_FOUND, detail="There is no such payment.")


@dataclass
class LockedPayment:
    """A payment with everything it belongs to; client and payment are locked.

    ``compared``: money may move in this epoch. ``at_hand``: how much credit it could take, with what it has reserved
    itself, in minor units; reserving and giving back do not change that. ``last_try``: its number, as of the lock.
    """

    payment: Payment
    client: Client
    appointment: Appointment
    therapist: Therapist
    compared: bool
    at_hand: int
    last_try: int

    @property
    def terms(self) -> Terms:
        return self.appointment.agreed

    async def started(self, session: AsyncSession, started: bool) -> AttemptStarted:
        journey, appointment = await self._stand(session)
        return AttemptStarted(started=started, appointment=appointment, journey=journey)

    async def settled(self, session: AsyncSession, *, changed: bool = True) -> Settled:
        journey, appointment = await self._stand(session)
        return Settled(appointment=appointment, journey=journey, changed=changed)

    async def _stand(self, session: AsyncSession) -> tuple[JourneyFacts, AppointmentFacts]:
        journey, due = await project_beside(session, self.client, self.appointment.id)
        return journey, appointment_facts(self.appointment, self.client, self.therapist, self.payment, due)


async def locked_payment(session: AsyncSession, payment_id: UUID) -> LockedPayment:
    whose = select(Payment.client_id).where(col(Payment.id) == payment_id).scalar_subquery()
    while True:
        try:
            client = await lock_client(session, whose)
        except RowMissing:
            raise RowMissing(f"no payment {payment_id}") from None
        found = await lock_payment_with_appointment(session, payment_id)
        payment, appointment, therapist, compared, credit, last_try = found
        if payment.client_id == client.id:
            at_hand = payment.credit_used + int(credit)
            return LockedPayment(payment, client, appointment, therapist, compared, at_hand, last_try)
        # While this waited, the client was joined into another record, which has the payment now.
