"""What a record brings along when it is joined into another of the same person. Both clients are locked throughout."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.booking.waitlist_places import end_place, end_places
from activities.money.cards import fingerprint_of
from activities.money.credits import give_back
from activities.money.payments import card_came, move
from models.reads.archive.situation import holds_of
from models.reads.booking.waitlist import live_places
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.care.chat import Chat, ChatMember, ChatMessage, ChatRead
from models.tables.care.document import DocumentShare
from models.tables.care.goal import Goal
from models.tables.care.note import SessionNote
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from models.tables.clients.match import FormMatch
from models.tables.forms.form import FormRequest
from models.tables.mail.outbox import OutboxItem
from models.tables.money.approval import Approval
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Dispute, Refund
from models.writes.locks import lock_payment
from rules.clients.joining import FormRecord, MovedChat, form_counts, read_afterwards
from rules.enums import (
    AppointmentStatus,
    ChatKind,
    ClientStatus,
    FormStatus,
    LeftBecause,
    PaymentStatus,
    PlaceEnd,
    Role,
)
from rules.mail.kinds import MAILS
from rules.money.payment_states import WAITING, WAITS_FOR_CARD, Because, PaymentEvent

_MONEY: tuple[type[Any], ...] = (Payment, Credit, Refund, Approval, Dispute)
_OWNED: tuple[type[Any], ...] = (Appointment, *_MONEY, SessionNote, Goal, Notification, FormMatch)


async def move_belongings(
    session: AsyncSession, duplicate: Client, record: Client, *, at: datetime
) -> dict[str, MovedChat]:
    """Everything that is simply the other record's from now on: appointments and their times, money, notes, goals,
    matching forms.

    Answers where the messages of the duplicate's own chats are now.
    """
    for table in _OWNED:
        await _give(session, table, duplicate, record)
    await _move_times(session, duplicate, record)
    await _move_documents(session, duplicate, record)
    return await _move_chats(session, duplicate, record, at=at)


async def _give(session: AsyncSession, table: type[SQLModel], duplicate: Client, record: Client, *where: Any) -> None:
    owner: Any = table.__table__.c.client_id  # type: ignore[attr-defined]
    await session.exec(update(table).where(owner == duplicate.id, *where).values(client_id=record.id))


async def _move_times(session: AsyncSession, duplicate: Client, record: Client) -> None:
    """Of two times that overlap, which can only be over, one stays as it is: nobody asks for it any more."""
    other = aliased(OccupiedTime)
    overlaps = exists().where(
        col(other.client_id) == record.id,
        col(other.starts_at) < col(OccupiedTime.ends_at),
        col(OccupiedTime.starts_at) < col(other.ends_at),
    )
    await session.exec(
        update(OccupiedTime).where(col(OccupiedTime.client_id) == duplicate.id, ~overlaps).values(client_id=record.id)
    )
    held = col(OccupiedTime.made_by) == holds_of(duplicate.id)
    await session.exec(update(OccupiedTime).where(held).values(made_by=holds_of(record.id)))


async def _move_documents(session: AsyncSession, duplicate: Client, record: Client) -> None:
    """What is shared with both is shared once."""
    own = aliased(DocumentShare)
    shared_already = exists().where(
        col(own.client_id) == record.id,
        col(own.document_id) == col(DocumentShare.document_id),
        col(own.unshared_at).is_(None),
        col(DocumentShare.unshared_at).is_(None),
    )
    await _give(session, DocumentShare, duplicate, record, ~shared_already)


# ---------------------------------------------------------------- chats


async def _move_chats(
    session: AsyncSession, duplicate: Client, record: Client, *, at: datetime
) -> dict[str, MovedChat]:
    """Direct chats and those with the care team become the record's, or go behind the one that it has; where it is not
    a member of a group or a community yet, it takes the duplicate's place."""
    both = [duplicate.id, record.id]
    found = select(Chat).where(col(Chat.client_id).in_(both)).order_by(col(Chat.id)).with_for_update(key_share=True)
    chats = (await session.exec(found.execution_options(populate_existing=True))).all()
    kept = {_place(chat): chat for chat in chats if chat.client_id == record.id}
    moved: dict[str, MovedChat] = {}
    for chat in chats:
        if chat.client_id != duplicate.id:
            continue
        own = kept.get(_place(chat))
        if own is None:
            chat.client_id = record.id
            session.add(chat)
            moved[str(chat.id)] = MovedChat(chat_id=str(chat.id), behind=0)
        else:
            moved[str(chat.id)] = MovedChat(chat_id=str(own.id), behind=own.last_seq)
            await _put_behind(session, chat, own, duplicate, at=at)
    await session.flush()
    await _move_memberships(session, duplicate, record)
    wrote = col(ChatMessage.author_client_id) == duplicate.id
    await session.exec(update(ChatMessage).where(wrote).values(author_client_id=record.id))
    before, after = (f"{Role.CLIENT.value}:{client.id}" for client in (duplicate, record))
    reads = aliased(ChatRead)
    further = (
        col(reads.chat_id) == col(ChatRead.chat_id),
        col(reads.reader) == before,
        col(reads.seq) > col(ChatRead.seq),
    )
    await session.exec(update(ChatRead).where(col(ChatRead.reader) == after, *further).values(seq=reads.seq))
    has_read = exists().where(col(reads.chat_id) == col(ChatRead.chat_id), col(reads.reader) == after)
    await session.exec(update(ChatRead).where(col(ChatRead.reader) == before, ~has_read).values(reader=after))
    if record.status is ClientStatus.ARCHIVED:
        live = select(Chat.id).where(col(Chat.kind) == ChatKind.GROUP)
        is_in = (col(ChatMember.client_id) == record.id, col(ChatMember.left_at).is_(None))
        left = update(ChatMember).where(*is_in, col(ChatMember.chat_id).in_(live))
        await session.exec(left.values(left_at=at, left_because=LeftBecause.ARCHIVED))
    return moved


