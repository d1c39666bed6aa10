"""Mails that a journey orders when their time has come: weekly reminders of goals, and messages that wait unread."""

from temporalio import workflow

from workflows import steps
from workflows.parts.journey import Journey

with workflow.unsafe.imports_passed_through():
    from activities.types.care import ChatLook
    from rules.journey.message_mails import Told, after_looking, after_telling, put_off
    from rules.journey.reminders import Due


def remind_of_goals(journey: Journey, due: Due) -> None:
    """One mail for all goals that are due at this instant. From then on next week's reminders are planned."""
    state = journey.state
    together = {due.about, *(d.about for d in state.plan if (d.kind, d.at) == (due.kind, due.at))}
    goals = [goal for goal in journey.facts.goals if goal.id in together]
    state.plan = [d for d in state.plan if (d.kind, d.at) != (due.kind, due.at)]
    state.reminded |= {goal.id: due.at for goal in goals}
    if goals:
        journey.mails.of_goals(goals, key=due.key)
    journey.replan()


async def look_into_chat(journey: Journey, chat_id: str) -> None:
    """See whether something waits to be read there, and order the mail about it or plan it. In the journey's turn."""
    look = await steps.look_at_chat(ChatLook(client_id=journey.client_id, chat_id=chat_id))
    known, now = journey.state.chats.get(chat_id), workflow.now()
    if known is None and not look.newest_unread:
        return
    every = journey.policy.new_message_every
    told = after_looking(known or Told(), newest_unread=look.newest_unread, every=every, now=now)
    journey.state.chats[chat_id] = told
    if told.due_at is not None and told.due_at <= now:
        tell_of_messages(journey, chat_id)
    elif told != known:
        journey.replan()
        journey.wait.note_change()


def tell_of_messages(journey: Journey, chat_id: str) -> None:
    """Order the mail about a chat. One that is still on its way tells of everything that is unread when it goes."""
    told, now = journey.state.chats[chat_id], workflow.now()
    if any(order.chat_id == chat_id for order in journey.mail_outbox.box):
        journey.state.chats[chat_id] = put_off(told, every=journey.policy.new_message_every, now=now)
    else:
        journey.mails.of_message(chat_id, told.waits)
        journey.state.chats[chat_id] = after_telling(told, now=now)
    journey.replan()
    journey.wait.note_change()
