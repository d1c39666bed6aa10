"""A practice without engine and API: the activities, a real database, Stripe's stand-in, and verbs to set the scene.

Every place where a process can die is a point that is passed: before and after each commit, before and after each call
of Stripe. A test says at which one it dies; ``until_done`` then does what the engine does, and runs the step again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from sqlmodel import col, select

from activities.archive.archive import ArchiveActivities
from activities.booking.appointment import AppointmentActivities
from activities.booking.book import BookingActivities
from activities.clients.account import AccountActivities
from activities.clients.matching import MatchingActivities
from activities.delivery.outbox import DeliveryActivities
from activities.forms.intake import FormActivities
from activities.money.charge import PaymentActivities
from activities.money.confirmations import ConfirmationActivities
from activities.money.credits import CreditActivities
from activities.money.refunds import RefundActivities
from activities.money.retries import RetryActivities
from activities.money.stripe_events import InboundActivities
from activities.money.waivers import WaiverActivities
from activities.ports import GatewayUnavailable, OutgoingMail
from activities.types.booking import BookingOrder, OutcomeOrder
from activities.types.clients import ClientDetails, NewJourney
from activities.types.facts import AppointmentFacts
from activities.types.forms import FormSubmission
from activities.types.money import AttemptOrder, AttemptResult, CardSetupOrder, Settled
from engine.codec import PayloadKeys
from models.database import Sessions
from models.reads.clients.timeline import entry_of, facts_of
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxKind, OutboxStatus
from models.tables.money.payment import Payment, PaymentTry
from rules.accounts.caller import Caller
from rules.chain import faults_of
from rules.enums import AppointmentType, Mode, Outcome, Role, Source
from rules.policy import JourneyPolicy
from tests.care.at_stripe import AtStripe
from tests.care.crash_points import Death, MortalGateway, NeverEnds, Points, mortal_sessions
from tests.care.defaults import CHAIN_KEYS, dependencies, details
from tests.care.rows import Rows

Result = TypeVar("Result")
DESK = Caller(role=Role.CARE_TEAM, name="desk")
POLICY = JourneyPolicy()
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
FEE = 12000


class MovableClock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    async def now(self) -> datetime:
        return self.instant


class Post:
    """A mail service. ``trouble`` are its next answers: whether the mail went out all the same, and what it raises."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMail] = []
        self.trouble: list[tuple[bool, Exception]] = []

    async def send(self, mail: OutgoingMail) -> str:
        arrived, problem = self.trouble.pop(0) if self.trouble else (True, None)
        if arrived:
            self.sent.append(mail)
        if problem is not None:
            raise problem
        return f"message-{len(self.sent)}"


