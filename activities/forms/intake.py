"""Intake forms and the card: answers are stored once complete, and a card counts only on Stripe's word."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import this_run
from activities.forms.answering import complete, refuse_answers
from activities.forms.asking import first_request
from activities.money.cards import is_never_asked_again, shown_of
from activities.money.payments import card_came
from activities.money.reported.cards import GoneCards
from activities.ports import Card, GatewayRejected
from activities.snapshots import facts_of_appointments
from activities.types.clients import Done, LinkOrder
from activities.types.forms import FormSubmission
from activities.words import heard
from models.reads.booking.waitlist import lines_of_client
from models.reads.forms.requests import asked_of
from models.reads.forms.texts import newest_text, text_of
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText
from models.tables.money.payment import Payment
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import ClientStatus
from rules.forms.intake import BILLING_INFO
from rules.money.payment_states import RESUMED_BY_CARD
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

SUBMITTED = AnsweredOnce("submit_form", Done)


class FormActivities(GoneCards):
    @activity.defn
    async def set_up_card(self, order: LinkOrder) -> Done:
        """Prepare the saving of a card: the customer at Stripe (made once) and a setup intent."""
        async with self.transaction() as session:
            client = await session.get_one(Client, UUID(order.client_id))
        customer = await self.customer_of(client, request_id=order.request_id)
        key = f"setup:{order.request_id}:{this_run()}"  # Stripe would replay a stored failure to one that runs share
        gateway = self.gateway_for(client)
        try:
            setup = await gateway.create_setup_intent(customer=customer, key=key)
        except GatewayRejected:
            again = await self.customer_that_lasts(client.id, request_id=order.request_id)
            if again is None:
                raise
            customer, setup = again, await gateway.create_setup_intent(customer=again, key=f"{key}:{again}")
        return Done(
            changed=False,
            document={"customer": customer, "setup_intent": setup.id, "client_secret": setup.client_secret},
        )

    @activity.defn
    async def submit_form(self, order: FormSubmission) -> Done:
        """Complete one form. Billing Info also saves the card, after looking its setup intent up at Stripe."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await SUBMITTED.given(session, client, order)
            if given is not None:
                return given
            said = await heard(session, order, about=client.id)
            _, template = await _asked(session, client, order.kind)
        refusal = _refuse(template, said)
        if refusal is not None:
            return Done(refusal=refusal)
        card = None
        if order.kind == BILLING_INFO:
            refusal, card = await self._card(client, order.setup_intent)
            if refusal is not None:
                return Done(refusal=refusal)
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            given = await SUBMITTED.given(session, client, order)  # another run of it may have ended meanwhile
            if given is not None:
                return given
            if client.closed_at is not None:
                return Done(refusal=Refusal(name=Problem.NOT_FOUND, detail="This journey was closed meanwhile."))
            if card is not None and await is_never_asked_again(session, client, card.payment_method, card.fingerprint):
                return Done(refusal=invalid("setup_intent", "saved a card that cannot be used; please give another"))
            order = await heard(session, order, about=client.id)
            form, template = await _asked(session, client, order.kind)
            refusal = _refuse(template, order)  # it may have come to be asked for in a newer version
            if template is None or refusal is not None:
                return Done(refusal=refusal)
            form = form or first_request(client, template.kind, template.version, at=now)
            await complete(session, client, form, template, order, at=now)
            resumed: list[UUID] = []
            if card is not None:
                resumed = await _save_card(session, client, card, at=now, by=order.by.actor)
            done = Done(
                facts=await project(session, client),
                lines=await lines_of_client(session, client),
                resumed=await facts_of_appointments(session, client, resumed) if resumed else (),
            )
            return SUBMITTED.keep(session, client, order, done, at=now)

    async def _card(self, client: Client, setup_intent: str | None) -> tuple[Refusal | None, Card | None]:
        if not setup_intent:
            return invalid("setup_intent", "is required with Billing Info; ask for a card setup first"), None
        gateway = self.gateway_for(client)
        setup = await gateway.retrieve_setup_intent(id=setup_intent)
        if setup is None or setup.customer is None or setup.customer != client.stripe_customer:
            return invalid("setup_intent", "is not a card setup of this client"), None
        if setup.status != "succeeded" or setup.payment_method is None:
            return invalid("setup_intent", f"the card is not saved yet: Stripe says {setup.status}"), None
        if setup.usage != "off_session":
            return invalid("setup_intent", "did not save the card for charges while the client is away"), None
        card = await gateway.card(payment_method=setup.payment_method)
        if card is None:
            return invalid("setup_intent", "saved something that is not a card"), None
        if not card.attached:
            return invalid("setup_intent", "saved a card that was removed at Stripe since; please give it again"), None
        return None, card


async def _asked(session: AsyncSession, client: Client, kind: str) -> tuple[FormRequest | None, PracticeText | None]:
    """The newest asking of an intake form, and its questions. It may also be completed before anybody asked for it."""
    asked = await asked_of(session, client.id, kind)
    form = asked[-1] if asked else None
    template = await text_of(session, kind=kind, version=form.version) if form else await newest_text(session, kind)
    return form, template if template is not None and template.is_intake else None


def _refuse(template: PracticeText | None, order: FormSubmission) -> Refusal | None:
    return refuse_answers(template, order) if template else invalid("kind", "there is no such intake form")


async def _save_card(session: AsyncSession, client: Client, card: Card, *, at: datetime, by: str) -> list[UUID]:
    """Save the card, and resume what waited for one: the appointments whose payment goes on. Debts follow from it."""
    client.stripe_payment_method, client.card = card.payment_method, shown_of(card)
    client.card_blocked = False
    session.add(client)
    tell(
        session,
        client,
        FactKind.CARD_SAVED,
        at=at,
        by=by,
        text="A card was saved.",
        data={"brand": card.brand, "last4": card.last4},
    )
    resumed: list[UUID] = []
    if client.status is ClientStatus.ARCHIVED:
        return resumed
    statement = (
        select(Payment)
        .join(Appointment, col(Appointment.id) == col(Payment.appointment_id))
        .where(col(Payment.client_id) == client.id)
        .with_for_update(of=Payment)
    )
    for payment in await session.exec(statement):
        if payment.status in RESUMED_BY_CARD:
            text = "A new card has come; the payment is tried again at once."
            card_came(session, client, payment, at=at, by=by, text=text)
            resumed.append(payment.appointment_id)
    return resumed
