"""What an archive stopped and an unarchive restored: none of it passed over in silence, no payment made twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import SQLModel, col, select

from activities.ports import Intent
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import OutcomeOrder
from activities.types.facts import AppointmentFacts
from activities.types.money import AttemptOrder, AttemptResult, LetGoOrder
from models.tables.booking.appointment import Appointment
from models.tables.care.chat import Chat, ChatMember
from models.tables.clients.fact import Fact
from models.tables.money.payment import Payment
from rules.enums import AppointmentStatus, ChatKind, Outcome, PaymentStatus
from tests.activities.clients.two_records import Two
from tests.care.practice import DESK, MONDAY, Practice

Json = dict[str, Any]
WEEK = timedelta(days=7)


async def a_declined_payment(practice: Practice) -> tuple[str, str, str]:
    """A client, a payment that the bank declined once, and its PaymentIntent."""
    sara = await practice.client()
    [held] = await practice.booked(sara)
    await practice.gives_card(sara)
    await practice.bank_says(sara, "insufficient_funds")
    payment = await practice.occurred(held)
    _ = await practice.attempt(payment)
    await practice.bank_says(sara, None)
    intent = (await practice.payment(payment)).intent
    assert intent is not None
    return sara, payment, intent


async def archived_and_restored(practice: Practice, sara: str) -> None:
    _ = await practice.archive.archive_client(ArchiveOrder(client_id=sara, request_id="a", by="x"))
    back = await practice.archive.unarchive_client(UnarchiveOrder(client_id=sara, request_id="b", by="x", restore=True))
    assert len(back.paying) == 1


async def test_an_errand_that_comes_late_leaves_the_intent_of_a_restored_payment_alone(practice: Practice) -> None:
    sara, payment, intent = await a_declined_payment(practice)
    await archived_and_restored(practice, sara)
    await practice.archive.cancel_intent(sara, intent)
    _ = await practice.attempt(payment, 2)
    assert (await practice.payment(payment)).status is PaymentStatus.PAID
    assert [(one["id"], one["status"]) for one in await practice.intents_of(payment)] == [(intent, "succeeded")]


async def test_an_intent_that_is_called_off_while_it_is_confirmed_is_replaced_and_paid_once(practice: Practice) -> None:
    sara, payment, intent = await a_declined_payment(practice)
    await archived_and_restored(practice, sara)
    confirm = practice.gateway.confirm_intent

    async def too_late(*, intent: str, payment_method: str, key: str, return_url: str | None = None) -> Intent:
        practice.gateway.confirm_intent = confirm  # type: ignore[method-assign]
        _ = await practice.gateway.cancel_intent(intent=intent, key="the archive's errand")
        return await confirm(intent=intent, payment_method=payment_method, key=key, return_url=return_url)

    practice.gateway.confirm_intent = too_late  # type: ignore[method-assign]
    _ = await practice.attempt(payment, 2)
    after = await practice.payment(payment)
    assert (after.status, after.attempts) == (PaymentStatus.PAID, 2)
    assert [one["status"] for one in await practice.intents_of(payment)] == ["canceled", "succeeded"]
    assert after.intent != intent
    assert (await practice.charges_of(payment)).count("succeeded") == 1


# ---------------------------------------------------------------- every line of the record


async def archived(practice: Practice, client: str) -> Json:
    """What the archive has recorded."""
    _ = await practice.archive.archive_client(ArchiveOrder(client_id=client, request_id=str(uuid4()), by="x"))
    record = (await practice.row(client)).archive_record
    assert record is not None
    return record


async def restored(practice: Practice, client: str) -> Json:
    """What the restore has recorded."""
    order = UnarchiveOrder(client_id=client, request_id=str(uuid4()), by="x", restore=True)
    assert (await practice.archive.unarchive_client(order)).changed
    async with practice.sessions() as session:
        told = select(Fact).where(col(Fact.client_id) == UUID(client), col(Fact.kind) == "unarchived")
        return (await session.exec(told.order_by(col(Fact.seq).desc()))).first().data  # type: ignore[union-attr]


async def change(practice: Practice, table: type[SQLModel], id: str, **values: Any) -> None:
    """As somebody has left it meanwhile."""
    async with practice.sessions() as session:
        row = await session.get_one(table, UUID(id))
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        await session.commit()


async def let_go(practice: Practice, client: str, payment: str, *, write_off: bool = False) -> None:
    order = LetGoOrder(request_id=str(uuid4()), client_id=client, by=DESK, payment_id=payment, reason="goodwill")
    step = practice.waivers.write_off_payment if write_off else practice.waivers.waive_payment
    assert (await step(order)).refusal is None


async def marked(practice: Practice, appointment: AppointmentFacts) -> str:
    """Its payment's id."""
    order = OutcomeOrder(request_id=str(uuid4()), appointment_id=appointment.id, by=DESK, outcome=Outcome.OCCURRED)
    facts = (await practice.appointments.record_outcome(order)).appointment
    assert facts is not None
    assert facts.payment is not None
    return facts.payment.id


async def joins_a_group(practice: Practice, client: str) -> None:
    chat = Chat(id=uuid4(), kind=ChatKind.GROUP, made_at=practice.clock.instant, made_by="x")
    member = ChatMember(chat_id=chat.id, client_id=UUID(client), joined_at=practice.clock.instant, added_by="x")
    async with practice.sessions() as session:
        session.add(chat)
        await session.flush()
        session.add(member)
        await session.commit()


