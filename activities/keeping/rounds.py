"""A round of the keeper: what must run by the rows, against what runs by the engine. Each step may run twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from temporalio import activity

from activities.base import Activities, heartbeat
from activities.keeping.anchoring import Anchoring
from activities.keeping.lapsed import close_lapsed_approvals
from activities.keeping.listed import Listing
from activities.keeping.overdue import Overdue
from activities.keeping.restored import Restored
from activities.keeping.resuming import Resuming
from activities.keeping.settings import Telling
from activities.keeping.tasks import open_keeping_task
from activities.keeping.unheard_news import UnheardNews
from activities.types.keeping import (
    Began,
    KeepingDone,
    KeepingEnd,
    KeepingOrder,
    PageKept,
    PageOrder,
    Place,
    SettingsTold,
    TasksOpened,
    WedgedOrder,
)
from models.reads.epoch import present_epoch
from models.reads.keeping.keepings import tasks_opened_by, times_resumed_in
from models.reads.keeping.must_run import (
    FollowedRow,
    is_key,
    is_open,
    known_keys,
    must_run,
    practice_mail_waits,
)
from models.tables.keeping.keeping import Keeping
from models.writes.clients.handed_in import forget_what_nobody_took
from models.writes.events.removing import remove_events
from models.writes.keeping.keepings import begin_keeping
from models.writes.keeping.resumptions import Lost
from models.writes.keeping.sweeping import AT_ONCE, sweep
from rules.enums import TaskKind
from rules.keeping import NOT_YET, PRACTICE_MAIL_ID, WEDGED_AFTER, Kept, ResumedBecause, kept, too_many_wedged

if TYPE_CHECKING:
    from engine.executions import Execution, Executions

log = structlog.get_logger(__name__)

ROWS_AT_A_TIME = 1000
PARTS_A_ROUND = 20  # taken away of what counts for nothing any more: some three million rows of a table a day
PAGES_A_STEP = 10  # that one step looks at, while there is nothing to do


@dataclass(frozen=True, kw_only=True)
class _Page:
    rows: list[FollowedRow]
    place: Place | None
    epoch: str
    busy: bool


class KeepingActivities(Activities):
    wedged_after: timedelta = WEDGED_AFTER

    @property
    def executions(self) -> "Executions":
        assert self.deps.executions is not None, "a keeper knows the engine"
        return self.deps.executions

    @activity.defn
    async def begin_keeping(self, order: KeepingOrder) -> Began:
        """Write down that a round begins; see whether the database is older than what workflows know; tell every chain
        of a new epoch; have Stripe compared where no money may move before it was; and note settings that have
        changed."""
        now = await self.now()
        async with self.transaction() as session:
            await begin_keeping(session, id=UUID(order.id), asked_by=order.asked_by, at=now)
        restored = Restored(self.deps, self.executions, keeping_id=order.id)
        await restored.notice_by_sample(at=now)
        await restored.have_chains_marked(at=now)
        await restored.see_to_the_epoch(at=now)
        tells = await Telling(self.deps, self.executions).is_due(keeping_id=UUID(order.id), at=now)
        async with self.transaction() as session:
            return Began(epoch=str(await present_epoch(session)), tells=tells)

    @activity.defn
    async def tell_settings(self, place: Place) -> SettingsTold:
        """Tell journeys and appointments of the settings in force: the next few hundred."""
        now = await self.now()
        return SettingsTold(place=await Telling(self.deps, self.executions).tell(place, at=now))

    @activity.defn
    async def keep_page(self, order: PageOrder) -> PageKept:
        """Look at the next rows, and start again what is lost: a few pages, or one where there was much to do."""
        now = await self.now()
        resuming = Resuming(self.deps, self.executions, keeping_id=order.keeping_id, epoch=order.epoch)
        await resuming.finish_what_was_begun(before=now, at=now)
        listed = Listing(self.executions)
        looked_at, place = 0, order.place
        for _ in range(PAGES_A_STEP):
            page = await self._keep(order, place, resuming, listed, at=now)
            looked_at += len(page.rows)
            if page.epoch != order.epoch or page.place is None or page.busy:
                return PageKept(looked_at=looked_at, place=page.place, epoch=page.epoch)
            place = page.place
            heartbeat()
        return PageKept(looked_at=looked_at, place=place, epoch=order.epoch)

    async def _keep(
        self, order: PageOrder, place: Place, resuming: Resuming, listed: Listing, *, at: datetime
    ) -> _Page:
        async with self.transaction() as session:
            rows = await must_run(session, place.kind, before=at - NOT_YET, after=place.after, limit=ROWS_AT_A_TIME)
        last = rows[-1].key if len(rows) == ROWS_AT_A_TIME else None
        keys = [row.key for row in rows]
        running = await listed.running(place, until=last, keys=keys)
        suspects = [row for row in rows if row.key not in running or resuming.is_of_another_epoch(running[row.key])]
        if place.kind is Kept.COMPARISON and not all(is_key(place.kind, key) for key in running):
            suspects = []  # one that a schedule began is under way, and has an id of its own
        lost = await resuming.confirm(suspects)
        await resuming.resume(lost, at=at)
        strangers = await self._strangers(place, running, keys)
        restored = Restored(self.deps, self.executions, keeping_id=order.keeping_id)
        epoch = await restored.settle_strangers(strangers, epoch=order.epoch, at=at)
        following = Place(kind=place.kind, after=last) if last else _next_kind(place)
        return _Page(rows=rows, place=following, epoch=epoch, busy=bool(lost))

    async def _strangers(self, place: Place, running: dict[str, "Execution"], keys: list[str]) -> list["Execution"]:
        """Those that run and have no row at all."""
        others = {key for key in running.keys() - set(keys) if is_key(place.kind, key)}
        async with self.transaction() as session:
            known = await known_keys(session, place.kind, others) if others else set()
        return [running[key] for key in sorted(others - known)]

    @activity.defn
    async def keep_wedged(self, order: WedgedOrder) -> TasksOpened:
        """End those whose workflow tasks have failed for long, and start them again; but not if they are many."""
        now = await self.now()
        wedged: list[Lost] = []
        for execution in await self.executions.reporting_problems():
            heartbeat()
            since = await self.executions.fails_since(execution)
            known = kept(execution.workflow_id)
            if since is None or known is None or since > now - self.wedged_after:
                continue
            async with self.transaction() as session:
                record = await is_open(session, *known, now=now)
            if record is not None:
                wedged.append(Lost(record=record, because=ResumedBecause.WEDGED, run_id=execution.run_id))
        if too_many_wedged(len(wedged), looked_at=order.looked_at):
            return await self._call_for_help(order, len(wedged), at=now)
        await Resuming(self.deps, self.executions, keeping_id=order.keeping_id, epoch=order.epoch).resume(
            wedged, at=now
        )
        return TasksOpened()

    async def _call_for_help(self, order: WedgedOrder, number: int, *, at: datetime) -> TasksOpened:
        log.error("many workflows cannot go on: nothing was ended", wedged=number, looked_at=order.looked_at)
        text = (
            f"{number} workflows at once cannot go on. A release that does not fit them, or a worker without one of the"
            " PAYLOAD_KEYS, does this: nothing was ended, and they go on by themselves once that is mended. Any of them"
            " in the Temporal UI shows the error."
        )
        async with self.transaction() as session:
            _ = await open_keeping_task(
                session,
                None,
                keeping_id=order.keeping_id,
                key=f"many-wedged:{at.date().isoformat()}",
                kind=TaskKind.MANY_WEDGED,
                text=text,
                at=at,
            )
        return TasksOpened()

    @activity.defn
    async def note_overdue(self, keeping_id: str) -> TasksOpened:
        """What should have happened by itself and has not, by the rows alone, whatever became of its workflow: what was
        reported, and nobody acted on, is acted on; the day's anchor is made; what waits for nobody, or for a record
        that is closed, is delivered; what has lapsed has no task any more; and what counts for nothing any more, or was
        handed in and nobody took over, is taken away."""
        now = await self.now()
        await Anchoring(self.deps).see_to_it(at=now)
        await self._take_away(at=now)
        async with self.transaction() as session:
            await forget_what_nobody_took(session, now=now)
            waits = await practice_mail_waits(session)
        if waits:
            _ = await self.executions.start(PRACTICE_MAIL_ID, epoch=None)
        unheard = await UnheardNews(self.deps, keeping_id).find(at=now)
        lapsed = await close_lapsed_approvals(self.deps, at=now)
        late = await Overdue(self.deps, keeping_id=keeping_id).note(at=now)
        return TasksOpened(news=(*unheard, *lapsed, *late.news))

    async def _take_away(self, *, at: datetime) -> None:
        """What counts for nothing any more: a part in each transaction, until little is left."""
        for _ in range(PARTS_A_ROUND):
            async with self.transaction() as session:
                swept = await sweep(session, at=at)
                removed = await remove_events(session, before=at - self.deps.policy.events_kept, most=AT_ONCE)
            heartbeat()
            if max(removed, *swept.values()) < AT_ONCE:
                return

    @activity.defn
    async def finish_keeping(self, end: KeepingEnd) -> KeepingDone:
        """Write down that the round is over, and what it came to."""
        now = await self.now()
        id = UUID(end.id)
        async with self.transaction() as session:
            row = await session.get_one(Keeping, id, with_for_update=True)
            row.finished_at = row.finished_at or now
            row.looked_at = end.looked_at
            row.tasks = await tasks_opened_by(session, id)
            session.add(row)
            resumed = await times_resumed_in(session, id)
            return KeepingDone(looked_at=end.looked_at, resumed=resumed, tasks=row.tasks)


def _next_kind(place: Place) -> Place | None:
    following = place.kind.following
    return Place(kind=following) if following else None
