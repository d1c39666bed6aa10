"""Two records of one person: noticing that there may be two, and joining one into the other in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.announcing import announce
from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.clients.join_form_files import move_form_files
from activities.clients.join_rows import (
    end_places_booked,
    hand_over_mails,
    move_belongings,
    move_forms,
    move_places,
    resume_payments,
    stop_payments,
    take_card,
)
from activities.details import owner_of_address
from activities.forms.asking import ask_again
from activities.reactivation import make_active
from activities.snapshots import facts_of_appointments
from activities.tasks import close_tasks, open_task_once
from activities.types.clients import Joined, JoinOrder
from models.reads.accounts.accounts import account_of_client
from models.reads.booking.waitlist import lines_of
from models.reads.journey import journey_facts, project
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.clients.client import Client
from models.tables.clients.match import Match
from models.tables.clients.task import Task
from models.tables.mail.outbox import OutboxKind
from models.tables.money.payment import Payment
from models.writes.accounts.accounts import end_account
from models.writes.locks import lock_client, lock_therapist
from models.writes.outbox import client_mail, order_errands, order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM, fold_email
from rules.clients.joining import ClientRecord, TakenTime, is_active_again, missing_details, refuse_join
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, TaskKind
from rules.mail.kinds import Mail
from rules.money.payment_states import PENDING
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

JOINED = AnsweredOnce("join_records", Joined)
_LINK_INVALID = Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail="This link is no longer valid.")


class JoiningActivities(Activities):
    @activity.defn
    async def join_records(self, order: JoinOrder) -> Joined:
        """Join a client's record into another of the same person, whole, or say why not.

        Everything that the duplicate has becomes the record's; where both have something, the record's counts. The
        duplicate is closed, and its tokens end. Asked again, the answer is the same.
        """
        now = await self.now()
        async with self.transaction() as session:
            duplicate, record = await _locked(session, order)
            if duplicate.joined_into is not None:
                return await _as_joined(session, duplicate, order)
            if order.token_hash is not None and not await _opens(session, order.token_hash, duplicate, now=now):
                return Joined(refusal=_LINK_INVALID)
            if record is None:
                unknown = invalid("into", "there is no such client")
                return Joined(refusal=_LINK_INVALID if order.token_hash is not None else unknown)
            refusal = refuse_join(
                await _record(session, duplicate, now=now),
                await _record(session, record, now=now),
                by_staff=order.by.is_care_team,
            )
            if refusal is not None:
                return Joined(refusal=refusal)
            joined = await _join(session, duplicate, record, order, at=now, grace=self.deps.policy.form_grace)
            return JOINED.keep(session, duplicate, order, joined, at=now)


async def notice_double(session: AsyncSession, client: Client, owner: Client | None, *, at: datetime) -> None:
    """Open a task if somebody else, the ``owner``, has the address that was given on a public form: they are probably
    one person. The client is locked."""
    if owner is None or client.joined_into is not None:
        return
    await open_task_once(
        session,
        client,
        key=_key(client, owner),
        kind=TaskKind.POSSIBLE_DUPLICATE,
        text=f"Client {client.ref} gave an address that client {owner.ref} has: probably one person.",
        at=at,
        other_id=owner.id,
    )
    await project(session, client)


async def _join(
    session: AsyncSession, duplicate: Client, record: Client, order: JoinOrder, *, at: datetime, grace: timedelta
) -> Joined:
    by = order.by.actor
    came = (await session.exec(select(Appointment).where(col(Appointment.client_id) == duplicate.id))).all()
    before = await _with_open_workflow(session, record)
    filled = await _fill_in(session, duplicate, record)
    unarchived = is_active_again(
        archived=record.status is ClientStatus.ARCHIVED,
        other_archived=duplicate.status is ClientStatus.ARCHIVED,
        by_staff=order.by.is_care_team,
        books=any(row.status is AppointmentStatus.SCHEDULED and row.starts_at > at for row in came),
    )
    if unarchived:
        await make_active(session, record, by=by, at=at, request_id=order.request_id)
    card = take_card(duplicate, record)
    frozen = duplicate.charges_frozen and not record.charges_frozen
    record.charges_frozen = record.charges_frozen or duplicate.charges_frozen
    chats = await move_belongings(session, duplicate, record, at=at)
    lines = await move_places(session, duplicate, record, by=by, at=at)
    lines |= await end_places_booked(session, record, came, by=by, at=at)
    forms = await move_forms(session, duplicate, record)
    await move_form_files(session, duplicate, record)
    tasks = await _move_tasks(session, duplicate, record, at=at)
    await resume_payments(session, record, by=by, at=at)
    stopped = await stop_payments(session, record, at=at) if record.status is ClientStatus.ARCHIVED else []
    await _close(session, duplicate, record, token_hash=order.token_hash, at=at)
    if record.status is not ClientStatus.ARCHIVED:
        await ask_again(session, record, at=at, grace=grace)
    await hand_over_mails(session, duplicate, record, chats)
    await _order_mails(session, duplicate, record, came, unarchived=unarchived, at=at)
    intents = [payment.intent for payment in stopped if payment.intent is not None]
    await order_errands(session, record.id, OutboxKind.CANCEL_INTENT, intents, reason=order.request_id, at=at)
    told = {
        "request_id": order.request_id,
        "appointments": [str(appointment.id) for appointment in came],
        "forms": forms,
        "details": sorted(filled),
        "card": card,
        "tasks": tasks,
        "unarchived": unarchived,
        "chats": {id: {"into": to.chat_id, "behind": to.behind} for id, to in chats.items()},
        "stopped": [{"payment": str(p.id), "appointment": str(p.appointment_id)} for p in stopped],
    }
    tell(
        session,
        duplicate,
        FactKind.JOINED_INTO,
        at=at,
        by=by,
        text=f"This record was joined into that of client {record.ref}: it is one person.",
        data={"into": str(record.id), "ref": record.ref, **told},
    )
    tell(
        session,
        record,
        FactKind.RECORD_JOINED,
        at=at,
        by=by,
        text=f"The record of client {duplicate.ref} was joined into this one: it is one person.",
        data={"from": str(duplicate.id), "ref": duplicate.ref, **told},
    )
    facts, into = await project(session, duplicate), await project(session, record)
    moved = {appointment.id for appointment in came}
    concerned = moved | set(before) if unarchived or card or frozen else moved
    must_hear = [id for id in await _with_open_workflow(session, record) if id in concerned]
    must_hear += [payment.appointment_id for payment in stopped if payment.appointment_id not in must_hear]
    return Joined(
        facts=facts,
        into_id=str(record.id),
        into=into,
        appointments=await facts_of_appointments(session, record, must_hear) if must_hear else (),
        lines=tuple(await lines_of(session, ended=lines)),
    )


async def _order_mails(
    session: AsyncSession,
    duplicate: Client,
    record: Client,
    came: Sequence[Appointment],
    *,
    unarchived: bool,
    at: datetime,
) -> None:
    """What the therapist hears of the join: of a client who is back; of one who is new, unless the other record was
    announced to them before."""
    if unarchived:
        ahead = tuple(str(a.id) for a in came if a.status is AppointmentStatus.SCHEDULED)
        mail = client_mail(Mail.CLIENT_BACK, record, f"joined:{duplicate.id}", appointment_ids=ahead)
        await order_mails(session, [mail], at=at)
    if record.matched_at != duplicate.matched_at or record.therapist_id != duplicate.therapist_id:
        await announce(session, record, at=at)


async def _as_joined(session: AsyncSession, duplicate: Client, order: JoinOrder) -> Joined:
    """Joined before: by this very request, or by staff into the same record, the answer is the same again. If that
    record was joined into a third one since, it is that one's journey which has to hear of it."""
    joined = await JOINED.given(session, duplicate, order)
    if joined is None and order.token_hash is not None:
        return Joined(refusal=_LINK_INVALID)
    joined = joined or await JOINED.ever(session, duplicate)
    record = await session.get_one(Client, duplicate.joined_into)
    if joined is None or (order.into_id is not None and order.into_id not in (joined.into_id, str(record.id))):
        return Joined(refusal=invalid("into", f"client {duplicate.ref} was joined into another record already"))
    return replace(joined, into_id=str(record.id), into=await journey_facts(session, record))


