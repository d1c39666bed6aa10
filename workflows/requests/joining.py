"""Two records of one person become one: the journey of the one ends, and hands over to the journey of the other."""

from collections.abc import Mapping

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import takes_signal, takes_update
from workflows.parts import waitlist
from workflows.parts.appointment import notify_appointment
from workflows.parts.reminders import look_into_chat
from workflows.requests.base import Requests

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.types.clients import Joined, JoinOrder
    from activities.types.mail import MailOrder
    from rules.journey.joining import MovedChat, told_afterwards
    from rules.journey.message_mails import Told
    from rules.mail.kinds import MAILS, Mail, kind_of
    from workflows.messages import JOIN, RECORD_JOINED, JoinedSignal, journey_id


class JoiningRequests(Requests):
    """A record that is joined into another ends, and its journey hands over what it was about to do."""

    @takes_update(JOIN, "Join this record into another one of the same person.")
    async def join(self, order: JoinOrder) -> Joined:
        journey = self.journey
        async with journey.turn_for(order):
            joined = await steps.join_records(order)
            if joined.facts is None or joined.into is None or joined.into_id is None:
                return joined
            journey.take(joined.facts)
            await self._hand_over(joined, into_id=joined.into_id)
            for appointment in joined.appointments:
                await notify_appointment(appointment)
            await waitlist.wake(joined.lines, journey.policy)
            journey.call_off(joined.intents)
            journey.state.joined_into = joined.into_id
            journey.closed = True
            journey.wait.note_change()  # so that whatever is waited for is waited for no longer
            return joined

    async def _hand_over(self, joined: Joined, *, into_id: str) -> None:
        """Tell the journey of the other record: before any of the appointments reports to it."""
        if joined.into is None:
            return
        state, debts = self.journey.state, tuple(self.journey.state.debts)
        state.debts.clear()
        handle = workflow.get_external_workflow_handle(journey_id(into_id))
        signal = JoinedSignal(
            from_id=self.journey.client_id,
            facts=joined.into,
            came=joined.came,
            ahead=joined.ahead,
            unarchived=joined.unarchived,
            announced_to=state.announced_to,
            told_we_will_get_back=state.told_we_will_get_back,
            debts=debts,
            reminded=state.reminded,
            chats=state.chats,
            moved=joined.chats,
            asked=joined.asked,
            mails=tuple(
                _brought_along(order, client_id=into_id, moved=joined.chats)
                for order in self.journey.mail_outbox.box
                if order.template in MAILS and kind_of(order.template).goes_along
            ),
        )
        try:
            await handle.signal(RECORD_JOINED, signal)
        except exceptions.FailureError as error:
            # It was joined into a third one meanwhile. The database knows all the same.
            workflow.logger.warning("the journey of the other record could not be told: %s", error)

    @takes_signal(
        RECORD_JOINED, "From the journey of a record that was joined into this one: these are the client's facts now."
    )
    async def record_joined(self, joined: JoinedSignal) -> None:
        """Without the turn: the other journey waits, and this one may be waiting for an appointment that reports."""
        journey = self.journey
        if not await journey.can_act_on(joined.from_id, joined.announced_to, *joined.came, *joined.ahead):
            return
        self._take_over(joined)
        if joined.unarchived:
            key = f"joined:{joined.from_id}"
            journey.mails.write(Mail.CLIENT_BACK, key=key, appointment_ids=joined.ahead)
        journey.mails.of_forms(joined.asked)
        for chat_id in dict.fromkeys(moved.chat_id for moved in joined.moved.values()):
            async with journey.turn:
                if not journey.closed:
                    await look_into_chat(journey, chat_id)

    def _take_over(self, joined: JoinedSignal) -> None:
        """What the other journey reminded and told of counts here; then its facts, and what it still had to do."""
        journey, state, facts = self.journey, self.journey.state, self.journey.facts
        if joined.announced_to is not None and joined.announced_to == joined.facts.therapist:
            state.announced_to = joined.announced_to
        state.told_we_will_get_back = state.told_we_will_get_back or joined.told_we_will_get_back
        state.reminded = {**joined.reminded, **state.reminded}
        self._take_over_chats(joined)
        known_mails = {order.key for order in journey.mail_outbox.box}
        journey.mail_outbox.box.extend(order for order in joined.mails if order.key not in known_mails)
        known = [task for task in joined.facts.open_tasks if task.key in joined.came and task not in facts.open_tasks]
        state.facts = replace(facts, open_tasks=(*facts.open_tasks, *known))  # told of already, as the other's
        journey.take(joined.facts)
        journey.replan()
        journey.add_debts(joined.debts)
        journey.wait.note_change()

    def _take_over_chats(self, joined: JoinedSignal) -> None:
        """Of a chat whose messages are in another now, what was told of them counts for that one."""
        chats = self.journey.state.chats
        for id, told in joined.chats.items():
            if id not in joined.moved:
                chats.setdefault(id, told)
        for id, moved in joined.moved.items():
            theirs, mine = joined.chats.get(id), chats.get(moved.chat_id)
            if theirs or mine:
                chats[moved.chat_id] = told_afterwards(theirs or Told(), mine=mine or Told(), behind=moved.behind)


def _brought_along(order: MailOrder, *, client_id: str, moved: Mapping[str, MovedChat]) -> MailOrder:
    """A mail as the other record sends it: for the same reason, so that it goes out once, whoever is first."""
    chat = moved.get(order.chat_id or "")
    return replace(order, client_id=client_id, chat_id=chat.chat_id if chat else order.chat_id)