class Practice:
    """The activities with what they stand on, and verbs to set the scene."""

    def __init__(self, sessions: Sessions, sandbox_url: str, clock: MovableClock) -> None:
        self.sessions = sessions
        self.sandbox_url = sandbox_url
        self.clock = clock
        self.points = Points()
        self.gateway = MortalGateway(self.points, api_base=f"{sandbox_url}/stripe")
        self.post = Post()
        self.http = httpx.AsyncClient(trust_env=False, timeout=30)
        self.at_stripe = AtStripe(self.http, sandbox_url)
        deps = dependencies(
            sessions=mortal_sessions(
                sessions, lambda when, _: self.points.reach(f"{when} a commit"), lambda: "a commit"
            ),
            clock=self.clock,
            payments=self.gateway,
            mailer=self.post,
            keys=PayloadKeys((("tests", bytes(32)),)),
            public_url="http://portal.example",
        )
        self.matching = MatchingActivities(deps)
        self.booking = BookingActivities(deps)
        self.appointments = AppointmentActivities(deps)
        self.accounts = AccountActivities(deps)
        self.forms = FormActivities(deps)
        self.money = PaymentActivities(deps)
        self.confirmations = ConfirmationActivities(deps)
        self.credits = CreditActivities(deps)
        self.refunds = RefundActivities(deps)
        self.waivers = WaiverActivities(deps)
        self.retries = RetryActivities(deps)
        self.inbound = InboundActivities(deps)
        self.archive = ArchiveActivities(deps)
        self.delivery = DeliveryActivities(deps)

    async def aclose(self) -> None:
        await self.gateway.aclose()
        await self.http.aclose()

    # ------------------------------------------------------------ setting the scene

    async def therapist(self, slug: str) -> UUID:
        """Whom the desk books as it likes: there are no hours."""
        rows, now = Rows(self.sessions), self.clock.instant
        return (await rows.therapist(slug, weekly=[], session_fee_amount=FEE, created_at=now)).id

    async def client(self, *, therapist: str = "ana", name: str = "Sara") -> str:
        new = NewJourney(
            request_id=str(uuid4()),
            client_id=str(uuid4()),
            by=DESK,
            source=Source.CARE_TEAM,
            therapist=therapist,
            details=ClientDetails(**details(name)),
        )
        opened = await self.matching.open_journey(new)
        assert opened.facts is not None
        return new.client_id

    def booking_order(
        self, client: str, starts_at: datetime = MONDAY, *, weeks: int = 1, hold_id: str | None = None
    ) -> BookingOrder:
        return BookingOrder(
            request_id=str(uuid4()),
            client_id=client,
            by=DESK,
            type=AppointmentType.SESSION,
            starts_at=starts_at,
            mode=Mode.PHONE,
            weeks=weeks,
            hold_id=hold_id,
        )

    async def booked(self, client: str, starts_at: datetime = MONDAY, *, weeks: int = 1) -> list[AppointmentFacts]:
        answer = await self.booking.book(self.booking_order(client, starts_at, weeks=weeks))
        assert answer.refusal is None, answer.refusal
        return list(answer.appointments)

    async def billing_form(self, client: str, card: str = "pm_card_visa") -> FormSubmission:
        """The order that completes Billing Info, after the browser has saved the card."""
        setup = await self.forms.set_up_card(CardSetupOrder(request_id=str(uuid4()), client_id=client, by=DESK))
        assert setup.document is not None
        await self.at_stripe.saves_card(setup.document["setup_intent"], card)
        return FormSubmission(
            request_id=str(uuid4()),
            client_id=client,
            by=DESK,
            kind="billing_info",
            answers={"billing_name": "Sara Lind", "accepts_fee_policy": True},
            signature="Sara Lind",
            setup_intent=setup.document["setup_intent"],
        )

    async def gives_card(self, client: str, card: str = "pm_card_visa") -> None:
        done = await self.forms.submit_form(await self.billing_form(client, card))
        assert done.refusal is None, done.refusal

    async def bank_says(self, client: str, decline_code: str | None) -> None:
        await self.at_stripe.bank_says((await self.row(client)).stripe_payment_method, decline_code)

    async def occurred(self, appointment: AppointmentFacts) -> str:
        """Its time comes, it is marked, and its payment falls due. Answers the payment's id."""
        self.clock.instant = max(self.clock.instant, appointment.ends_at)
        marked = await self.appointments.record_outcome(
            OutcomeOrder(request_id=str(uuid4()), appointment_id=appointment.id, by=DESK, outcome=Outcome.OCCURRED),
        )
        assert marked.appointment is not None
        assert marked.appointment.payment is not None
        self.clock.instant = max(self.clock.instant, appointment.ends_at + timedelta(hours=24))
        return marked.appointment.payment.id

    # ------------------------------------------------------------ what the engine does

    async def until_done(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Run a step again until it ends."""
        for _ in range(10):
            try:
                return await step()
            except (Death, GatewayUnavailable):
                continue
        raise NeverEnds

    async def attempt(self, payment: str, number: int = 1) -> Settled | None:
        """One try as the workflow makes it; None if it may not be made."""
        order = AttemptOrder(payment_id=payment, attempt=number)
        begun = await self.until_done(lambda: self.money.start_attempt(order))
        if not begun.started:
            return None
        charged = await self.until_done(lambda: self.money.charge_card(order))
        result = AttemptResult(payment_id=payment, attempt=number, charged=charged)
        return await self.until_done(lambda: self.money.finish_attempt(result))

    # ------------------------------------------------------------ looking

    async def stripe(self) -> dict[str, Any]:
        return await self.at_stripe.state()

    async def intents_of(self, payment: str) -> list[dict[str, Any]]:
        return await self.at_stripe.intents_of(payment)

    async def charges_of(self, payment: str) -> list[str]:
        """How the bank answered for this payment, each time it was asked."""
        ids = {intent["id"] for intent in await self.intents_of(payment)}
        return [c["status"] for c in (await self.stripe())["charges"] if c["payment_intent"] in ids]

    async def to_call_off(self) -> list[str]:
        """The intents that wait in an outbox to be called off."""
        async with self.sessions() as session:
            waiting = select(OutboxItem).where(
                col(OutboxItem.kind) == OutboxKind.CANCEL_INTENT, col(OutboxItem.status) == OutboxStatus.WAITING
            )
            return [errand.order["about"] for errand in (await session.exec(waiting)).all()]

    async def row(self, client: str) -> Client:
        async with self.sessions() as session:
            return await session.get_one(Client, UUID(client))

    async def payment(self, payment: str) -> Payment:
        async with self.sessions() as session:
            return await session.get_one(Payment, UUID(payment))

    async def tries(self, payment: str) -> list[PaymentTry]:
        async with self.sessions() as session:
            statement = select(PaymentTry).where(col(PaymentTry.payment_id) == UUID(payment))
            return list((await session.exec(statement.order_by(col(PaymentTry.number)))).all())

    async def facts(self, client: str) -> list[str]:
        """The kinds of a client's facts, in order; the chain is verified on the way."""
        async with self.sessions() as session:
            row = await session.get_one(Client, UUID(client))
            found = await facts_of(session, row.id, after_seq=0, limit=1000)
        assert faults_of(CHAIN_KEYS, map(entry_of, found), row.head) == []
        return [told.fact.kind for told in found]
