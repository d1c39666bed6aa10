"""BulkArchive: many clients archived, each by their own journey, and what became of each."""

import asyncio
from collections.abc import Iterable
from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal
from workflows.handling.starts import Start, has_a_row
from workflows.parts import details
from workflows.parts.wait import Wait
from workflows.shown.others import describe_bulk_archive

with workflow.unsafe.imports_passed_through():
    from activities.types.archive import BulkArchiveOrder, BulkProgress, BulkRound, JourneysGone
    from rules.accounts.caller import Voucher
    from rules.archive.bulk import PATIENCE, QUIET, request_id_of
    from rules.keeping import Kept
    from rules.policy import JourneyPolicy
    from workflows.messages import (
        ARCHIVE,
        BULK_ARCHIVE,
        BULK_ARCHIVE_QUERY,
        STOP,
        ArchiveSignal,
        BulkArchiveInput,
        BulkArchiveProgress,
        BulkArchiveState,
        journey_id,
    )

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds


@workflow.defn(name=BULK_ARCHIVE)
class BulkArchive:
    """Asks one journey after the other to archive its client, a bounded number at a time, and looks for what they have
    recorded. A journey that has ended is started again, and asked once more. One that does not answer holds up nobody
    else.

    How long a journey has had is counted in the pauses made here: time in which no worker ran is not held against it.
    """

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(BulkArchiveInput, said, of=Kept.BULK_ARCHIVE, key="archive_id")
        self.archive_id = self.start.input.archive_id
        self.order: BulkArchiveOrder | None = None
        self.known = self.start.input.state
        self.wait = Wait(lambda: self.history_limit)
        self.history_limit = JourneyPolicy.history_limit
        self.vouchers: dict[str, Voucher] = {}
        self.stopped = False

    @property
    def state(self) -> BulkArchiveState:
        assert self.known is not None, "the archive has begun"
        return self.known

    @workflow.run
    async def run(self, *said: Any) -> BulkProgress:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        with has_a_row():
            begun = await steps.begin_bulk_archive(self.archive_id)
        self.order, self.history_limit = begun.order, begun.history_limit
        self.stopped |= begun.stopped
        self.known = self.known or BulkArchiveState(progress=begun.progress)
        while await self.goes_on():
            if self.wait.history_is_long():
                await self.continue_as_new()
        self.state.progress = await steps.finish_bulk_archive(self.archive_id)
        self.state.finished = True
        self.show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state.progress

    # ------------------------------------------------------------ the story

    async def goes_on(self) -> bool:
        """One round and its pause. False once every client has a result.

        A cancellation is understood as `stop`: who was asked is waited for, and the end is written down. Otherwise the
        archive would seem to run for ever.
        """
        try:
            if not await self.work_off():
                return False
            await self.pause()
        except (asyncio.CancelledError, exceptions.FailureError) as error:
            if not exceptions.is_cancelled_exception(error):
                raise
            self.stopped = True
        return True

    async def work_off(self) -> bool:
        """Look at what was recorded, and tell the next. False once every client has a result."""
        state = self.state
        patience = PATIENCE.total_seconds()
        look = await steps.work_off_bulk_archive(
            BulkRound(
                id=self.archive_id,
                told=tuple(client_id for client_id, waited in state.told.items() if waited < patience),
                late=tuple(client_id for client_id, waited in state.told.items() if waited >= patience),
                gone=tuple(state.gone),
                stopped=self.stopped,
            )
        )
        if look.progress.done > state.progress.done:
            state.pause = SHORTEST_PAUSE
        state.progress = look.progress
        state.told = {client_id: state.told[client_id] for client_id in look.waiting}
        state.gone = []
        self.vouchers = look.vouchers
        self.show()
        ended = await self.ask_all(look.next)
        if ended:
            state.gone = await self.ask_again(ended)
        state.told |= dict.fromkeys((of for of in look.next if of not in state.gone), 0.0)
        self.show()
        return look.progress.done < look.progress.total

    async def ask_all(self, client_ids: Iterable[str]) -> list[str]:
        """Ask the journeys of these clients. Those who have none, or none any more."""
        asked = list(client_ids)
        there = await asyncio.gather(*(self.ask(client_id) for client_id in asked))
        return [client_id for client_id, journey_is_there in zip(asked, there, strict=True) if not journey_is_there]

    async def ask_again(self, client_ids: Iterable[str]) -> list[str]:
        """Start these clients' journeys, where they have ended, and ask them. Those who have none even so."""
        gone = list(client_ids)
        back = await steps.bring_journeys_back(JourneysGone(archive_id=self.archive_id, client_ids=tuple(gone)))
        self.vouchers |= back.vouchers
        still = await self.ask_all(back.vouchers)
        return [client_id for client_id in gone if client_id in still or client_id not in back.vouchers]

    async def ask(self, client_id: str) -> bool:
        """Ask a client's journey. False if there is none, or none any more."""
        assert self.order is not None, "the archive has begun"
        asked = ArchiveSignal(
            of_many=self.archive_id,
            notify=self.order.notify,
            request_id=request_id_of(self.archive_id, client_id),
            by=self.order.asked_by,
            voucher=self.vouchers.get(client_id),
        )
        try:
            await workflow.get_external_workflow_handle(journey_id(client_id)).signal(ARCHIVE, asked)
        except exceptions.FailureError as error:
            if exceptions.is_cancelled_exception(error):
                raise
            workflow.logger.info("the journey of client %s has ended", client_id)
            return False
        return True

    async def pause(self) -> None:
        """Let the journeys work: shortly while they do, longer while nothing comes of it."""
        state = self.state
        if not state.told:
            return
        await workflow.sleep(state.pause, summary="the next look at what the journeys have recorded")
        quiet = QUIET.total_seconds()
        silent = [of for of, waited in state.told.items() if waited < quiet <= waited + state.pause]
        state.told = {client_id: waited + state.pause for client_id, waited in state.told.items()}
        state.pause = min(2 * state.pause, LONGEST_PAUSE)
        if silent:
            await self.ask_again(silent)

    @takes_signal(STOP, "Ask no further client's journey: whose turn has not come stays as they are.")
    async def stop(self) -> None:
        self.stopped = True
        await steps.stop_bulk_archive(self.archive_id)

    # ------------------------------------------------------------ what is seen

    @answers_query(BULK_ARCHIVE_QUERY, "How many clients are archived, skipped and failed so far.")
    def progress(self) -> BulkArchiveProgress:
        state = self.known or BulkArchiveState()
        return BulkArchiveProgress(
            id=self.archive_id,
            asked_by=self.order.asked_by if self.order else "",
            status="finished" if state.finished else "running",
            total=state.progress.total,
            done=state.progress.done,
            archived=state.progress.archived,
            skipped=state.progress.skipped,
            failed=state.progress.failed,
            waiting_for=len(state.told),
            stopped=self.stopped,
        )

    def show(self) -> None:
        details.show(lambda: describe_bulk_archive(self.progress()))

    # ------------------------------------------------------------ from one run to the next

    async def continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(BulkArchiveInput(archive_id=self.archive_id, state=self.state))