# ---------------------------------------------------------------- locks, and what the rule must know


async def _locked(session: AsyncSession, order: JoinOrder) -> tuple[Client, Client | None]:
    """Both records, freshly read: the therapists with whom either has something first, then the clients by id. If the
    address has another owner when all is locked, look again."""
    duplicate_id = UUID(order.client_id)
    while True:
        seen = await session.get_one(Client, duplicate_id, populate_existing=True)
        into_id = await _into(session, seen, order)
        ids = {duplicate_id} if into_id is None else {duplicate_id, into_id}
        for therapist_id in sorted(await _therapists_of(session, ids), key=str):
            await lock_therapist(session, therapist_id)
        locked = {id: await lock_client(session, id) for id in sorted(ids, key=str)}
        if await _into(session, locked[duplicate_id], order) == into_id:
            return locked[duplicate_id], locked[into_id] if into_id is not None else None
        await session.rollback()


async def _into(session: AsyncSession, duplicate: Client, order: JoinOrder) -> UUID | None:
    """The record that is asked for, if it exists."""
    if order.into_id is not None:
        found = select(Client.id).where(col(Client.id) == UUID(order.into_id))
        return (await session.exec(found)).first()
    if duplicate.email is None or order.token_hash is None:
        return None
    owner = await owner_of_address(session, duplicate.email, other_than=duplicate)
    return owner.id if owner is not None else None