async def test_x3_whatever_became_of_it_each_line_of_the_record_is_restored_or_named(practice: Practice) -> None:
    sara = await practice.client()
    held = await practice.booked(sara, weeks=len(PaymentStatus) + 1)
    payments = [await practice.occurred(one) for one in held]
    ahead = await practice.booked(sara, MONDAY + 20 * WEEK, weeks=4)
    await joins_a_group(practice, sara)
    record = await archived(practice, sara)
    assert {line["id"] for line in record["payments"]} == set(payments)
    assert [line["id"] for line in record["appointments"]] == [one.id for one in ahead]

    for payment, status in zip(payments[1:], PaymentStatus, strict=True):
        await change(practice, Payment, payment, status=status, because="corrected")
    free, touched, noted, taken = ahead
    await change(practice, Appointment, touched.id, changed_by=uuid4())
    await change(practice, Appointment, noted.id, status=AppointmentStatus.NO_SHOW)
    _ = await practice.booked(await practice.client(name="Otto"), taken.starts_at)
    answer = await restored(practice, sara)

    back = [line["restored_from"] for line in answer["restored"]["appointments"]]
    back += [line["id"] for line in answer["restored"]["payments"]]
    named = {line["id"]: line["because"] for line in answer["not_restored"]}
    lines = {line["id"] for part in ("appointments", "payments", "chats_left") for line in record[part]}
    assert set(back) | set(named) == lines
    assert not set(back) & set(named)
    assert len(lines) == len(payments) + len(ahead) + 1
    assert back == [free.id, payments[0]]
    assert {named[one.id] for one in (touched, noted)} == {"It was changed after the archive."}
    assert named[taken.id] == "This time is no longer free."
    told = dict(zip(PaymentStatus, (named[payment] for payment in payments[1:]), strict=True))
    assert told[PaymentStatus.WRITTEN_OFF] == "It is written off meanwhile."
    assert told[PaymentStatus.CANCELLED] == "Nothing is due for it any more."


@pytest.mark.parametrize("how", ["restored", "waived", "written off", "paid"])
async def test_what_was_earned_while_archived_is_restored_or_named(practice: Practice, how: str) -> None:
    sara = await practice.client()
    [running] = await practice.booked(sara)
    practice.clock.instant = running.starts_at + timedelta(minutes=1)
    record = await archived(practice, sara)
    assert (record["appointments"], record["payments"]) == ([], [])
    payment = await marked(practice, running)
    if how == "paid":  # as a late word of Stripe's leaves it
        await change(practice, Payment, payment, status=PaymentStatus.PAID, because=None)
    elif how != "restored":
        await let_go(practice, sara, payment, write_off=how == "written off")
    answer = await restored(practice, sara)
    named = [(line["kind"], line["id"], line["because"]) for line in answer["not_restored"]]
    back = [line["id"] for line in answer["restored"]["payments"]]
    assert (back, named) == (
        ([payment], []) if how == "restored" else ([], [("payment", payment, f"It is {how} meanwhile.")])
    )


@pytest.mark.parametrize(
    ("decline", "then"), [(None, "paid"), ("insufficient_funds", None), ("do_not_honor", "waived")]
)
async def test_what_was_on_its_way_to_the_card_is_restored_or_named_if_it_was_declined(
    practice: Practice, decline: str | None, then: str | None
) -> None:
    sara = await practice.client()
    [held] = await practice.booked(sara)
    await practice.gives_card(sara)
    await practice.bank_says(sara, decline)
    payment = await practice.occurred(held)
    order = AttemptOrder(payment_id=payment, attempt=1)
    assert (await practice.money.start_attempt(order)).started
    record = await archived(practice, sara)
    assert [line["id"] for line in record["in_flight"]] == [payment]
    charged = await practice.money.charge_card(order)
    _ = await practice.money.finish_attempt(AttemptResult(payment_id=payment, attempt=1, charged=charged))
    if then == "waived":
        await let_go(practice, sara, payment)
    answer = await restored(practice, sara)
    named = [(line["kind"], line["because"]) for line in answer["not_restored"]]
    back = [line["id"] for line in answer["restored"]["payments"]]
    # What was paid ended as it should: there is nothing to bring back.
    assert (back, named) == {
        "paid": ([], []),
        None: ([payment], []),
        "waived": ([], [("payment", "It is waived meanwhile.")]),
    }[then]


@pytest.mark.parametrize("waived", [False, True])
async def test_what_a_join_brought_to_an_archived_record_is_restored_or_named(
    practice: Practice, two: Two, waived: bool
) -> None:
    [held] = await practice.booked(two.duplicate)
    payment = await practice.occurred(held)
    practice.clock.instant += WEEK
    record = await archived(practice, two.record)
    assert record["payments"] == []
    await two.is_mailed_a_link()
    await two.are_joined()
    stopped = await practice.payment(payment)
    assert (stopped.status, stopped.because) == (PaymentStatus.CANCELLED, "archived")
    if waived:
        await let_go(practice, two.record, payment)
    answer = await restored(practice, two.record)
    named = [(line["id"], line["because"]) for line in answer["not_restored"]]
    back = [line["id"] for line in answer["restored"]["payments"]]
    assert (back, named) == (([], [(payment, "It is waived meanwhile.")]) if waived else ([payment], []))


async def test_what_an_earlier_archive_stopped_is_left_as_it_was_decided(practice: Practice) -> None:
    sara = await practice.client()
    [held] = await practice.booked(sara)
    _ = await practice.occurred(held)
    _ = await archived(practice, sara)
    practice.clock.instant += WEEK
    _ = await practice.archive.unarchive_client(UnarchiveOrder(client_id=sara, request_id="back", by="x"))
    practice.clock.instant += WEEK
    _ = await archived(practice, sara)
    answer = await restored(practice, sara)
    assert answer["restored"]["payments"] == []
    assert answer["not_restored"] == []
