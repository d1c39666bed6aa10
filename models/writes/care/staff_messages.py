"""Mails about messages among staff: to the therapist or to the care team's mailbox, throttled as clients' are."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.care.chat import Chat
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus
from models.writes.outbox import order_practice_mail, own_mail
from rules.accounts.caller import Caller
from rules.care.chats import message_mail_due
from rules.enums import Role
from rules.mail.kinds import Mail
from rules.mail.terms import Reader

_TOLD = (OutboxStatus.SENT, OutboxStatus.UNCERTAIN, OutboxStatus.UNDELIVERABLE)


async def order_staff_message(
    session: AsyncSession, chat: Chat, *, therapist: str, by: Caller, every: timedelta, at: datetime
) -> None:
    """Order the mail about the newest message of a chat that is locked, to the side that did not write it: at once, or
    ``every`` after the last. One that has not gone out yet tells of this message too."""
    to = Reader.CARE_TEAM if by.role is Role.THERAPIST else Reader.THERAPIST
    earlier = select(OutboxItem).where(
        col(OutboxItem.client_id).is_(None),
        col(OutboxItem.template) == Mail.STAFF_MESSAGE.value,
        col(OutboxItem.order)["chat_id"].astext == str(chat.id),
        col(OutboxItem.reader) == to.value,
    )
    rows = (await session.exec(earlier)).all()
    if any(row.status in UNSETTLED for row in rows):
        return
    told = [row for row in rows if row.status in _TOLD]
    due = message_mail_due(
        newest=chat.last_seq,
        told=max((int(row.order.get("chat_seq", 0)) for row in told), default=0),
        told_at=max((row.sent_at or row.made_at for row in told), default=None),
        every=every,
        now=at,
    )
    mail = own_mail(Mail.STAFF_MESSAGE, f"{chat.id}:{chat.last_seq}", text="")
    order = replace(mail, to=to.value, chat_id=str(chat.id), chat_seq=chat.last_seq, therapist=therapist)
    await order_practice_mail(session, order, at=at, not_before=due)
