"""Mails about messages that wait unread, throttled: the first at once, the next of the same chat only after a while."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities
from activities.types.care import ChatLook
from activities.types.mail import Delivered
from models.reads.care.chats import WaitingMessage, waiting_for
from models.reads.outbox import deliver_at
from models.tables.clients.client import Client
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus
from models.writes.locks import lock_client
from models.writes.outbox import client_mail, order_mails
from rules.care.chats import TOLD_WHILE_ARCHIVED, message_mail_due
from rules.enums import ClientStatus
from rules.mail.kinds import Mail

_TOLD = (OutboxStatus.UNCERTAIN, OutboxStatus.UNDELIVERABLE)


class ChatActivities(Activities):
    @activity.defn
    async def look_at_chat(self, look: ChatLook) -> Delivered:
        """Order the mail about what waits for this client in a chat: at once, or for when the last one is long ago.

        One that has not gone out yet tells of everything that is unread when it goes.
        """
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(look.client_id))
            waiting = await waiting_for(session, client, UUID(look.chat_id))
            if waiting is not None and _may_be_told(client, waiting):
                await self._order(session, client, look.chat_id, waiting, now=now)
            return Delivered(deliver_at=await deliver_at(session, client.id, None))

    async def _order(
        self, session: AsyncSession, client: Client, chat_id: str, waiting: WaitingMessage, *, now: datetime
    ) -> None:
        earlier = select(OutboxItem).where(
            col(OutboxItem.client_id) == client.id,
            col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
            col(OutboxItem.order)["chat_id"].astext == chat_id,
        )
        rows = (await session.exec(earlier.order_by(col(OutboxItem.seq).desc()))).all()
        told = [row for row in rows if row.went_out or row.status in _TOLD]
        due = message_mail_due(
            newest=waiting.seq,
            told=max((int(row.order.get("chat_seq", 0)) for row in told), default=0),
            told_at=max((row.sent_at or row.made_at for row in told), default=None),
            every=self.deps.policy.new_message_every,
            now=now,
        )
        if due is None:
            return
        archived = client.status is ClientStatus.ARCHIVED
        open_still = next((row for row in rows if row.status in UNSETTLED and not row.went_out), None)
        if open_still is None:
            mail = client_mail(
                Mail.NEW_MESSAGE, client, f"{chat_id}:{waiting.seq}", chat_id=chat_id, chat_seq=waiting.seq
            )
            # An archived client has no timers: what cannot go out at once waits for the end of the archive.
            await order_mails(session, [mail], at=now, not_before=due, put_off=archived and due > now)
        else:
            open_still.order = {**open_still.order, "chat_seq": waiting.seq}  # it tells of this one too
            if open_still.next_try_at is None and due <= now:
                open_still.next_try_at = now
            session.add(open_still)


def _may_be_told(client: Client, waiting: WaitingMessage) -> bool:
    if client.unsubscribed or client.email is None:
        return False
    return client.status is not ClientStatus.ARCHIVED or waiting.kind in TOLD_WHILE_ARCHIVED
