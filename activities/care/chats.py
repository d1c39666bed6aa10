"""Chats as a journey sees them: does something wait to be read, of which the client may be told by mail?"""

from uuid import UUID

from temporalio import activity

from activities.base import Activities
from activities.types.care import ChatLook, UnreadMessages
from models.reads.care.chats import waiting_for
from models.tables.clients.client import Client
from rules.care.chats import TOLD_WHILE_ARCHIVED
from rules.enums import ClientStatus


class ChatActivities(Activities):
    @activity.defn
    async def look_at_chat(self, look: ChatLook) -> UnreadMessages:
        """The newest message that waits for this client in a chat. Only looks: once or often is the same."""
        async with self.transaction() as session:
            client = await session.get(Client, UUID(look.client_id))
            waiting = await waiting_for(session, client, UUID(look.chat_id)) if client else None
        if client is None or waiting is None or client.unsubscribed or client.email is None:
            return UnreadMessages(newest_unread=0)
        if client.status is ClientStatus.ARCHIVED and waiting.kind not in TOLD_WHILE_ARCHIVED:
            return UnreadMessages(newest_unread=0)
        return UnreadMessages(newest_unread=waiting.seq)
