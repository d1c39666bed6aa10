"""Joining two records of one person: everything comes along, once, and no money is lost or taken twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import SQLModel, col, select

from activities.clients.joining import JoiningActivities
from activities.types import (
    AppointmentFacts,
    ArchiveOrder,
    ClientDetails,
    DetailsOrder,
    FormSubmission,
    GrantOrder,
    Joined,
    JoinOrder,
    OutcomeOrder,
    RetryOrder,
)
from models.paging import Page
from models.reads.care.chats import Side, list_chats, lock_chat
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.care.document import Document, DocumentShare
from models.tables.care.goal import Goal
from models.tables.care.note import SessionNote
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from models.tables.clients.match import Match
from models.tables.clients.task import Task
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.money.credit import Credit
from rules.accounts.caller import Caller
from rules.clients.joining import MovedChat
from rules.enums import ChatKind, FormStatus, LeftBecause, Outcome, PaymentStatus, Role
from rules.refusals import Problem
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY, POLICY, Practice

SITE = Caller(role=Role.BOOKING_SITE, name="site")
WEEK = timedelta(days=7)


class Two:
    """A record, and its duplicate, which somebody made on the booking site."""

    def __init__(self, practice: Practice, record: str, duplicate: str) -> None:
        self.practice = practice
        self.record = record
        self.duplicate = duplicate
        self.joining = JoiningActivities(practice.matching.deps)
        self.order = JoinOrder(request_id=str(uuid4()), client_id=duplicate, by=DESK, into_id=record)

    async def join(self, order: JoinOrder | None = None) -> Joined:
        return await self.joining.join_records(order or self.order)

    async def are_joined(self) -> Joined:
        joined = await self.join()
        assert joined.refusal is None, joined.refusal
        assert await self.join() == joined  # asked again, the answer is the same
        return joined

    async def are_not_joined(self, name: Problem) -> dict[str, Any]:
        joined = await self.join()
        assert joined.refusal is not None
        assert joined.refusal.name is name
        assert (await self.practice.row(self.duplicate)).joined_into is None
        return joined.refusal.data

    async def keep(self, *rows: SQLModel) -> None:
        async with self.practice.sessions() as session:
            for row in rows:
                session.add(row)
                await session.flush()
            await session.commit()

    async def rows(self, table: type[Any], of: str) -> list[Any]:
        async with self.practice.sessions() as session:
            return list((await session.exec(select(table).where(table.client_id == UUID(of)))).all())

    async def is_mailed_a_link(self) -> None:
        """From now on it is the duplicate's link that joins, and not staff."""
        by = Caller(role=Role.CLIENT, name=self.duplicate, client_id=self.duplicate)
        now = self.practice.clock.instant
        self.order = JoinOrder(request_id=str(uuid4()), client_id=self.duplicate, by=by, token_hash=self.duplicate)
        async with self.practice.sessions() as session:
            record = await session.get_one(Client, UUID(self.record))
            row = await session.get_one(Client, UUID(self.duplicate))
            row.made_by_staff, row.email, row.email_folded = False, record.email, record.email_folded
            session.add(row)
            session.add(
                Token(hash=self.duplicate, kind=TokenKind.JOIN, client_id=row.id, made_at=now, expires_at=now + WEEK)
            )
            await session.commit()

    async def fills_in(self, client: str) -> None:
        done = await self.practice.forms.submit_form(
            FormSubmission(
                request_id=str(uuid4()),
                client_id=client,
                by=DESK,
                kind="informed_consent",
                answers={"agrees": True},
                signature=client,
            )
        )
        assert done.refusal is None


@pytest.fixture
async def two(practice: Practice) -> Two:
    return Two(practice, await practice.client(), await practice.client(name="Sarah"))


async def therapist_id(practice: Practice) -> UUID:
    async with practice.sessions() as session:
        return (await session.exec(select(Therapist.id).where(col(Therapist.slug) == "ana"))).one()


# ---------------------------------------------------------------- everything comes along


