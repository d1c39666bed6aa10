"""Reencrypt: after a change of keys, everything that is sealed with an older one is sealed anew."""

from typing import Any

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import answers_query
from workflows.handling.starts import Start
from workflows.parts import details
from workflows.parts.cancelling import heedless
from workflows.shown.others import describe_reencryption

with workflow.unsafe.imports_passed_through():
    from activities.types.sealing import SealingEnd, SealingOrder
    from rules.keeping import Kept
    from workflows.messages import REENCRYPT, REENCRYPTION_QUERY, ReencryptInput, SealingState

_INSTEAD = "it ends by itself, and does no harm; a row is sealed anew or left as it was."


@workflow.defn(name=REENCRYPT)
class Reencrypt:
    """One round through all sealed rows. It may run at any moment and twice: what is sealed anew is left alone."""

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(ReencryptInput, said, of=Kept.REENCRYPTION, key="id")
        self.id = self.start.input.id
        self.state = self.start.input.state

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        await heedless(self.seal_all(), instead=_INSTEAD)

    async def seal_all(self) -> None:
        if self.state is None:
            begun = await steps.begin_reencryption(self.id)
            self.state = SealingState(place=begun.place)
        state = self.state
        while state.place is not None:
            self.show(state)
            look = await steps.seal_rows(SealingOrder(id=self.id, place=state.place))
            state.place = look.place
            state.looked_at, state.sealed = state.looked_at + look.looked_at, state.sealed + look.sealed
            state.unreadable += look.unreadable
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ReencryptInput(id=self.id, state=state))
        await steps.finish_reencryption(SealingEnd(id=self.id, sealed=state.sealed, unreadable=state.unreadable))
        self.show(state)

    @answers_query(REENCRYPTION_QUERY, "How many rows were sealed anew so far.")
    def reencryption(self) -> SealingState | None:
        return self.state

    def show(self, state: SealingState) -> None:
        details.show(lambda: describe_reencryption(state))
