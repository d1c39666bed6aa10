"""Joining two records of one person: everything comes along, once, and no money is lost or taken twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.types.booking import OutcomeOrder
from activities.types.clients import ClientDetails, DetailsOrder, JoinOrder
from activities.types.money import GrantOrder
from models.paging import Page
from models.reads.care.chats import Side, list_chats
from models.sealing import opened_aside
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.care.document import Document, DocumentShare
from models.tables.care.goal import Goal
from models.tables.care.note import SessionNote
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.match import FormMatch, Match
from models.tables.clients.task import Task
from models.tables.forms.draft import FormDraft
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.upload import FormUpload, FormUploadContent
from models.tables.mail.outbox import OutboxKind
from models.tables.money.credit import Credit
from models.writes.care.chats import lock_chat
from models.writes.forms.texts import add_version
from models.writes.outbox import client_mail, order_errands
from rules.accounts.caller import Caller
from rules.enums import ChatKind, FormStatus, LeftBecause, Outcome, Role
from rules.forms.fields import FieldType, FormField
from rules.mail.kinds import Mail
from rules.refusals import Problem
from rules.timeline import FactKind
from tests.activities.clients.two_records import SITE, WEEK, Two, therapist_id
from tests.activities.mail.sending import deliver, item, put
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY, POLICY, Practice

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


async def test_matching_forms_come_along_with_all_they_are_replayed_from(two: Two) -> None:
    form = FormMatch(
        id=uuid4(),
        client_id=UUID(two.duplicate),
        answers={"state": "NY", "modality": "individual", "note": "evenings"},
        explanation={"therapist": None},
        considered=b"all of them",
        made_by="booking_site:site",
        made_at=MONDAY,
    )
    await two.keep(form)
    await two.are_joined()
    async with two.practice.sessions() as session:
        kept = await session.get_one(FormMatch, form.id)
        assert (str(kept.client_id), kept.answers["note"]) == (two.record, "evenings")
        assert opened_aside(kept, "considered") == b"all of them"
    assert await two.rows(FormMatch, two.duplicate) == []


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


async def test_a_newer_version_that_the_duplicate_was_asked_for_is_asked_for_again_and_locks_nobody_at_once(
    two: Two,
) -> None:
    """The record has completed the forms; the duplicate was asked for a newer consent with its own first booking."""
    practice = two.practice
    await practice.booked(two.record, MONDAY)
    await two.fills_in(two.record)
    async with practice.sessions() as session:
        fields = [FormField(name="agrees", label="I agree", type=FieldType.AGREEMENT, required=True).to_document()]
        at = practice.clock.instant
        await add_version(session, id=uuid4(), kind="informed_consent", title="Consent", fields=fields, by="x", at=at)
        await session.commit()
    await practice.booked(two.duplicate, MONDAY + WEEK)
    before = await two.rows(FormRequest, two.record)
    joined = await two.are_joined()
    assert joined.into is not None
    assert "informed_consent" not in joined.into.outstanding_forms
    [asked] = joined.into.asked_forms
    assert asked.intake
    assert asked.gates_from == asked.asked_at + POLICY.form_grace
    [form] = [form for form in await two.rows(FormRequest, two.record) if form.version == 2]
    assert (str(form.id), form.gates_from, form.status) == (asked.id, asked.gates_from, FormStatus.REQUESTED)
    assert len(before) == len(await two.rows(FormRequest, two.record)) - 1


async def test_files_and_drafts_of_forms_come_along_and_those_of_answers_stay_with_these(two: Two) -> None:
    practice, at = two.practice, two.practice.clock.instant
    await two.fills_in(two.duplicate)
    async with practice.sessions() as session:
        answer = (await session.exec(select(FormAnswer))).one()
    named, waits = uuid4(), uuid4()
    for id, answer_id in ((named, answer.id), (waits, None)):
        await two.keep(
            FormUpload(
                id=id, client_id=UUID(two.duplicate), kind="informed_consent", field="scan", filename="a.txt",
                content_type="text/plain", size=1, sha256="0", uploaded_by="x", uploaded_at=at, wanted_at=at,
                answer_id=answer_id,
            ),
            FormUploadContent(upload_id=id, number=0, content=b"x"),
        )  # fmt: skip
    kept = (
        (two.record, "billing_info"),
        (two.duplicate, "billing_info"),
        (two.duplicate, "initial_consultation"),
    )
    for client, kind in kept:
        said: dict[str, str] = {"of": client}
        await two.keep(FormDraft(client_id=UUID(client), kind=kind, version=1, answers=said, saved_by="x", saved_at=at))
    await two.are_joined()
    assert {upload.id for upload in await two.rows(FormUpload, two.record)} == {named, waits}
    assert {draft.kind: draft.answers["of"] for draft in await two.rows(FormDraft, two.record)} == {
        "billing_info": two.record,
        "initial_consultation": two.duplicate,
    }
    assert await two.rows(FormDraft, two.duplicate) == []


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
    mailed = client_mail(Mail.NEW_MESSAGE, await practice.row(two.duplicate), "x", chat_id=str(direct), chat_seq=1)
    await put(practice, mailed)
    await two.are_joined()
    [fact] = [fact for fact in await two.rows(Fact, two.duplicate) if fact.kind == FactKind.JOINED_INTO]
    assert fact.data["chats"] == {
        str(direct): {"into": str(own), "behind": 3},
        str(alone): {"into": str(alone), "behind": 0},  # the record had none
    }
    # What a mail told of it, or has still to tell, counts of the chat that its messages are in.
    row = await item(practice, mailed.key)
    assert str(row.client_id) == row.order["client_id"] == two.record
    assert (row.order["chat_id"], row.order["chat_seq"]) == (str(own), 4)

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
        before = await list_chats(session, desk, kinds=set(ChatKind), with_client=None, page=page, now=at)
    await two.are_joined()
    async with practice.sessions() as session:
        after = await list_chats(session, desk, kinds=set(ChatKind), with_client=None, page=page, now=at)
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
    for client in (two.duplicate, two.duplicate, two.record):
        async with practice.sessions() as session:
            kind, at = OutboxKind.LOOK_FOR_DOUBLE, practice.clock.instant
            await order_errands(session, UUID(client), kind, [client], reason=str(uuid4()), at=at)
            await session.commit()
        await deliver(practice, client)
    [task] = await two.rows(Task, two.duplicate)
    assert task.key == f"possible_duplicate:{two.duplicate}:{two.record}"
    await two.are_joined()
    assert await two.rows(Task, two.record) == []
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
        marking = asyncio.create_task(practice.appointments.record_outcome(marked))
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