async def _therapists_of(session: AsyncSession, clients: set[UUID]) -> set[UUID]:
    has = select(Appointment.therapist_id).where(col(Appointment.client_id).in_(clients))
    waits = select(WaitlistPlace.therapist_id).where(col(WaitlistPlace.client_id).in_(clients))
    return {id for found in (has, waits) for id in (await session.exec(found)).all()}


async def _opens(session: AsyncSession, token_hash: str, duplicate: Client, *, now: datetime) -> bool:
    """Whether the mailed link is this record's, and works still."""
    token = await session.get(Token, token_hash, populate_existing=True)
    if token is None or token.kind is not TokenKind.JOIN or token.client_id != duplicate.id:
        return False
    return token.used_at is None and token.revoked_at is None and token.expires_at > now


async def _record(session: AsyncSession, client: Client, *, now: datetime) -> ClientRecord:
    ahead = select(OccupiedTime).where(col(OccupiedTime.client_id) == client.id, col(OccupiedTime.ends_at) > now)
    running = select(Payment.id).where(
        col(Payment.client_id) == client.id, col(Payment.status) == PaymentStatus.PROCESSING
    )
    return ClientRecord(
        id=str(client.id),
        ref=client.ref,
        test=client.test,
        closed=client.closed_at is not None,
        joined=client.joined_into is not None,
        account_active=client.account_active,
        booking_enabled=client.portal_settings.get("schedule_appointments", True),
        ahead=tuple(
            TakenTime(appointment_id=str(time.appointment_id), starts_at=time.starts_at, ends_at=time.ends_at)
            for time in await session.exec(ahead.order_by(col(OccupiedTime.starts_at)))
        ),
        on_their_way=tuple(str(id) for id in sorted((await session.exec(running)).all())),
    )


async def _with_open_workflow(session: AsyncSession, client: Client) -> list[UUID]:
    """The appointments that still have something to happen: to be held, or to be paid."""
    await session.flush()
    statement = (
        select(Appointment.id)
        .join(Payment, col(Payment.appointment_id) == col(Appointment.id), isouter=True)
        .where(
            col(Appointment.client_id) == client.id,
            or_(col(Appointment.status) == AppointmentStatus.SCHEDULED, col(Payment.status).in_(PENDING)),
        )
        .order_by(col(Appointment.id))
    )
    return list((await session.exec(statement)).all())