async def test_what_a_record_has_comes_along_and_nothing_is_left_or_lost(two: Two) -> None:
    practice, at = two.practice, two.practice.clock.instant
    [mine] = await practice.booked(two.record, MONDAY)
    [theirs] = await practice.booked(two.duplicate, MONDAY + WEEK)
    await practice.credits.grant_credit(
        GrantOrder(
            request_id=str(uuid4()), client_id=two.duplicate, by=DESK, amount=5000, currency="USD", reason="sorry"
        )
    )
    ana, record, duplicate = await therapist_id(practice), UUID(two.record), UUID(two.duplicate)
    leaflet, both = uuid4(), uuid4()
    for id in (leaflet, both):
        await two.keep(
            Document(
                id=id, title="T", filename="t.pdf", content_type="application/pdf", size=1, sha256="0", uploaded_by="x",
                uploaded_at=at,
            )
        )  # fmt: skip
    await two.keep(
        *(
            DocumentShare(id=uuid4(), document_id=document, client_id=client, shared_by="x", shared_at=at)
            for document, client in ((leaflet, duplicate), (both, duplicate), (both, record))
        ),
        SessionNote(
            id=uuid4(), appointment_id=UUID(theirs.id), client_id=duplicate, therapist_id=ana, text="n", written_by="x",
            written_at=at,
        ),
        Goal(
            id=uuid4(), client_id=duplicate, text="walk", made_by="x", made_at=at, remind_weekday=1, remind_minute=540,
            remind_since=at,
        ),
        Notification(id=uuid4(), therapist_id=ana, client_id=duplicate, kind="message", text="m", at=at),
    )  # fmt: skip
    joined = await two.are_joined()

    assert joined.into_id == two.record
    assert {facts.id for facts in joined.appointments} == {theirs.id}
    assert joined.appointments[0].client_id == two.record
    assert joined.ahead == (theirs.id,)
    for table, number in (
        (Appointment, 2), (OccupiedTime, 2), (Credit, 1), (SessionNote, 1), (Goal, 1), (DocumentShare, 2)
    ):  # fmt: skip
        assert len(await two.rows(table, two.record)) == number, table
    for left in (Appointment, OccupiedTime, Credit, SessionNote, Goal, Notification):
        assert await two.rows(left, two.duplicate) == [], left
    assert joined.into is not None
    assert {open.id for open in joined.into.open_appointments} == {mine.id, theirs.id}
    assert len(joined.into.goals) == 1  # its reminders go on
    assert (await practice.facts(two.record))[-1] == "record_joined"
    assert (await practice.facts(two.duplicate))[-1] == "joined_into"
    closed = await practice.row(two.duplicate)
    assert (closed.joined_into, closed.closed_at, closed.email_folded) == (record, at, None)
    assert closed.email == "sarah@example.com"  # nothing is deleted


async def test_details_that_are_missing_are_filled_and_what_is_known_stays(two: Two) -> None:
    practice = two.practice
    async with practice.sessions() as session:
        bare = await session.get_one(Client, UUID(two.record))
        bare.email = bare.email_folded = bare.phone = bare.therapist_id = None
        bare.first_booked_at = MONDAY
        match = (await session.exec(select(Match).where(col(Match.client_id) == bare.id))).one()
        match.ended_at = MONDAY
        session.add(match)
        session.add(bare)
        other = await session.get_one(Client, UUID(two.duplicate))
        other.first_booked_at = MONDAY - WEEK
        session.add(other)
        await session.commit()
    await two.are_joined()
    row = await practice.row(two.record)
    assert (row.first_name, row.email, row.email_folded) == ("Sara", "sarah@example.com", "sarah@example.com")
    assert (row.phone, row.first_booked_at) == ("+12125550100", MONDAY - WEEK)
    assert row.therapist_id == await therapist_id(practice)


async def test_of_each_form_the_newest_complete_one_counts(two: Two) -> None:
    practice = two.practice
    await practice.booked(two.record, MONDAY)
    await practice.booked(two.duplicate, MONDAY + WEEK)
    await two.fills_in(two.duplicate)
    joined = await two.are_joined()
    assert joined.into is not None
    assert joined.into.outstanding_forms == ("initial_consultation", "billing_info")
    signed = [form for form in await two.rows(FormRequest, two.record) if form.status is FormStatus.COMPLETE]
    async with practice.sessions() as session:
        answers = (await session.exec(select(FormAnswer).where(col(FormAnswer.request_id) == signed[0].id))).all()
    assert [answer.signature for answer in answers] == [two.duplicate]
    for client in (two.record, two.duplicate):
        forms = {(form.kind, form.version) for form in await two.rows(FormRequest, client)}
        assert forms == {("informed_consent", 1), ("initial_consultation", 1), ("billing_info", 1)}