async def _move_memberships(session: AsyncSession, duplicate: Client, record: Client) -> None:
    """Who is in a chat with either record is in it, also where the other one had left."""
    member = aliased(ChatMember)
    same_chat = col(member.chat_id) == col(ChatMember.chat_id)
    came = exists().where(same_chat, col(member.client_id) == duplicate.id, col(member.left_at).is_(None))
    had_left = (col(ChatMember.client_id) == record.id, col(ChatMember.left_at).is_not(None))
    await session.exec(delete(ChatMember).where(*had_left, came).execution_options(synchronize_session=False))
    is_known = exists().where(same_chat, col(member.client_id) == record.id)
    await _give(session, ChatMember, duplicate, record, ~is_known)


def _place(chat: Chat) -> tuple[ChatKind, UUID | None]:
    return chat.kind, chat.therapist_id


async def _put_behind(session: AsyncSession, chat: Chat, own: Chat, duplicate: Client, *, at: datetime) -> None:
    """Move every message of a chat behind those of another. The empty chat is nobody's: whoever was about to write
    finds the other."""
    reads = await session.exec(select(ChatRead).where(col(ChatRead.chat_id).in_([chat.id, own.id])))
    far: dict[tuple[UUID, str], ChatRead] = {(read.chat_id, _reader(read, duplicate, own)): read for read in reads}
    for chat_id, reader in list(far):
        mine = far.get((own.id, reader))
        if chat_id == chat.id and (mine is not None or own.last_seq == 0):
            seq = read_afterwards(
                theirs=far[chat_id, reader].seq,
                of_theirs=chat.last_seq,
                mine=mine.seq if mine is not None else 0,
                of_mine=own.last_seq,
            )
            mark = mine or ChatRead(chat_id=own.id, reader=reader, seq=0, read_at=far[chat_id, reader].read_at)
            mark.seq = seq
            session.add(mark)
    moved = (
        update(ChatMessage)
        .where(col(ChatMessage.chat_id) == chat.id)
        .values(chat_id=own.id, seq=col(ChatMessage.seq) + own.last_seq)
    )
    await session.exec(moved.execution_options(synchronize_session=False))
    about = select(Notification).where(col(Notification.data)["chat_id"].astext == str(chat.id))
    for news in await session.exec(about):
        numbered = {"seq": news.data["seq"] + own.last_seq} if "seq" in news.data else {}
        news.data = {**news.data, "chat_id": str(own.id), **numbered}
        session.add(news)
    own.last_seq += chat.last_seq
    own.last_message_at = max(filter(None, (own.last_message_at, chat.last_message_at)), default=None)
    chat.merged_into = own.id
    session.add_all([own, chat])
    await session.flush()
    members = (col(ChatMember.chat_id) == chat.id, col(ChatMember.left_at).is_(None))
    await session.exec(update(ChatMember).where(*members).values(left_at=at, left_because=LeftBecause.JOINED))


def _reader(read: ChatRead, duplicate: Client, own: Chat) -> str:
    """Both records of the person read as one."""
    is_duplicate = read.reader == f"{Role.CLIENT.value}:{duplicate.id}"
    return f"{Role.CLIENT.value}:{own.client_id}" if is_duplicate else read.reader


# ---------------------------------------------------------------- forms


async def move_forms(session: AsyncSession, duplicate: Client, record: Client) -> list[str]:
    """Of each form the one that counts becomes the record's, the other stays behind. The kinds that came along."""
    ids = [duplicate.id, record.id]
    found = (await session.exec(select(FormRequest).where(col(FormRequest.client_id).in_(ids)))).all()
    mine = {_which(form): form for form in found if form.client_id == record.id}
    came = []
    for form in sorted((form for form in found if form.client_id == duplicate.id), key=_which):
        own = mine.get(_which(form))
        if not form_counts(_asked(form), mine=_asked(own) if own else None):
            continue
        if own is not None:
            # The two change places, and at no moment has one client the same form twice.
            own.version = -own.version
            session.add(own)
            await session.flush()
        form.client_id = record.id
        if form.status is not FormStatus.COMPLETE:
            archived = record.status is ClientStatus.ARCHIVED
            form.status = FormStatus.SUSPENDED if archived else FormStatus.REQUESTED
        session.add(form)
        await session.flush()
        if own is not None:
            own.client_id, own.version = duplicate.id, -own.version
            session.add(own)
        came.append(form.kind)
    await session.flush()
    return came


