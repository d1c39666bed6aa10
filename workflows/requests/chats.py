"""What a journey hears of chats, and when it tells the client by mail that a message waits."""

from temporalio import workflow

from workflows import steps
from workflows.parts.journey import Journey
from workflows.parts.validation import flaws

with workflow.unsafe.imports_passed_through():
    from activities.types import ChatLook
    from rules.care.chats import Told, after_telling, news_for, put_off
    from workflows.messages import MESSAGE_WAITS, MessageSignal


class News(Journey):
    """Chats are kept without the journey; it looks whether something waits to be read, and keeps the times of mails."""

    @workflow.signal(
        name=MESSAGE_WAITS,
        description="A message was written in a chat of the client, who is told by mail: once in a while, if unread.",
    )
    async def message_waits(self, news: MessageSignal) -> None:
        if not await self.can_hear(news.request_id):
            return
        wrong = list(flaws(news))
        if wrong:
            workflow.logger.warning("a signal was dropped: %s", "; ".join(wrong))
            return
        async with self.turn:
            if not self.closed:
                await self.look_into(news.chat_id)

    async def look_into(self, chat_id: str) -> None:
        """See whether something waits to be read there, and order the mail about it or plan it. In the turn."""
        look = await steps.look_at_chat(ChatLook(client_id=self.client_id, chat_id=chat_id))
        known, now = self.state.chats.get(chat_id), workflow.now()
        if known is None and not look.newest_unread:
            return
        told = news_for(known or Told(), newest_unread=look.newest_unread, every=self.policy.new_message_every, now=now)
        self.state.chats[chat_id] = told
        if told.due_at is not None and told.due_at <= now:
            self.tell_of_messages(chat_id)
        elif told != known:
            self._replan()
            self.news += 1

    def tell_of_messages(self, chat_id: str) -> None:
        """Order the mail about a chat. One that is still on its way tells of everything that is unread when it goes."""
        told, now = self.state.chats[chat_id], workflow.now()
        if any(order.chat_id == chat_id for order in self.postman.box):
            self.state.chats[chat_id] = put_off(told, every=self.policy.new_message_every, now=now)
        else:
            self.letters.of_message(chat_id, told.waits)
            self.state.chats[chat_id] = after_telling(told, now=now)
        self._replan()
        self.news += 1
