"""Intake forms and the card: answers are stored once complete, and a card counts only on Stripe's word."""

from typing import Any
from uuid import UUID

from sqlalchemy import false
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import this_run
from activities.forms.answering import Checked, check, complete
from activities.money.at_stripe.card_saving import card_of_form, save_card
from activities.money.at_stripe.checkouts import way_back
from activities.money.cards import never_asked_again
from activities.money.reported.cards import GoneCards
from activities.ports import Card, GatewayRejected
from activities.snapshots import facts_of_appointments
from activities.types.clients import Done
from activities.types.forms import FormSubmission
from activities.types.money import CardSetupOrder
from activities.words import heard
from models.reads.booking.waitlist import lines_waited_in
from models.reads.forms.answerable import to_complete
from models.reads.journey import project
from models.reads.money.balance import saved_card
from models.tables.clients.client import Client
from models.tables.forms.text import PracticeText
from models.writes.locks import lock_client
from rules.forms.intake import BILLING_INFO, OF_ANOTHER_TEXT, OF_ANOTHER_VERSION
from rules.refusals import Problem, Refusal, invalid

SUBMITTED = AnsweredOnce("submit_form", Done)


class FormActivities(GoneCards):
    @activity.defn
    async def set_up_card(self, order: CardSetupOrder) -> Done:
        """Prepare the saving of a card: the customer at Stripe (made once) and a setup intent; or a session of Stripe's
        own page, which has one."""
        async with self.transaction() as session:
            client = await session.get_one(Client, UUID(order.client_id))
        customer = await self.customer_of(client, request_id=order.request_id)
        key = f"setup:{order.request_id}:{this_run()}"  # Stripe would replay a stored failure to one that runs share
        try:
            document = await self._prepared(client, customer, order, key=key)
        except GatewayRejected:
            again = await self.customer_that_lasts(client.id, request_id=order.request_id)
            if again is None:
                raise
            document = await self._prepared(client, again, order, key=f"{key}:{again}")
        return Done(changed=False, document=document)

    @activity.defn
    async def submit_form(self, order: FormSubmission) -> Done:
        """Complete one form. Billing Info also saves the card, after looking its setup intent up at Stripe; whoever has
        one, and signs again, need not give it again."""
        now = await self.now()
        card: Card | None = None
        if order.kind == BILLING_INFO:
            found = await self._card_of(order)
            if isinstance(found, Done):
                return found
            card = found
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await SUBMITTED.given(session, client, order)
            if given is not None:
                return given
            if client.closed_at is not None:
                return Done(refusal=Refusal(name=Problem.NOT_FOUND, detail="This journey was closed meanwhile."))
            order = await heard(session, order, about=client.id)
            asked = await to_complete(
                session,
                client.id,
                order.kind,
                lines=lines_waited_in(client.id),
                card_refused=never_asked_again(client.id, card.payment_method, card.fingerprint) if card else false(),
            )
            if asked is None or not asked.template.is_intake:
                return Done(refusal=invalid("kind", "there is no such intake form"))
            if asked.card_refused:
                field = "checkout_session" if order.checkout_session else "setup_intent"
                return Done(refusal=invalid(field, "saved a card that cannot be used; please give another"))
            checked = await _check(session, client, asked.template, order)
            if checked.refusal is not None:
                return Done(refusal=checked.refusal)
            document = await complete(session, client, asked, order, files=checked.files, at=now, deps=self.deps)
            resumed: list[UUID] = []
            if card is not None:
                resumed = await save_card(session, client, card, at=now, by=order.by.actor)
            done = Done(
                facts=await project(session, client),
                document=document,
                lines=asked.lines,
                resumed=await facts_of_appointments(session, client, resumed) if resumed else (),
            )
            return SUBMITTED.keep(session, client, order, done, at=now)

    async def _card_of(self, order: FormSubmission) -> Card | Done | None:
        """What Stripe says of the card that Billing Info names, before any lock is held: all else is looked at once the
        client is locked. None for whoever has one, and names no other; Done where the step ends with it."""
        async with self.transaction() as session:
            client = await session.get_one(Client, UUID(order.client_id))
            given = await SUBMITTED.given(session, client, order)
        if given is not None:
            return given
        if not order.names_card and saved_card(client) is not None:
            return None
        card = await card_of_form(
            self.gateway_for(client),
            client,
            setup_intent=order.setup_intent,
            checkout_session=order.checkout_session,
        )
        return Done(refusal=card) if isinstance(card, Refusal) else card

    async def _prepared(self, client: Client, customer: str, order: CardSetupOrder, *, key: str) -> dict[str, Any]:
        gateway = self.gateway_for(client)
        if order.return_url is None:
            setup = await gateway.create_setup_intent(customer=customer, key=key)
            return {"customer": customer, "setup_intent": setup.id, "client_secret": setup.client_secret}
        made = await gateway.create_checkout(
            customer=customer,
            client_id=str(client.id),
            success_url=way_back(order.return_url),
            cancel_url=order.return_url,
            key=f"checkout:{key}",
        )
        return {"url": made.url or "", "checkout_session": made.id, "expires_at": made.expires_at.isoformat()}


async def _check(session: AsyncSession, client: Client, template: PracticeText, order: FormSubmission) -> Checked:
    if order.version not in (None, template.version):
        return Checked(refusal=invalid("version", OF_ANOTHER_VERSION))
    if order.consent_version not in (None, str(template.fee_policy_version)):
        return Checked(refusal=invalid("consent_version", OF_ANOTHER_TEXT))
    return await check(session, client, template, order)