# ---------------------------------------------------------------- the person, the tasks, and the end


async def _fill_in(session: AsyncSession, duplicate: Client, record: Client) -> list[str]:
    """What the record lacks is taken over; what is known stays. The names of the details."""
    details = missing_details(record.details(), duplicate.details())
    duplicate.email_folded = None  # nobody signs in by it, and whoever has the address has it alone
    session.add(duplicate)
    await session.flush()
    email = details.pop("email", None)
    if email is not None and await owner_of_address(session, email, other_than=record) is None:
        record.email, record.email_folded = email, fold_email(email)
        details["email"] = email
    for name, value in details.items():
        setattr(record, name, value)
    if record.therapist_id is None and duplicate.therapist_id is not None:
        record.therapist_id, record.matched_at = duplicate.therapist_id, duplicate.matched_at
        present = (col(Match.client_id) == duplicate.id, col(Match.ended_at).is_(None))
        await session.exec(update(Match).where(*present).values(client_id=record.id))
    record.note = record.note or duplicate.note
    record.group_id = record.group_id or duplicate.group_id
    record.unsubscribed = record.unsubscribed or duplicate.unsubscribed
    record.first_booked_at = min(filter(None, (record.first_booked_at, duplicate.first_booked_at)), default=None)
    session.add(record)
    return list(details)


async def _move_tasks(session: AsyncSession, duplicate: Client, record: Client, *, at: datetime) -> list[str]:
    """Open tasks come along, but for those that the join settles. The keys of those that came."""
    note = "The two records were joined."
    settled = [TaskKind.POSSIBLE_DUPLICATE]
    facts = await journey_facts(session, record)
    waits = any(task.kind == TaskKind.MATCH_BY_HAND for task in facts.open_tasks)
    if record.therapist_id is not None or waits or facts.archived:
        settled.append(TaskKind.MATCH_BY_HAND)
    if facts.session_booked:
        settled.append(TaskKind.NO_FIRST_SESSION)
    await close_tasks(session, duplicate, about=None, kinds=tuple(settled), at=at, note=note)
    no_longer = tuple(kind for kind in settled if kind is not TaskKind.POSSIBLE_DUPLICATE)
    if record.therapist_id is not None:
        await close_tasks(session, record, about=None, kinds=no_longer, at=at, note=note)
    theirs = select(Task).where(col(Task.key) == _key(record, duplicate), col(Task.resolved_at).is_(None))
    for task in await session.exec(theirs):
        task.resolved_at, task.resolved_by, task.note = at, SYSTEM, note
        session.add(task)
    came = []
    await session.flush()
    still = select(Task).where(col(Task.client_id) == duplicate.id, col(Task.resolved_at).is_(None))
    for task in await session.exec(still.order_by(col(Task.opened_at), col(Task.key))):
        task.client_id = record.id
        session.add(task)
        came.append(task.key)
    return came


def _key(client: Client, owner: Client) -> str:
    return f"possible_duplicate:{client.id}:{owner.id}"


async def _close(
    session: AsyncSession, duplicate: Client, record: Client, *, token_hash: str | None, at: datetime
) -> None:
    """The end of a record: nobody signs in or acts by it any more. What was joined into it before follows."""
    duplicate.closed_at, duplicate.joined_into = at, record.id
    account = await account_of_client(session, duplicate.id) if duplicate.account_active else None
    duplicate.account_active = False
    duplicate.group_id, duplicate.charges_frozen = None, False
    session.add(duplicate)
    if token_hash is not None:
        await session.exec(update(Token).where(col(Token.hash) == token_hash).values(used_at=at))
    tokens = (col(Token.client_id) == duplicate.id, col(Token.revoked_at).is_(None), col(Token.used_at).is_(None))
    await session.exec(update(Token).where(*tokens).values(revoked_at=at))
    if account is not None:
        await end_account(session, account, at=at)
    earlier = col(Client.joined_into) == duplicate.id
    await session.exec(update(Client).where(earlier).values(joined_into=record.id))