async def test_messages_go_behind_those_that_are_there(two: Two) -> None:
    practice, at = two.practice, two.practice.clock.instant
    ana, record, duplicate = await therapist_id(practice), UUID(two.record), UUID(two.duplicate)
    direct, own, alone, group, circle = uuid4(), uuid4(), uuid4(), uuid4(), uuid4()
    for id, kind, client, last in (
        (direct, ChatKind.DIRECT, duplicate, 2),
        (own, ChatKind.DIRECT, record, 3),
        (alone, ChatKind.CARE_TEAM, duplicate, 1),
        (group, ChatKind.GROUP, None, 1),
        (circle, ChatKind.COMMUNITY, None, 4),
    ):
        therapist = ana if kind is ChatKind.DIRECT else None
        await two.keep(
            Chat(id=id, kind=kind, client_id=client, therapist_id=therapist, made_by="x", made_at=at, last_seq=last),
            ChatMember(chat_id=id, client_id=client or duplicate, joined_at=at, added_by="x"),
            *(
                ChatMessage(
                    id=uuid4(), chat_id=id, seq=seq, author=f"client:{client or duplicate}",
                    author_client_id=client or duplicate, text=f"{kind.value} {client == record} {seq}", written_at=at,
                )
                for seq in range(1, last + 1)
            ),
            ChatRead(chat_id=id, reader=f"client:{client or duplicate}", seq=last, read_at=at),
        )  # fmt: skip
    left = LeftBecause.LEFT
    await two.keep(
        ChatMember(chat_id=circle, client_id=record, joined_at=at, added_by="x", left_at=at, left_because=left),
        ChatRead(chat_id=circle, reader=f"client:{record}", seq=2, read_at=at),
        ChatRead(chat_id=own, reader="therapist:ana", seq=1, read_at=at),
        Notification(
            id=uuid4(), therapist_id=ana, client_id=duplicate, kind="message", text="m", at=at,
            data={"chat_id": str(direct), "seq": 2},
        ),
    )  # fmt: skip
    joined = await two.are_joined()
    assert joined.chats == {
        str(direct): MovedChat(chat_id=str(own), behind=3),
        str(alone): MovedChat(chat_id=str(alone), behind=0),  # the record had none
    }

    async with practice.sessions() as session:
        empty = await session.get_one(Chat, direct)  # kept, and nobody's
        assert empty.merged_into == own
        told = (await session.exec(select(ChatMessage).order_by(col(ChatMessage.chat_id), col(ChatMessage.seq)))).all()
        reads = {
            (read.chat_id, read.reader): read.seq
            for read in await session.exec(select(ChatRead))
            if read.chat_id != direct
        }
    texts = [message.text for message in told if message.chat_id == own]
    assert texts == ["direct True 1", "direct True 2", "direct True 3", "direct False 1", "direct False 2"]
    assert [message.seq for message in told if message.chat_id == own] == [1, 2, 3, 4, 5]
    assert {message.author_client_id for message in told} == {record}
    me = f"client:{record}"
    assert {at: seq for at, seq in reads.items() if at[1] != f"client:{duplicate}"} == {
        (own, me): 5, (own, "therapist:ana"): 1, (alone, me): 1, (group, me): 1, (circle, me): 4,
    }  # fmt: skip
    # Also in the one that the record had left, as the duplicate was in it.
    live = {member.chat_id for member in await two.rows(ChatMember, two.record) if member.left_at is None}
    assert live == {own, alone, group, circle}
    [news] = await two.rows(Notification, two.record)
    assert news.data == {"chat_id": str(own), "seq": 5}


async def test_the_chat_that_was_emptied_is_seen_and_written_in_by_nobody(two: Two) -> None:
    practice, at = two.practice, two.practice.clock.instant
    own, other = uuid4(), uuid4()
    for id, client in ((own, two.record), (other, two.duplicate)):
        await two.keep(
            Chat(id=id, kind=ChatKind.CARE_TEAM, client_id=UUID(client), made_by="x", made_at=at),
            ChatMember(chat_id=id, client_id=UUID(client), joined_at=at, added_by="x"),
        )
    desk, page = Side(caller=DESK), Page(limit=9)
    async with practice.sessions() as session:
        before = await list_chats(session, desk, kinds=set(ChatKind), with_client=None, page=page)
    await two.are_joined()
    async with practice.sessions() as session:
        after = await list_chats(session, desk, kinds=set(ChatKind), with_client=None, page=page)
        assert await lock_chat(session, desk, other) is None
    assert ({row.chat.id for row in before}, [row.chat.id for row in after]) == ({own, other}, [own])
    members = [*await two.rows(ChatMember, two.record), *await two.rows(ChatMember, two.duplicate)]
    assert {(member.chat_id, member.left_because) for member in members} == {(own, None), (other, LeftBecause.JOINED)}


