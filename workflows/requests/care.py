"""What can be asked of a journey about care between sessions, and what it is told of: goals, chats, documents."""

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from activities.types.care import ChatLook, GoalChange, GoalOrder
    from activities.types.clients import Done
    from workflows.messages import (
        CHANGE_GOAL,
        CREATE_GOAL,
        MESSAGE_WAITS,
        OUTBOX_FILLED,
        MessageSignal,
    )


class CareRequests(Requests):
    """Requests about goals. Chats and documents are kept without the journey: it only delivers the mails about them."""

    @takes_update(CREATE_GOAL, "Set a goal, with a weekly reminder or none.")
    async def create_goal(self, order: GoalOrder) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.create_goal(order))

    @takes_update(CHANGE_GOAL, "Change a goal or its reminder, or complete it.")
    async def change_goal(self, order: GoalChange) -> Done:
        async with self.journey.own_turn():
            return await self.journey.apply(await steps.change_goal(order))

    @takes_signal(
        MESSAGE_WAITS, "A message was written in a chat of the client, who is told by mail: once in a while, if unread."
    )
    async def message_waits(self, message: MessageSignal) -> None:
        if not await self.journey.can_act():
            return
        async with self.journey.turn:
            if not self.journey.closed:
                look = ChatLook(client_id=self.journey.client_id, chat_id=message.chat_id)
                self.journey.outbox.note((await steps.look_at_chat(look)).deliver_at)

    @takes_signal(OUTBOX_FILLED, "Something was put into the client's outbox: it is delivered.")
    async def outbox_filled(self) -> None:
        if await self.journey.can_act():
            self.journey.outbox.note(workflow.now())