def _which(form: FormRequest) -> tuple[str, int, int]:
    return form.kind, form.version, form.number


def _asked(form: FormRequest) -> FormRecord:
    return FormRecord(status=form.status, completed_at=form.completed_at)


# ---------------------------------------------------------------- places in line


async def move_places(session: AsyncSession, duplicate: Client, record: Client, *, by: str, at: datetime) -> set[UUID]:
    """Places on waitlists come along, as far as the record may have them. The therapists whose lines changed."""
    own = {(place.therapist_id, place.type) for place in await live_places(session, client_id=record.id)}
    changed: set[UUID] = set()
    for place in await live_places(session, client_id=duplicate.id):
        changed.add(place.therapist_id)
        if place.therapist_id != record.therapist_id:
            await end_place(session, duplicate, place, because=PlaceEnd.REMATCHED, at=at, by=by)
        elif (place.therapist_id, place.type) in own:
            await end_place(session, duplicate, place, because=PlaceEnd.LEFT, at=at, by=by)
        else:
            place.client_id = record.id
            session.add(place)
    await session.flush()
    return changed


async def end_places_booked(
    session: AsyncSession, record: Client, came: Sequence[Appointment], *, by: str, at: datetime
) -> set[UUID]:
    """Who has an appointment of that kind with that therapist does not wait for one any more."""
    changed: set[UUID] = set()
    for booked in came:
        if booked.status is AppointmentStatus.SCHEDULED and booked.starts_at > at:
            changed |= await end_places(
                session,
                record,
                because=PlaceEnd.BOOKED,
                at=at,
                by=by,
                therapist_id=booked.therapist_id,
                type=booked.type,
            )
    return changed


# ---------------------------------------------------------------- the card


def take_card(duplicate: Client, record: Client) -> bool:
    """The duplicate's card, with the customer that has it at Stripe, where the record has none that may be charged."""
    has_one = record.stripe_payment_method is not None and not record.card_blocked
    if has_one or duplicate.stripe_payment_method is None:
        return False
    if record.card_blocked and (duplicate.card_blocked or fingerprint_of(duplicate) in (None, fingerprint_of(record))):
        return False  # nothing is gained: it may be the very card that was blocked
    record.stripe_customer, duplicate.stripe_customer = duplicate.stripe_customer, record.stripe_customer
    record.stripe_payment_method, record.card = duplicate.stripe_payment_method, duplicate.card
    record.card_blocked = duplicate.card_blocked
    duplicate.stripe_payment_method, duplicate.card, duplicate.card_blocked = None, None, False
    return True


async def resume_payments(session: AsyncSession, record: Client, *, by: str, at: datetime) -> None:
    """Payments that waited for a card are tried at once, if the person has one after all."""
    usable = record.stripe_payment_method is not None and not record.card_blocked
    if not usable or record.status is ClientStatus.ARCHIVED:
        return
    waiting = select(Payment.id).where(
        col(Payment.client_id) == record.id,
        col(Payment.status) == PaymentStatus.FAILED,
        col(Payment.because).in_([because.value for because in WAITS_FOR_CARD]),
    )
    for payment_id in sorted((await session.exec(waiting)).all()):
        payment = await lock_payment(session, payment_id)
        text = "The client has a card after all; the payment is tried again at once."
        card_came(session, record, payment, at=at, by=by, text=text)


async def stop_payments(session: AsyncSession, record: Client, *, at: datetime) -> list[Payment]:
    """What comes to an archived record stops there as it would have with the archive: it is owed, and not taken."""
    found = select(Payment.id).where(col(Payment.client_id) == record.id, col(Payment.status).in_(WAITING))
    stopped = []
    for payment_id in sorted((await session.exec(found)).all()):
        payment = await lock_payment(session, payment_id)
        move(payment, PaymentEvent.STOPPED, because=Because.ARCHIVED, at=at)
        await give_back(session, payment, at=at)
        stopped.append(payment)
    return stopped


async def hand_over_mails(
    session: AsyncSession, duplicate: Client, record: Client, chats: Mapping[str, MovedChat]
) -> None:
    """What a mail tells of waits for the person: the record sends it, for the same reason. What was told of a chat
    counts wherever its messages are now. Mails of other kinds are the closed record's, which sends them."""
    found = select(OutboxItem).where(
        col(OutboxItem.client_id) == duplicate.id,
        col(OutboxItem.template).in_([mail.value for mail, kind in MAILS.items() if kind.goes_along]),
    )
    for row in (await session.exec(found)).all():
        row.client_id = record.id
        order = {**row.order, "client_id": str(record.id)}
        moved = chats.get(str(order.get("chat_id")))
        if moved is not None:
            order |= {"chat_id": moved.chat_id, "chat_seq": order.get("chat_seq", 0) + moved.behind}
        row.order = order
        session.add(row)
    of_appointments = update(OutboxItem).where(
        col(OutboxItem.client_id) == duplicate.id, col(OutboxItem.appointment_id).is_not(None)
    )
    await session.exec(of_appointments.values(client_id=record.id))
