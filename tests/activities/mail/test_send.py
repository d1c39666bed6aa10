"""Mails when the mail service is away, unclear or against it: reminders rather not twice, vital ones rather twice."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from activities.ports import MailerUnavailable, MailRejected
from activities.types.booking import CancelOrder, RescheduleOrder
from activities.types.clients import ActivationOrder, ClientDetails, DetailsOrder
from models.tables import Appointment, Client, Payment, Therapist
from models.tables.accounts.token import Token
from rules.enums import PaymentStatus
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import LATER, deliver, item, nothing_else, send
from tests.care.crash_points import Death
from tests.care.ledger_rows import stated
from tests.care.practice import DESK, MONDAY, Practice

UNCLEAR = MailerUnavailable("the connection broke", ambiguous=True)
AWAY = MailerUnavailable("nobody answers", ambiguous=False)


async def a_reminder(practice: Practice) -> MailOrder:
    sara = await practice.client()
    [session] = await practice.booked(sara)
    practice.clock.instant = MONDAY - timedelta(hours=12)
    return MailOrder(
        key=f"{session.id}:reminder",
        template="appointment_reminder",
        client_id=sara,
        appointment_ids=(session.id,),
        only_if_starts_at=session.starts_at,
    )


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_reminder_that_may_have_gone_out_is_not_repeated(practice: Practice, arrived: bool) -> None:
    order = await a_reminder(practice)
    practice.post.trouble = [(arrived, UNCLEAR)]
    for _ in range(2):
        assert await send(practice, order) == "uncertain"
        practice.clock.instant += LATER
    assert len(practice.post.sent) == arrived
    assert (await practice.facts(order.client_id)).count("mail_uncertain") == 1


async def test_a_reminder_that_surely_did_not_go_out_is_sent_later(practice: Practice) -> None:
    order = await a_reminder(practice)
    practice.post.trouble = [(False, AWAY)] * 3
    for tries in range(1, 4):
        assert await send(practice, order) == "waiting"
        again = (await item(practice, order.key)).next_try_at
        assert again == practice.clock.instant + timedelta(minutes=2 ** (tries - 1))
        assert (await deliver(practice, order.client_id)).deliver_at == again  # and nobody is asked before
        practice.clock.instant = again
    assert [await send(practice, order) for _ in range(2)] == ["sent", "sent"]
    assert len(practice.post.sent) == 1


async def is_paid(practice: Practice, payment: str) -> str:
    """As a step would have left it, but for the receipt that it would have ordered."""
    async with practice.sessions() as session:
        row = await session.get_one(Payment, UUID(payment))
        appointment = await session.get_one(Appointment, row.appointment_id)
        client, therapist = (
            await session.get_one(Client, row.client_id),
            await session.get_one(Therapist, appointment.therapist_id),
        )
        row.status, row.paid_at = PaymentStatus.PAID, practice.clock.instant
        row.stated = stated(client, therapist)
        await session.commit()
    return payment


@pytest.mark.parametrize("template", ["welcome", "receipt"])
async def test_a_vital_mail_is_repeated_and_says_the_same(practice: Practice, template: str) -> None:
    sara = await practice.client()
    [session] = await practice.booked(sara)
    payment = await is_paid(practice, await practice.occurred(session))
    order = MailOrder(key=template, template=template, client_id=sara, payment_id=payment, vital=True)
    practice.post.trouble = [(True, UNCLEAR)]
    assert await send(practice, order) == "waiting"
    practice.clock.instant += timedelta(minutes=5)
    assert [await send(practice, order) for _ in range(2)] == ["sent", "sent"]
    first, second = practice.post.sent
    assert first.text == second.text  # the activation link too: both mails open the same door
    if template == "welcome":
        assert "/activate/" in first.text


@pytest.mark.parametrize(("vital", "sent"), [(True, 2), (False, 1)])
async def test_a_worker_that_dies_after_sending_leaves_it_unclear(practice: Practice, vital: bool, sent: int) -> None:
    order = replace(await a_reminder(practice), vital=vital)
    practice.points.reset(3)  # the claim is committed; the end is not
    with pytest.raises(Death):
        await send(practice, order)
    practice.points.reset()
    assert (await item(practice, order.key)).status == "sending"
    practice.clock.instant += LATER
    assert await send(practice, order) == ("sent" if vital else "uncertain")
    assert len(practice.post.sent) == sent


async def test_a_mail_that_is_refused_is_a_task_and_not_sent_again(practice: Practice) -> None:
    order = await a_reminder(practice)
    practice.post.trouble = [(False, MailRejected(status=400, message="no such address"))]
    await nothing_else(practice, order.client_id)
    told = await deliver(practice, order.client_id, order)
    assert told.facts is not None
    assert [task.kind for task in told.facts.open_tasks] == ["mail_undeliverable"]
    assert (await practice.facts(order.client_id))[-2:] == ["mail_undeliverable", "task_opened"]
    practice.clock.instant += LATER
    assert await send(practice, order) == "undeliverable"
    assert practice.post.sent == []


async def test_a_reminder_of_what_was_moved_or_cancelled_is_dropped(practice: Practice) -> None:
    order = await a_reminder(practice)
    [session] = order.appointment_ids
    practice.clock.instant = MONDAY - timedelta(hours=2)
    move = RescheduleOrder(
        request_id=str(uuid4()), appointment_id=session, by=DESK, starts_at=MONDAY + timedelta(hours=4)
    )
    await practice.appointments.reschedule_appointment(move)
    assert await send(practice, order) == "not_wanted"
    cancel = CancelOrder(request_id=str(uuid4()), appointment_id=session, by=DESK)
    await practice.appointments.cancel_appointment(cancel)
    fresh = replace(order, key="again", only_if_starts_at=move.starts_at)
    assert await send(practice, fresh) == "not_wanted"
    assert practice.post.sent == []


async def test_an_activation_link_ends_when_the_address_is_another(practice: Practice) -> None:
    sara = await practice.client()

    async def mailed(number: int) -> str:
        order = MailOrder(key=f"welcome:{number}", template="welcome", client_id=sara, vital=True)
        assert await send(practice, order) == "sent"
        return practice.post.sent[-1].text.split("/activate/")[1].split()[0]

    async def works(link: str) -> bool:
        order = ActivationOrder(
            request_id=str(uuid4()),
            client_id=sara,
            token_hash=sha256(link.encode()).hexdigest(),
            password_hash="hash",
        )
        return (await practice.accounts.activate_account(order)).refusal is None

    async def lives_at(**details: str) -> None:
        said = DetailsOrder(request_id=str(uuid4()), client_id=sara, by=DESK, details=ClientDetails(**details))
        assert (await practice.accounts.change_details(said)).refusal is None

    first, second = await mailed(1), await mailed(2)
    await lives_at(email="sara.lind@example.org")
    assert [await works(link) for link in (first, second)] == [False, False]
    third = await mailed(3)
    await lives_at(phone="+12125550111")
    assert await works(third)


async def test_a_vital_mail_that_is_repeated_to_another_address_has_a_link_that_works(practice: Practice) -> None:
    sara = await practice.client()
    order = MailOrder(key="welcome", template="welcome", client_id=sara, vital=True)
    practice.post.trouble = [(True, UNCLEAR)]
    assert await send(practice, order) == "waiting"
    said = DetailsOrder(
        request_id=str(uuid4()), client_id=sara, by=DESK, details=ClientDetails(email="sara.lind@example.org")
    )
    assert (await practice.accounts.change_details(said)).refusal is None
    practice.clock.instant += LATER
    assert await send(practice, order) == "sent"
    hashes = [sha256(mail.text.split("/activate/")[1].split()[0].encode()).hexdigest() for mail in practice.post.sent]
    async with practice.sessions() as session:
        ended, alive = [(await session.get_one(Token, hashed)).revoked_at is not None for hashed in hashes]
    assert (ended, alive) == (True, False)
    assert practice.post.sent[-1].to == "sara.lind@example.org"
