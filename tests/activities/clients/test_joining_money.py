"""Joining two records: their payments, cards, credit and debts, and an archived one of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from activities.types.archive import ArchiveOrder
from activities.types.facts import AppointmentFacts
from activities.types.money import RetryOrder
from models.tables.care.chat import Chat, ChatMember
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.mail.outbox import OutboxItem
from rules.enums import ChatKind, FormStatus, LeftBecause, PaymentStatus
from rules.mail.kinds import Mail
from rules.refusals import Problem
from tests.activities.clients.two_records import WEEK, Two
from tests.activities.mail.sending import waiting
from tests.care.practice import DESK, MONDAY, Practice


async def failed_once(practice: Practice, client: str, start: Any) -> tuple[AppointmentFacts, str]:
    """A session that occurred, and whose payment the bank declined."""
    await practice.gives_card(client)
    [session] = await practice.booked(client, start)
    payment = await practice.occurred(session)
    await practice.bank_says(client, "insufficient_funds")
    await practice.attempt(payment)
    return session, payment


async def test_a_payment_is_made_with_the_records_card_and_the_old_intent_pays_no_more(two: Two) -> None:
    practice = two.practice
    await practice.gives_card(two.record)
    _, payment = await failed_once(practice, two.duplicate, MONDAY)
    joined = await two.are_joined()
    assert joined.appointments[0].payment is not None
    [old] = await practice.intents_of(payment)
    await practice.attempt(payment, number=2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    intents = {intent["id"]: intent for intent in await practice.intents_of(payment)}
    assert intents.pop(old["id"])["status"] == "canceled"
    [new] = intents.values()
    assert (new["status"], new["customer"]) == ("succeeded", (await practice.row(two.record)).stripe_customer)
    assert (await practice.charges_of(payment)).count("succeeded") == 1


async def test_a_card_comes_along_with_its_customer_where_there_is_none(two: Two) -> None:
    practice = two.practice
    [mine] = await practice.booked(two.record, MONDAY)
    waiting = await practice.occurred(mine)
    await practice.attempt(waiting)  # there is no card
    await practice.gives_card(two.duplicate)
    theirs = await practice.row(two.duplicate)
    joined = await two.are_joined()
    row = await practice.row(two.record)
    assert (row.stripe_customer, row.stripe_payment_method) == (theirs.stripe_customer, theirs.stripe_payment_method)
    assert joined.into is not None
    assert joined.into.card is not None
    assert [facts.id for facts in joined.appointments] == [mine.id]  # its payment goes on now
    assert joined.appointments[0].payment is not None
    assert joined.appointments[0].payment.next_try_at == practice.clock.instant
    await practice.attempt(waiting)
    assert (await practice.payment(waiting)).status is PaymentStatus.PAID


async def test_a_payment_on_its_way_is_waited_for(two: Two) -> None:
    practice = two.practice
    _, payment = await failed_once(practice, two.duplicate, MONDAY)
    await practice.bank_says(two.duplicate, None)

    async def meanwhile() -> None:
        data = await two.are_not_joined(Problem.PAYMENT_NOT_OPEN)
        assert data == {"payments": [payment]}

    practice.gateway.meanwhile["confirm"] = meanwhile
    await practice.attempt(payment, number=2)
    assert practice.gateway.meanwhile == {}
    await two.are_joined()
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert (await practice.payment(payment)).client_id == UUID(two.record)


async def test_a_frozen_record_freezes_the_other_and_a_debt_is_the_records(two: Two) -> None:
    practice = two.practice
    [session] = await practice.booked(two.duplicate, MONDAY)
    payment = await practice.occurred(session)
    async with practice.sessions() as database:
        row = await database.get_one(Client, UUID(two.duplicate))
        row.charges_frozen = True
        database.add(row)
        await database.commit()
    await practice.gives_card(two.record)
    joined = await two.are_joined()
    assert joined.appointments[0].payment is not None
    assert joined.appointments[0].payment.frozen
    assert await practice.attempt(payment) is None
    await practice.money.owe_payment(payment)
    retry = RetryOrder(request_id=str(uuid4()), client_id=two.record, by=DESK, payment_id=payment)
    refused = await practice.retries.retry_payment(retry)
    assert refused.refusal is not None
    assert "owes" in (await two.rows(Task, two.record))[0].text


async def test_an_archived_record_becomes_active_again_unless_both_are_archived(practice: Practice) -> None:
    for both in (False, True):
        two = Two(practice, await practice.client(name=f"A{both}"), await practice.client(name=f"B{both}"))
        day = MONDAY + (3 if both else 0) * timedelta(days=1)
        await practice.booked(two.record, day)
        await practice.booked(two.duplicate, day + WEEK)
        for client in (two.record, two.duplicate) if both else (two.record,):
            await practice.archive.archive_client(
                ArchiveOrder(client_id=client, request_id=str(uuid4()), by=DESK.actor)
            )
        joined = await two.are_joined()
        told = [mail for mail, _ in await waiting(practice, two.record) if mail == Mail.CLIENT_BACK]
        assert len(told) == (not both)
        assert joined.into is not None
        assert joined.into.archived is both
        waits = FormStatus.SUSPENDED if both else FormStatus.REQUESTED
        assert {form.status for form in await two.rows(FormRequest, two.record)} == {waits}


async def test_a_link_that_is_followed_takes_a_booking_or_leaves_an_archived_record_where_it_is(
    practice: Practice,
) -> None:
    await practice.therapist("ben")
    for number, ahead in enumerate((False, True)):
        two = Two(
            practice,
            await practice.client(name=f"A{number}"),
            await practice.client(name=f"B{number}", therapist="ben"),
        )
        start = MONDAY + number * WEEK
        at = practice.clock.instant
        await practice.gives_card(two.duplicate)
        [held] = await practice.booked(two.duplicate, start)
        payment = await practice.occurred(held)
        await practice.bank_says(two.duplicate, "insufficient_funds")
        await practice.attempt(payment)
        [booked] = await practice.booked(two.duplicate, start + 4 * WEEK) if ahead else [None]
        chat = uuid4()
        await two.keep(
            Chat(id=chat, kind=ChatKind.GROUP, title="Group", made_by="x", made_at=at),
            ChatMember(chat_id=chat, client_id=UUID(two.duplicate), joined_at=at, added_by="x"),
        )
        archiving = ArchiveOrder(client_id=two.record, request_id=str(uuid4()), by=DESK.actor)
        await practice.archive.archive_client(archiving)
        await two.is_mailed_a_link()
        joined = await two.are_joined()
        assert joined.into is not None
        assert joined.into.archived is not ahead
        back = [row for row in await two.rows(OutboxItem, two.record) if row.template == Mail.CLIENT_BACK]
        assert [row.order["appointment_ids"] for row in back] == ([[booked.id]] if booked else [])
        told = [facts for facts in joined.appointments if facts.id == held.id]
        assert [facts.client_archived for facts in told] == [not ahead]
        row = await practice.payment(payment)
        called_off = [intent for intent in await practice.to_call_off() if intent == row.intent]
        [member] = [m for m in await two.rows(ChatMember, two.record) if m.chat_id == chat]
        waits = {form.status for form in await two.rows(FormRequest, two.record)} - {FormStatus.COMPLETE}
        facts = await practice.facts(two.record)
        if ahead:
            assert (row.status, called_off, member.left_at) == (PaymentStatus.FAILED, [], None)
            assert waits == {FormStatus.REQUESTED}
        else:
            # As if it had been there at the archive: nothing is taken, and it is owed.
            assert (row.status, row.because, row.next_try_at) == (PaymentStatus.CANCELLED, "archived", None)
            assert called_off == [row.intent]
            assert member.left_because is LeftBecause.ARCHIVED
            assert waits == {FormStatus.SUSPENDED}
            assert "unarchived" not in facts
