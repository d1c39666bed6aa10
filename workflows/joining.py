"""Two records of one person: seeing that there may be two, and joining one into the other."""

from temporalio import exceptions, workflow

from workflows import lines, steps
from workflows.journey import Journey

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.types import Joined, JoinOrder
    from workflows.messages import JOIN, RECORD_JOINED, JoinedSignal, journey_id


class Joining(Journey):
    """A record that is joined into another ends, and its journey hands over what it was about to do."""

    async def look_for_double(self) -> None:
        """Somebody may be known already by the address that was given: then the care team is told."""
        self.state.look_for_double = False
        self.adopt(await steps.notice_double(self.client_id))

    @workflow.update(name=JOIN.name, description="Join this record into another one of the same person.")
    async def join(self, order: JoinOrder) -> Joined:
        async with self.turn_for(order):
            joined = await steps.join_records(order)
            if joined.facts is None or joined.into is None or joined.into_id is None:
                return joined
            self.take(joined.facts)
            await self.hand_over(joined, into_id=joined.into_id)
            for appointment in joined.appointments:
                await self.tell(appointment)
            await lines.wake(joined.lines, self.policy)
            self.state.joined_into = joined.into_id
            self.closed = True
            self.news += 1  # so that whatever is waited for is waited for no longer
            return joined

    async def hand_over(self, joined: Joined, *, into_id: str) -> None:
        """Tell the journey of the other record: before any of the appointments reports to it."""
        if joined.into is None:
            return
        state, debts = self.state, tuple(self.state.debts)
        state.debts.clear()
        handle = workflow.get_external_workflow_handle(journey_id(into_id))
        try:
            await handle.signal(
                RECORD_JOINED,
                JoinedSignal(
                    from_id=self.client_id,
                    facts=joined.into,
                    came=joined.came,
                    ahead=joined.ahead,
                    unarchived=joined.unarchived,
                    announced_to=state.announced_to,
                    told_we_will_get_back=state.told_we_will_get_back,
                    debts=debts,
                    reminded=state.reminded,
                    chats=state.chats,
                ),
            )
        except exceptions.FailureError as error:
            # It was joined into a third one meanwhile. The database knows all the same.
            workflow.logger.warning("the journey of the other record could not be told: %s", error)

    @workflow.signal(
        name=RECORD_JOINED,
        description="From the journey of a record that was joined into this one: these are the client's facts now.",
    )
    async def record_joined(self, joined: JoinedSignal) -> None:
        """Without the turn: the other journey waits, and this one may be waiting for an appointment that reports."""
        if not await self.can_hear(joined.from_id, joined.announced_to, *joined.came, *joined.ahead):
            return
        state, facts = self.state, self.facts
        if joined.announced_to is not None and joined.announced_to == joined.facts.therapist:
            state.announced_to = joined.announced_to
        state.told_we_will_get_back = state.told_we_will_get_back or joined.told_we_will_get_back
        state.reminded = {**joined.reminded, **state.reminded}
        state.chats = {**joined.chats, **state.chats}
        known = [task for task in joined.facts.open_tasks if task.key in joined.came and task not in facts.open_tasks]
        state.facts = replace(facts, open_tasks=(*facts.open_tasks, *known))  # told of already, as the other's
        self.take(joined.facts)
        self._replan()
        self.owe(joined.debts)
        self.news += 1
        if joined.unarchived:
            key = f"joined:{joined.from_id}"
            self.letters.write("client_back", key=key, to="therapist", appointment_ids=joined.ahead)
