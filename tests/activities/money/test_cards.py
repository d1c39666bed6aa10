"""Saved cards: believed on Stripe's word alone, with the text that was agreed to; replaced, renewed, expiring."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlmodel import col, select

from activities.types.forms import FormSubmission
from activities.types.money import CardSetupOrder, EventHandled
from models.reads.journey import journey_facts
from models.reads.money.balance import saved_card
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.payment import Payment
from rules.enums import ClientStatus, FormStatus, PaymentStatus
from rules.mail.orders import MailOrder
from rules.refusals import Problem
from tests.activities.mail.sending import send
from tests.care.defaults import FIRST_FEE_POLICY, FIRST_FEE_POLICY_TEXT
from tests.care.practice import DESK, MONDAY, Practice

WEEK = timedelta(weeks=1)


async def answers_of(practice: Practice, client: str) -> list[FormAnswer]:
    async with practice.sessions() as session:
        statement = (
            select(FormAnswer)
            .join(FormRequest, col(FormRequest.id) == col(FormAnswer.request_id))
            .where(col(FormRequest.client_id) == UUID(client))
            .order_by(col(FormAnswer.answered_at), col(FormAnswer.id))
        )
        return list((await session.exec(statement)).all())


async def change(practice: Practice, client: str, **values: object) -> None:
    async with practice.sessions() as session:
        row = await session.get_one(Client, UUID(client))
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        await session.commit()


async def method_of(practice: Practice, client: str) -> str:
    method = (await practice.row(client)).stripe_payment_method
    assert method is not None
    return method


async def bank(practice: Practice, path: str, **form: str) -> httpx.Response:
    answer = await practice.at_stripe.form(path, form, key="sk_test_browser")
    answer.raise_for_status()
    return answer


# ------------------------------------------------------------ saved


async def test_the_text_that_was_agreed_to_is_kept_with_the_card(practice: Practice) -> None:  # S13, S28
    sara = await practice.client()
    await practice.gives_card(sara)
    [answer] = await answers_of(practice, sara)
    assert (answer.consent_text, answer.consent_version) == (FIRST_FEE_POLICY_TEXT, FIRST_FEE_POLICY)
    assert answer.signature == "Sara Lind"
    row = await practice.row(sara)
    [method] = (await practice.stripe())["payment_methods"]
    assert (row.stripe_payment_method, method["customer"]) == (method["id"], row.stripe_customer)
    shown = {name: method["card"][name] for name in ("brand", "last4", "exp_month", "exp_year", "fingerprint")}
    assert row.card == shown
    async with practice.sessions() as session:
        statement = select(Fact).where(col(Fact.client_id) == UUID(sara), col(Fact.kind) == "form_completed")
        [fact] = (await session.exec(statement)).all()
    assert fact.data["consent_version"] == FIRST_FEE_POLICY


@pytest.mark.parametrize("how", ["not confirmed", "declined", "for charges with the client", "of somebody else"])
async def test_only_what_stripe_says_was_saved_completes_the_form(practice: Practice, how: str) -> None:
    sara = await practice.client()
    if how == "of somebody else":
        order = replace(await practice.billing_form(await practice.client(name="Tom")), client_id=sara)
    else:
        order = await _unsaved(practice, sara, how)
    before = await practice.facts(sara)
    done = await practice.forms.submit_form(order)
    assert done.refusal is not None
    assert done.refusal.name is Problem.VALIDATION_FAILED
    assert [error["field"] for error in done.refusal.data["errors"]] == ["setup_intent"]
    row = await practice.row(sara)
    assert (row.stripe_payment_method, row.card) == (None, None)
    assert await answers_of(practice, sara) == []
    assert await practice.facts(sara) == before


async def _unsaved(practice: Practice, client: str, how: str) -> FormSubmission:
    done = await practice.forms.set_up_card(CardSetupOrder(request_id=str(uuid4()), client_id=client, by=DESK))
    assert done.document is not None
    intent = str(done.document["setup_intent"])
    if how == "declined":
        with pytest.raises(httpx.HTTPStatusError):
            await bank(practice, f"setup_intents/{intent}/confirm", payment_method="pm_card_chargeDeclined")
    elif how == "for charges with the client":
        customer = str((await practice.row(client)).stripe_customer)
        made = await bank(practice, "setup_intents", customer=customer, usage="on_session")
        intent = made.json()["id"]
        saved = await bank(practice, f"setup_intents/{intent}/confirm", payment_method="pm_card_visa")
        assert saved.json()["status"] == "succeeded"
    return FormSubmission(
        request_id=str(uuid4()),
        client_id=client,
        by=DESK,
        kind="billing_info",
        answers={"billing_name": "Sara Lind", "accepts_fee_policy": True},
        signature="Sara Lind",
        setup_intent=intent,
    )


async def test_a_new_card_replaces_the_old_one_and_no_answer_is_lost(practice: Practice) -> None:
    sara = await practice.client()
    first = await practice.billing_form(sara)
    await practice.forms.submit_form(first)
    old = await method_of(practice, sara)
    [session] = await practice.booked(sara)
    payment = await practice.occurred(session)
    await practice.gives_card(sara, "pm_card_mastercard")
    new = await method_of(practice, sara)
    assert new != old
    assert (await practice.row(sara)).card is not None
    await practice.attempt(payment)
    [tried] = await practice.tries(payment)
    assert (tried.payment_method, tried.result) == (new, "succeeded")
    assert len(await answers_of(practice, sara)) == 2
    assert (await practice.facts(sara)).count("card_saved") == 2
    # The first form is sent once more: the answer is what it was, and nothing of it is done again.
    again = await practice.forms.submit_form(first)
    assert (again.changed, await method_of(practice, sara)) == (True, new)
    assert len(await answers_of(practice, sara)) == 2
    assert (await practice.facts(sara)).count("card_saved") == 2


# ------------------------------------------------------------ never asked again


async def test_a_card_that_the_bank_reported_cannot_be_given_again(practice: Practice) -> None:
    sara = await practice.client()
    stolen = await practice.billing_form(sara)
    await practice.forms.submit_form(stolen)
    await practice.bank_says(sara, "stolen_card")
    [first, second] = await practice.booked(sara, weeks=2)
    payment = await practice.occurred(first)
    await practice.attempt(payment)
    assert (await practice.row(sara)).card_blocked is True

    async def refused() -> None:
        before = await practice.row(sara), await practice.facts(sara)
        done = await practice.forms.submit_form(replace(stolen, request_id=str(uuid4())))
        assert done.refusal is not None
        assert [error["field"] for error in done.refusal.data["errors"]] == ["setup_intent"]
        for word in ("stolen", "lost", "fraud"):
            assert word not in done.refusal.detail
        after = await practice.row(sara), await practice.facts(sara)
        assert after[1] == before[1]
        assert after[0].model_dump() == before[0].model_dump()

    await refused()
    assert (await practice.payment(payment)).because == "new_card_needed"
    await practice.gives_card(sara, "pm_card_mastercard")
    assert (await practice.row(sara)).card_blocked is False
    await refused()  # nor does it come back in place of the new one
    await practice.attempt(payment, 2)
    await practice.attempt(await practice.occurred(second))
    assert await practice.charges_of(payment) == ["failed", "succeeded"]


# ------------------------------------------------------------ renewed by the bank


async def reported(practice: Practice, client: str, method: str) -> EventHandled:
    event = f"evt_{uuid4()}"
    told = {"id": method, "object": "payment_method", "customer": (await practice.row(client)).stripe_customer}
    async with practice.sessions() as session:
        session.add(
            InboundEvent(
                id=event,
                vendor="stripe",
                type="payment_method.automatically_updated",
                payload={"data": {"object": told}},
                received_at=practice.clock.instant,
            )
        )
        await session.commit()
    return await practice.inbound.handle_inbound_event(event)


async def renew(practice: Practice, method: str, *, year: int) -> None:
    await practice.at_stripe.ask("POST", f"_payment_methods/{method}", {"exp_month": 5, "exp_year": year})


async def test_a_card_that_the_bank_renewed_is_good_for_longer(practice: Practice) -> None:
    sara = await practice.client()
    await practice.gives_card(sara)
    old = await method_of(practice, sara)
    await renew(practice, old, year=2031)
    handled = await reported(practice, sara, old)
    assert handled.facts is not None
    assert handled.facts.card is not None
    assert handled.facts.card.stops_working_at == datetime(2031, 6, 1, tzinfo=UTC)
    row = await practice.row(sara)
    shown = {"brand": "visa", "last4": "4242", "exp_month": 5, "exp_year": 2031}
    assert row.card == {**shown, "fingerprint": str(row.card and row.card["fingerprint"])}
    before = await practice.facts(sara)
    assert before.count("card_renewed") == 1
    await reported(practice, sara, old)
    assert await practice.facts(sara) == before
    # A card that is not charged any more changes nothing.
    await practice.gives_card(sara, "pm_card_mastercard")
    before = await practice.facts(sara)
    await renew(practice, old, year=2035)
    assert (await reported(practice, sara, old)).facts is None
    assert await practice.facts(sara) == before
    assert (await practice.row(sara)).card != row.card


# ------------------------------------------------------------ expiring


async def test_a_payment_is_open_until_it_is_settled_or_called_off(practice: Practice) -> None:
    sara = await practice.client()
    [session] = await practice.booked(sara)
    payment = await practice.occurred(session)
    open_ones = set()
    async with practice.sessions() as db:
        row, client = await db.get_one(Payment, UUID(payment)), await db.get_one(Client, UUID(sara))
        for status in PaymentStatus:
            row.status = status
            db.add(row)
            if (await journey_facts(db, client)).payment_open:
                open_ones.add(status.value)
    assert open_ones == {"scheduled", "processing", "requires_action", "failed", "owed"}


async def notice(practice: Practice, client: str) -> MailOrder:
    card = saved_card(await practice.row(client))
    assert card is not None
    return MailOrder(
        key=f"card_expiring:{card.key}", template="card_expiring", client_id=client, vital=True, text=card.key
    )


@pytest.fixture
async def sara(practice: Practice) -> str:
    """Her card works to the end of March 2026."""
    client = await practice.client()
    await practice.gives_card(client)
    await change(practice, client, card={"brand": "visa", "last4": "4242", "exp_month": 3, "exp_year": 2026})
    return client


async def test_the_notice_names_the_card_and_where_to_give_another(practice: Practice, sara: str) -> None:
    order = await notice(practice, sara)
    for at, valid in (
        (datetime(2026, 3, 2, tzinfo=UTC), "is valid"),
        (datetime(2026, 3, 31, 23, 59, tzinfo=UTC), "is valid"),
        (datetime(2026, 4, 1, tzinfo=UTC), "was valid"),
    ):
        practice.clock.instant = at
        assert await send(practice, replace(order, key=f"at {at}")) == "sent"
        mail = practice.post.sent[-1]
        assert mail.to == "sara@example.com"
        for body in (mail.text, mail.html):
            assert f"visa ending in 4242, which {valid} until the end of March 2026" in body
            assert ("before then" in body) == (valid == "is valid")
            assert "http://portal.example/card" in body
            assert "rather not get reminders" not in body
    told = len(practice.post.sent)
    assert [await send(practice, order) for _ in range(2)] == ["sent", "sent"]
    assert len(practice.post.sent) == told + 1


async def test_the_notice_is_sent_only_while_it_is_true(practice: Practice, sara: str) -> None:
    order = await notice(practice, sara)
    as_it_was = (await practice.row(sara)).model_dump()
    renewed = {"brand": "visa", "last4": "4242", "exp_month": 3, "exp_year": 2029}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"unsubscribed": True}, True),  # who hears of it only when a payment fails owes it by then
        ({"status": ClientStatus.ARCHIVED}, False),
        ({"card_blocked": True}, False),  # another one was asked for already
        ({"stripe_payment_method": "pm_new"}, False),
        ({"card": renewed}, False),
        ({"email": None}, False),
        ({}, True),
    ]
    for number, (changes, sent) in enumerate(cases):
        await change(practice, sara, **changes)
        told = await send(practice, replace(order, key=f"notice {number}"))
        assert told == ("sent" if sent else "not_wanted"), changes
        await change(practice, sara, **{name: as_it_was[name] for name in changes})
    assert len(practice.post.sent) == 2


async def test_an_expired_card_is_still_asked_and_the_bank_decides(practice: Practice, sara: str) -> None:
    for weeks, decline in ((8, None), (9, "expired_card")):
        [session] = await practice.booked(sara, MONDAY + weeks * WEEK)
        payment = await practice.occurred(session)
        assert practice.clock.instant > datetime(2026, 4, 1, tzinfo=UTC)
        await practice.bank_says(sara, decline)
        await practice.attempt(payment)
        row = await practice.payment(payment)
        assert (row.status, row.because) == (
            (PaymentStatus.FAILED, "new_card_needed") if decline else (PaymentStatus.PAID, None)
        )
    [request] = await _requests(practice, sara)
    assert request.status is FormStatus.COMPLETE


async def _requests(practice: Practice, client: str) -> list[FormRequest]:
    async with practice.sessions() as session:
        statement = select(FormRequest).where(
            col(FormRequest.client_id) == UUID(client), col(FormRequest.kind) == "billing_info"
        )
        return list((await session.exec(statement)).all())