# ---------------------------------------------------------------- refusals, and who decides


async def test_two_appointments_at_once_are_refused_by_name_and_what_is_over_is_not(two: Two) -> None:
    practice = two.practice
    await practice.therapist("ben")
    other = Two(practice, two.record, await practice.client(therapist="ben", name="Sarita"))
    [mine] = await practice.booked(two.record, MONDAY)
    [theirs] = await practice.booked(other.duplicate, MONDAY + timedelta(minutes=30))
    data = await other.are_not_joined(Problem.SLOT_TAKEN)
    [pair] = data["overlapping"]
    assert [line["appointment_id"] for line in pair] == [theirs.id, mine.id]
    practice.clock.instant = MONDAY + timedelta(hours=3)
    joined = await other.are_joined()
    assert {facts.id for facts in joined.appointments} == {theirs.id}  # they can be marked, both of them


async def test_a_record_is_joined_once_and_never_into_itself(two: Two) -> None:
    practice = two.practice
    itself = await two.join(replace(two.order, into_id=two.duplicate))
    nobody = await two.join(replace(two.order, into_id=str(uuid4())))
    for refused in (itself, nobody):
        assert refused.refusal is not None
        assert refused.refusal.name is Problem.VALIDATION_FAILED
    await two.are_joined()
    third = await practice.client(name="Third")
    again = await two.join(replace(two.order, request_id=str(uuid4()), into_id=third))
    assert again.refusal is not None
    assert "another record already" in again.refusal.detail
    back = await two.join(JoinOrder(request_id=str(uuid4()), client_id=two.record, by=DESK, into_id=two.duplicate))
    assert back.refusal is not None
    # What was joined into it before follows a record that is joined itself.
    chain = Two(practice, third, two.record)
    await chain.are_joined()
    assert (await practice.row(two.duplicate)).joined_into == UUID(third)


async def test_killed_at_either_side_of_the_commit_it_is_done_once(two: Two) -> None:
    practice = two.practice
    await practice.booked(two.duplicate, MONDAY)
    for commit in (1, 2):
        practice.points.reset(commit)
        with pytest.raises(Death):
            await two.join()
        assert (await practice.row(two.duplicate)).joined_into == (UUID(two.record) if commit == 2 else None)
    practice.points.reset()
    facts = await practice.facts(two.record)
    await two.are_joined()
    assert await practice.facts(two.record) == facts


async def test_an_address_of_somebody_opens_a_task_which_the_join_settles(practice: Practice) -> None:
    two = Two(practice, await practice.client(), await practice.client(name="Sarah"))
    async with practice.sessions() as session:
        row = await session.get_one(Client, UUID(two.duplicate))
        row.made_by_staff = False
        session.add(row)
        await session.commit()
    said = DetailsOrder(
        request_id=str(uuid4()), client_id=two.duplicate, by=SITE, details=ClientDetails(email="ＳＡＲＡ@Example.com")
    )
    assert (await practice.accounts.change_details(said)).refusal is None
    for _ in range(2):
        await two.joining.notice_double(two.duplicate)
    await two.joining.notice_double(two.record)
    [task] = await two.rows(Task, two.duplicate)
    assert task.key == f"possible_duplicate:{two.duplicate}:{two.record}"
    joined = await two.are_joined()
    assert joined.came == ()
    [task] = await two.rows(Task, two.duplicate)
    assert task.resolved_at is not None


