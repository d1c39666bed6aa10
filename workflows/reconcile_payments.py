"""ReconcilePayments: the ledger and Stripe, compared line by line; what is certain is healed, the rest is a task's."""

import asyncio
from typing import Any

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.handlers import answers_query
from workflows.handling.starts import Start
from workflows.parts import details
from workflows.shown.others import describe_reconciliation

with workflow.unsafe.imports_passed_through():
    from activities.types.reconciliation import (
        ComparisonCursor,
        ComparisonOrder,
        ComparisonPart,
        DiscrepanciesOrder,
        JourneyNews,
        OldDiscrepanciesOrder,
        Reconciled,
        ReconciliationEnd,
        ReconciliationOrder,
    )
    from rules.money.discrepancies import Discrepancy
    from workflows.messages import (
        APPOINTMENT_REPORTED,
        INBOUND_EVENT,
        RECONCILE_PAYMENTS,
        RECONCILIATION_QUERY,
        ReconciliationInput,
        ReconciliationProgress,
        ReconciliationState,
        journey_id,
    )

_AT_A_TIME = 25  # discrepancies that one step settles
BY_SCHEDULE = "schedule"


@workflow.defn(name=RECONCILE_PAYMENTS)
class ReconcilePayments:
    """One comparison with Stripe. It may run at any moment and twice: what it shows is looked at again first."""

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(ReconciliationInput, said)  # of any id: a schedule gives each of its runs one
        self.order = self.start.input.order
        self.known = self.start.input.state
        self.result: Reconciled | None = None

    @property
    def state(self) -> ReconciliationState:
        assert self.known is not None, "the comparison has begun"
        return self.known

    @workflow.run
    async def run(self, *said: Any) -> Reconciled:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        try:
            await self.compare_all()
        except (asyncio.CancelledError, exceptions.FailureError) as error:
            if not exceptions.is_cancelled_exception(error):
                raise
            if self.known is None:
                await self.begin()
            return await self.finish(stopped=True)  # else it would seem to run for ever
        return await self.finish()

    async def compare_all(self) -> None:
        if self.known is None:
            await self.begin()
        while self.state.place is not None:
            await self.compare(self.state.place)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ReconciliationInput(state=self.state))
        await self.look_again_at_earlier_discrepancies()

    # ------------------------------------------------------------ the story

    async def begin(self) -> None:
        self.order = self.order or ReconciliationOrder(id=str(workflow.uuid4()), asked_by=BY_SCHEDULE)
        reconciling = await steps.begin_reconciliation(self.order)
        self.known = ReconciliationState(reconciling=reconciling, place=ComparisonCursor(part=ComparisonPart.PAYMENTS))
        self.show()

    async def compare(self, place: ComparisonCursor) -> None:
        """One part of the comparison: what differs there is settled before the next is looked at."""
        look = await steps.compare_books(ComparisonOrder(reconciling=self.state.reconciling, place=place))
        await self.settle(look.findings)
        for name, number in look.compared.items():
            self.state.compared[name] = self.state.compared.get(name, 0) + number
        self.state.place = look.place
        self.show()

    async def settle(self, discrepancies: tuple[Discrepancy, ...]) -> None:
        for first in range(0, len(discrepancies), _AT_A_TIME):
            few = discrepancies[first : first + _AT_A_TIME]
            settled = await steps.settle_differences(
                DiscrepanciesOrder(reconciling=self.state.reconciling, findings=few)
            )
            self.state.left_out += settled.left_out
            await self.tell(settled.news)

    async def look_again_at_earlier_discrepancies(self) -> None:
        """A task whose discrepancy is gone is closed, however old it is."""
        while True:
            order = OldDiscrepanciesOrder(reconciling=self.state.reconciling, after=self.state.after)
            old = await steps.close_old_differences(order)
            await self.tell(old.news)
            self.state.after = old.after
            if old.after is None:
                return

    async def finish(self, *, stopped: bool = False) -> Reconciled:
        end = ReconciliationEnd(
            id=self.state.reconciling.id,
            compared=self.state.compared,
            left_out=self.state.left_out,
            stopped=stopped,
        )
        self.result = await steps.finish_reconciliation(end)
        self.show()
        return self.result

    async def tell(self, news: tuple[JourneyNews, ...]) -> None:
        """The journeys hear what changed: of a payment as by Stripe's own event, which brings the receipt, once."""
        for told in news:
            journey = workflow.get_external_workflow_handle(journey_id(told.client_id))
            try:
                if told.event_id is not None:
                    await journey.signal(INBOUND_EVENT, told.event_id)
                if told.facts is not None:
                    await journey.signal(APPOINTMENT_REPORTED, told.facts)
            except exceptions.FailureError:
                workflow.logger.info("the journey of client %s has ended", told.client_id)

    # ------------------------------------------------------------ what is seen

    @answers_query(RECONCILIATION_QUERY, "How far the comparison with Stripe is, and its result.")
    def reconciliation(self) -> ReconciliationProgress:
        state = self.known
        return ReconciliationProgress(
            id=state.reconciling.id if state else None,
            since=state.reconciling.since if state else None,
            until=state.reconciling.until if state else None,
            comparing=state.place.part.value if state and state.place else None,
            compared=state.compared if state else {},
            result=self.result,
        )

    def show(self) -> None:
        zone = self.state.reconciling.time_zone
        details.show(lambda: describe_reconciliation(self.reconciliation(), zone=zone))
