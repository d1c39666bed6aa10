"""A practice without engine and API: the activities, a real database, Stripe's stand-in, and ways for things to break.

Every place where a process can die is a point that is passed: before and after each commit, before and after each call
of Stripe. A test says at which one it dies; ``until_done`` then does what the engine does, and runs the step again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import httpx
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.archive.archive import ArchiveActivities
from activities.base import Dependencies
from activities.booking.appointment import AppointmentActivities
from activities.booking.book import BookingActivities
from activities.clients.account import AccountActivities
from activities.clients.matching import MatchingActivities
from activities.forms.intake import FormActivities
from activities.gateways.simulated import SimulatedGateway
from activities.gateways.stripe import StripeGateway
from activities.mail.send import MailActivities
from activities.money.charge import PaymentActivities
from activities.money.credits import CreditActivities
from activities.money.refunds import RefundActivities
from activities.money.retries import RetryActivities
from activities.money.stripe_events import InboundActivities
from activities.money.waivers import WaiverActivities
from activities.ports import GatewayUnavailable, Intent, OutgoingMail, RefundMade, RefundReason
from activities.practice import Links
from activities.practice import Practice as Named
from activities.types.booking import BookingOrder, OutcomeOrder
from activities.types.clients import ClientDetails, LinkOrder, NewJourney
from activities.types.facts import AppointmentFacts
from activities.types.forms import FormSubmission
from activities.types.money import AttemptOrder, AttemptResult, Settled
from engine.codec import PayloadKeys
from engine.signed_links import SignedLinks
from models.database import Sessions
from models.reads.clients.timeline import link_of
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.money.payment import Payment, PaymentTry
from rules.accounts.caller import Caller
from rules.enums import AppointmentType, IntroCalls, Mode, Outcome, Role, Source
from rules.mail import unsubscribe
from rules.policy import JourneyPolicy
from rules.timeline import first_break

Result = TypeVar("Result")
Answer = TypeVar("Answer", Intent, RefundMade)
DESK = Caller(role=Role.CARE_TEAM, name="desk")
POLICY = JourneyPolicy()
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
FEE = 12000


class Death(Exception):
    """The process ends here: what was committed stays, what was not is gone."""


class NeverEnds(Exception):
    """A step fails however often it is run."""


@dataclass
class Points:
    """Places where a process may die. ``die_at`` counts from 1; a death happens once."""

    passed: list[str] = field(default_factory=list)
    die_at: tuple[int, ...] = ()

    def reach(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) in self.die_at:
            raise Death(name)

    def reset(self, *die_at: int) -> None:
        self.passed.clear()
        self.die_at = die_at


class MovableClock:
    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    async def now(self) -> datetime:
        return self.instant


class MortalSessions:
    """Sessions whose commits are points."""

    def __init__(self, real: Sessions, points: Points) -> None:
        self.real = real
        self.points = points

    def __call__(self) -> AsyncSession:
        session = self.real()
        commit = session.commit

        async def mortal() -> None:
            self.points.reach("before a commit")
            await commit()
            self.points.reach("after a commit")

        session.commit = mortal  # type: ignore[method-assign]
        return session


class MortalGateway(StripeGateway):
    """The real gateway, whose calls are points, and whose answers can be lost.

    ``breaks[call]`` are exceptions raised after the call has taken effect at Stripe, one each time. One that forbids
    the same key is a stored failure: Stripe would replay it, so the key is spoilt for good.
    """

    def __init__(self, points: Points, *, api_base: str) -> None:
        super().__init__(api_key="sk_test_activities", api_base=api_base)
        self.points = points
        self.keys: list[str] = []
        self.breaks: dict[str, list[GatewayUnavailable]] = {}
        self.spoilt: set[str] = set()
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}

    async def create_intent(
        self,
        *,
        payment_id: str,
        client_id: str,
        customer: str,
        amount: int,
        currency: str,
        key: str,
        appointment_id: str | None = None,
    ) -> Intent:
        ask = super().create_intent(
            payment_id=payment_id,
            client_id=client_id,
            customer=customer,
            amount=amount,
            currency=currency,
            key=key,
            appointment_id=appointment_id,
        )
        return await self._mortal("create", ask, key=key)

    async def confirm_intent(self, *, intent: str, payment_method: str, key: str) -> Intent:
        return await self._mortal(
            "confirm", super().confirm_intent(intent=intent, payment_method=payment_method, key=key), key=key
        )

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        self.points.reach("before retrieve")
        return await super().retrieve_intent(intent=intent)

    async def refund(
        self,
        *,
        intent: str,
        refund_id: str,
        amount: int,
        currency: str,
        key: str,
        reason: RefundReason = "requested_by_customer",
    ) -> RefundMade:
        ask = super().refund(
            intent=intent, refund_id=refund_id, amount=amount, currency=currency, key=key, reason=reason
        )
        return await self._mortal("refund", ask, key=key)

    async def _mortal(self, call: str, asked: Awaitable[Answer], *, key: str) -> Answer:
        if key in self.spoilt:
            _close(asked)
            raise GatewayUnavailable("the same failure again", ambiguous=True, retry_with_same_key=False)
        try:
            self.points.reach(f"before {call}")
        except Death:
            _close(asked)
            raise
        self.keys.append(key)
        answer = await asked
        if call in self.meanwhile:
            await self.meanwhile.pop(call)()
        if self.breaks.get(call):
            broken = self.breaks[call].pop(0)
            if not broken.retry_with_same_key:
                self.spoilt.add(key)
            raise broken
        self.points.reach(f"after {call}")
        return answer


def _close(asked: Awaitable[object]) -> None:
    """A request that is never made."""
    cast(Any, asked).close()


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
        deps = Dependencies(
            sessions=cast(Sessions, MortalSessions(sessions, self.points)),
            clock=self.clock,
            payments=self.gateway,
            simulated_payments=SimulatedGateway(),
            mailer=self.post,
            links=Links(public_url="http://portal.example"),
            practice=Named(name="Riverside", care_team_email="care@practice.example", insurance_email="i@p.example"),
            email_from="hello@practice.example",
            link_key=b"tests",
            unsubscribe_links=SignedLinks(PayloadKeys((("tests", bytes(32)),)), unsubscribe.PURPOSE),
        )
        self.matching = MatchingActivities(deps)
        self.booking = BookingActivities(deps)
        self.appointments = AppointmentActivities(deps)
        self.accounts = AccountActivities(deps)
        self.forms = FormActivities(deps)
        self.money = PaymentActivities(deps)
        self.credits = CreditActivities(deps)
        self.refunds = RefundActivities(deps)
        self.waivers = WaiverActivities(deps)
        self.retries = RetryActivities(deps)
        self.inbound = InboundActivities(deps)
        self.archive = ArchiveActivities(deps)
        self.mail = MailActivities(deps)

    # ------------------------------------------------------------ setting the scene

    async def therapist(self, slug: str) -> UUID:
        async with self.sessions() as session:
            row = Therapist(
                id=uuid4(),
                slug=slug,
                name=slug.title(),
                email=f"{slug}@practice.example",
                time_zone="America/New_York",
                intro_calls=IntroCalls.OPTIONAL,
                session_fee_amount=FEE,
                session_fee_currency="USD",
                created_at=self.clock.instant,
            )
            session.add(row)
            await session.commit()
            return row.id

    async def client(self, *, therapist: str = "ana", name: str = "Sara") -> str:
        new = NewJourney(
            request_id=str(uuid4()),
            client_id=str(uuid4()),
            by=DESK,
            source=Source.CARE_TEAM,
            therapist=therapist,
            details=ClientDetails(
                first_name=name,
                last_name="Lind",
                email=f"{name.lower()}@example.com",
                phone="+12125550100",
                time_zone="America/New_York",
            ),
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
        setup = await self.forms.set_up_card(LinkOrder(request_id=str(uuid4()), client_id=client, by=DESK))
        assert setup.document is not None
        async with httpx.AsyncClient(trust_env=False) as browser:
            saved = await browser.post(
                f"{self.sandbox_url}/stripe/v1/setup_intents/{setup.document['setup_intent']}/confirm",
                data={"payment_method": card},
                headers={"Authorization": "Bearer sk_test_browser"},
            )
            saved.raise_for_status()
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
        row = await self.row(client)
        async with httpx.AsyncClient(trust_env=False) as browser:
            told = await browser.post(
                f"{self.sandbox_url}/stripe/_payment_methods/{row.stripe_payment_method}",
                json={"decline_code": decline_code},
            )
            told.raise_for_status()

    async def occurred(self, appointment: AppointmentFacts) -> str:
        """Its time comes, it is marked, and its payment falls due. Answers the payment's id."""
        self.clock.instant = max(self.clock.instant, appointment.ends_at)
        marked = await self.appointments.record_outcome(
            OutcomeOrder(request_id=str(uuid4()), appointment_id=appointment.id, by=DESK, outcome=Outcome.OCCURRED),
            POLICY,
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
        return await self.until_done(lambda: self.money.finish_attempt(result, POLICY))

    # ------------------------------------------------------------ looking

    async def stripe(self) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as browser:
            state: dict[str, Any] = (await browser.get(f"{self.sandbox_url}/stripe/_state")).json()
            return state

    async def intents_of(self, payment: str) -> list[dict[str, Any]]:
        return [i for i in (await self.stripe())["payment_intents"] if i["metadata"]["payment_id"] == payment]

    async def charges_of(self, payment: str) -> list[str]:
        """How the bank answered for this payment, each time it was asked."""
        ids = {intent["id"] for intent in await self.intents_of(payment)}
        return [c["status"] for c in (await self.stripe())["charges"] if c["payment_intent"] in ids]

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
            statement = select(Fact).where(col(Fact.client_id) == UUID(client)).order_by(col(Fact.seq))
            found = (await session.exec(statement)).all()
        assert first_break([link_of(f) for f in found], head_seq=row.fact_seq, head_hash=row.fact_hash) is None
        return [fact.kind for fact in found]