async def test_a_link_joins_into_whoever_has_the_address_now_and_ends_with_another_address(practice: Practice) -> None:
    two = Two(practice, await practice.client(), await practice.client(name="Sarah"))
    now = practice.clock.instant
    async with practice.sessions() as session:
        row = await session.get_one(Client, UUID(two.duplicate))
        row.made_by_staff = False
        session.add(row)
        for number in range(2):
            session.add(
                Token(hash=str(number), kind=TokenKind.JOIN, client_id=row.id, made_at=now, expires_at=now + WEEK)
            )
        await session.commit()
    by = Caller(role=Role.CLIENT, name=two.duplicate, client_id=two.duplicate)
    link = JoinOrder(request_id=str(uuid4()), client_id=two.duplicate, by=by, token_hash="0")
    nobodys = await two.join(link)
    assert nobodys.refusal is not None
    assert nobodys.refusal.name is Problem.ACTIVATION_LINK_INVALID

    async def says(email: str) -> None:
        details = ClientDetails(email=email)
        order = DetailsOrder(request_id=str(uuid4()), client_id=two.duplicate, by=SITE, details=details)
        assert (await practice.accounts.change_details(order)).refusal is None

    await says("sara@example.com")  # another address than that to which the two were mailed
    assert (await two.join(link)).refusal is not None
    await two.keep(
        Token(hash="2", kind=TokenKind.JOIN, client_id=UUID(two.duplicate), made_at=now, expires_at=now + WEEK)
    )
    good = replace(link, token_hash="2")
    joined = await two.join(good)
    assert joined.into_id == two.record
    assert await two.join(good) == joined
    used = await two.join(replace(good, request_id=str(uuid4())))
    assert used.refusal is not None


# ---------------------------------------------------------------- money


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
    refused = await practice.exceptions.retry_payment(retry)
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
                ArchiveOrder(client_id=client, request_id=str(uuid4()), by=DESK.actor), POLICY
            )
        joined = await two.are_joined()
        assert joined.unarchived is not both
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
        await practice.archive.archive_client(archiving, POLICY)
        await two.is_mailed_a_link()
        joined = await two.are_joined()
        assert (joined.unarchived, joined.into is not None and joined.into.archived) == (ahead, not ahead)
        assert joined.ahead == ((booked.id,) if booked else ())
        told = [facts for facts in joined.appointments if facts.id == held.id]
        assert [facts.client_archived for facts in told] == [not ahead]
        row = await practice.payment(payment)
        [member] = [m for m in await two.rows(ChatMember, two.record) if m.chat_id == chat]
        waits = {form.status for form in await two.rows(FormRequest, two.record)} - {FormStatus.COMPLETE}
        facts = await practice.facts(two.record)
        if ahead:
            assert (row.status, joined.intents, member.left_at) == (PaymentStatus.FAILED, (), None)
            assert waits == {FormStatus.REQUESTED}
        else:
            # As if it had been there at the archive: nothing is taken, and it is owed.
            assert (row.status, row.because, row.next_try_at) == (PaymentStatus.CANCELLED, "archived", None)
            assert joined.intents == (row.intent,)
            assert member.left_because is LeftBecause.ARCHIVED
            assert waits == {FormStatus.SUSPENDED}
            assert "unarchived" not in facts


# ---------------------------------------------------------------- at the same time


async def test_an_outcome_that_comes_meanwhile_is_written_down_where_the_appointment_is_then(two: Two) -> None:
    practice = two.practice
    [session] = await practice.booked(two.duplicate, MONDAY)
    practice.clock.instant = session.ends_at
    marked = OutcomeOrder(request_id=str(uuid4()), appointment_id=session.id, by=DESK, outcome=Outcome.OCCURRED)
    async with practice.sessions() as blocking:
        # Both wait for this row, the join in front, so that the outcome has read whose the appointment was before.
        await blocking.get_one(Client, UUID(two.duplicate), with_for_update=True)
        joining = asyncio.create_task(two.join())
        await asyncio.sleep(0.3)
        marking = asyncio.create_task(practice.appointments.record_outcome(marked, POLICY))
        await asyncio.sleep(0.3)
        await blocking.rollback()
    joined, changed = await asyncio.gather(joining, marking)
    assert joined.refusal is None
    assert changed.appointment is not None
    assert changed.appointment.client_id == two.record
    facts = await practice.facts(two.record)
    assert facts[facts.index("record_joined") :].count("outcome_recorded") == 1
    assert "outcome_recorded" not in await practice.facts(two.duplicate)
    assert changed.appointment.payment is not None
    assert (await practice.payment(changed.appointment.payment.id)).client_id == UUID(two.record)
