"""Comparing the ledger with Stripe: what is certain is healed by the steps that a webhook takes, the rest is a task's.

A discrepancy that a comparison shows is looked at again before anything is done about it, so that it may run at any
moment, and twice. Each step is safe to run again: what it healed it finds healed, and its journey is told again.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities, Dependencies, heartbeat, this_run
from activities.money.reconciliation.comparison import Comparison
from activities.money.reconciliation.discrepancies import close, discrepancy_of, hand_over, note_healed, write_many
from activities.money.reported.refund_rows import adopt_refund, record_refund
from activities.money.stripe_events import RECORDED, InboundActivities
from activities.ports import RefundMade
from activities.types.money import Settled
from activities.types.reconciliation import (
    ComparisonOrder,
    ComparisonPage,
    DiscrepanciesOrder,
    DiscrepanciesSettled,
    JourneyNews,
    OldDiscrepancies,
    OldDiscrepanciesOrder,
    Reconciled,
    ReconciliationEnd,
    ReconciliationOrder,
    Reconciling,
)
from models.reads.journey import journey_facts
from models.reads.money import reconciliation as ledger
from models.tables.clients.client import Client
from models.tables.mail.inbound_event import InboundEvent
from models.tables.money.reconciliation import Reconciliation
from models.writes.keeping.epoch import note_comparison
from models.writes.money.reconciliation import begin_reconciliation
from rules.money.discrepancies import Discrepancy, DiscrepancyKind

USUAL_WINDOW = timedelta(days=30)
_TASKS_AT_ONCE = 50
_EVENTS = {
    DiscrepancyKind.MISSED_PAYMENT: "payment_intent.succeeded",
    DiscrepancyKind.MISSED_DISPUTE: "charge.dispute.updated",
}


class ReconcileActivities(Activities):
    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)
        self._inbound = InboundActivities(dependencies)

    @activity.defn
    async def begin_reconciliation(self, order: ReconciliationOrder) -> Reconciling:
        """Write down that a comparison begins, and from when to when."""
        now = await self.now()
        until = (order.until or now).replace(microsecond=0)
        since = (order.since or until - USUAL_WINDOW).replace(microsecond=0)
        async with self.transaction() as session:
            begun = await begin_reconciliation(
                session, id=UUID(order.id), asked_by=order.asked_by, since=since, until=until, at=now
            )
            return Reconciling(id=order.id, since=begun.since, until=begun.until, time_zone=self.deps.policy.time_zone)

    @activity.defn
    async def compare_books(self, order: ComparisonOrder) -> ComparisonPage:
        """Hold a part of ledger and Stripe against each other."""
        return await self._comparison(await self.now()).look(order)

    @activity.defn
    async def settle_differences(self, order: DiscrepanciesOrder) -> DiscrepanciesSettled:
        """Heal what is certain, and open a task for what is not. Nothing for what is no discrepancy any more."""
        now = await self.now()
        news: list[JourneyNews] = []
        left_out = 0
        for discrepancy in order.findings:
            heartbeat()
            if discrepancy.certain:
                told = await self._heal(order.reconciling.id, discrepancy, at=now)
                news += [told] if told else []
                continue
            still = await self._comparison(now).still(discrepancy)
            if still is None:
                continue
            async with self.transaction() as session:
                handed = await hand_over(session, order.reconciling.id, still, at=now)
            left_out += not handed.listed
            news += [handed.news] if handed.news else []
        return DiscrepanciesSettled(news=tuple(news), left_out=left_out)

    @activity.defn
    async def close_old_differences(self, order: OldDiscrepanciesOrder) -> OldDiscrepancies:
        """Look again at the tasks of earlier comparisons: where both sides agree by now, nothing is left to do."""
        now = await self.now()
        after = UUID(order.after) if order.after else None
        async with self.transaction() as session:
            tasks = await ledger.open_discrepancy_tasks(session, after=after, limit=_TASKS_AT_ONCE)
        news: list[JourneyNews] = []
        for task in tasks:
            heartbeat()
            discrepancy = discrepancy_of(task)
            if discrepancy is None or await self._comparison(now).still(discrepancy) is not None:
                continue
            async with self.transaction() as session:
                told = await close(session, task.id, at=now)
            news += [told] if told else []
        more = str(tasks[-1].id) if len(tasks) == _TASKS_AT_ONCE else None
        return OldDiscrepancies(news=tuple(news), after=more)

    @activity.defn
    async def finish_reconciliation(self, end: ReconciliationEnd) -> Reconciled:
        """Write down that it is done, with what was looked at."""
        now = await self.now()
        async with self.transaction() as session:
            row = await session.get_one(Reconciliation, UUID(end.id), with_for_update=True)
            row.finished_at = row.finished_at or now
            row.stopped = end.stopped
            if not end.stopped:
                await note_comparison(session, row, at=now)
            row.compared = end.compared | ({"left_out": end.left_out} if end.left_out else {})
            session.add(row)
            await write_many(session, left_out=end.left_out, at=now)
            return Reconciled(
                healed=len(row.healed), differences=len(row.differences) + end.left_out, stopped=end.stopped
            )

    # ------------------------------------------------------------ what is certain

    async def _heal(self, id: str, discrepancy: Discrepancy, *, at: datetime) -> JourneyNews | None:
        """What the journey must hear, if there was something to heal."""
        if discrepancy.kind in _EVENTS:
            return await self._as_if_reported(id, discrepancy, _EVENTS[discrepancy.kind], at=at)
        if discrepancy.kind is DiscrepancyKind.STRAY_INTENT:
            await self._call_off(id, discrepancy, at=at)
            return None
        return await self._write_refund(id, discrepancy, at=at)

    async def _as_if_reported(
        self, id: str, discrepancy: Discrepancy, type: str, *, at: datetime
    ) -> JourneyNews | None:
        """Act as on the webhook that never came: an event of our own, which the journey can be told of as well."""
        event_id = f"reconciliation:{id}:{discrepancy.key}"
        about = {"id": discrepancy.dispute or discrepancy.intent, "object": type.rpartition(".")[0]}
        async with self.transaction() as session:
            known = await session.get(InboundEvent, event_id)
        if known is None:
            if await self._comparison(at).still(discrepancy) is None:
                return None
            async with self.transaction() as session:
                event = insert(InboundEvent).values(
                    id=event_id,
                    vendor="reconciliation",
                    type=type,
                    payload={"id": event_id, "type": type, "data": {"object": about}},
                    received_at=at,
                )
                await session.exec(event.on_conflict_do_nothing())
        await self._inbound.handle_inbound_event(event_id)
        async with self.transaction() as session:
            handled = await session.get_one(InboundEvent, event_id)
            if handled.outcome != RECORDED or discrepancy.client_id is None:
                return None  # somebody else is about to record it
            await note_healed(session, id, discrepancy)
        return JourneyNews(client_id=discrepancy.client_id, event_id=event_id)

    async def _call_off(self, id: str, discrepancy: Discrepancy, *, at: datetime) -> None:
        still = await self._comparison(at).still(discrepancy)
        if still is None or still.intent is None:
            return
        key = f"cancel:{still.intent}:{id}:{this_run()}"
        after = await self.deps.payments.cancel_intent(intent=still.intent, key=key)
        if after.status == "canceled":  # else it was paid a moment ago, which the next comparison shows
            async with self.transaction() as session:
                await note_healed(session, id, still)

    async def _write_refund(self, id: str, discrepancy: Discrepancy, *, at: datetime) -> JourneyNews | None:
        if discrepancy.stripe_refund is None or discrepancy.client_id is None:
            return None
        still = await self._comparison(at).still(discrepancy)
        made = await self.deps.payments.retrieve_refund(id=discrepancy.stripe_refund) if still else None
        async with self.transaction() as session:
            if made is None:
                return await self._healed_before(session, id, discrepancy)
            settled = await _recorded(session, discrepancy, made, at=at)
            if settled is None:
                return None
            await note_healed(session, id, discrepancy)
            return JourneyNews(client_id=discrepancy.client_id, facts=settled.journey)

    async def _healed_before(self, session: AsyncSession, id: str, discrepancy: Discrepancy) -> JourneyNews | None:
        """By this comparison, whose answer was lost: the journey may not have heard."""
        row = await session.get_one(Reconciliation, UUID(id))
        if discrepancy.client_id is None or all(healed["key"] != discrepancy.key for healed in row.healed):
            return None
        client = await session.get_one(Client, UUID(discrepancy.client_id))
        return JourneyNews(client_id=discrepancy.client_id, facts=await journey_facts(session, client))

    def _comparison(self, now: datetime) -> Comparison:
        return Comparison(self.deps.sessions, self.deps.payments, now=now)


async def _recorded(
    session: AsyncSession, discrepancy: Discrepancy, made: RefundMade, *, at: datetime
) -> Settled | None:
    if discrepancy.refund_id is not None:
        return await record_refund(session, UUID(discrepancy.refund_id), made, at=at)
    if discrepancy.payment_id is not None:
        return await adopt_refund(session, UUID(discrepancy.payment_id), made, at=at)
    return None
