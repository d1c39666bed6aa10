"""Reencryption: what is sealed with an older key is sealed anew, in the background. Each step may run twice."""

from uuid import UUID

from temporalio import activity

from activities.base import Activities, heartbeat
from activities.types.sealing import SealingBegun, SealingEnd, SealingLook, SealingOrder, SealingPlace
from models.reads.keeping.sealed_rows import sealed_tables
from models.tables.keeping.reencryption import Reencryption
from models.writes.keeping.reencryptions import begin_reencryption, seal_page
from rules.accounts.caller import SYSTEM

ROWS_A_STEP, SEALED_A_STEP = 5000, 500  # after which a step answers how far it has come


class SealingActivities(Activities):
    @activity.defn
    async def begin_reencryption(self, id: str) -> SealingBegun:
        """Write down that a round begins, unless whoever asked has."""
        now = await self.now()
        async with self.transaction() as session:
            await begin_reencryption(session, id=UUID(id), asked_by=SYSTEM, at=now)
        return SealingBegun(place=SealingPlace(table=sealed_tables()[0]))

    @activity.defn
    async def seal_rows(self, order: SealingOrder) -> SealingLook:
        """Seal the next rows anew, by the first key that this worker has: some hundreds, or look at some thousands."""
        looked_at = sealed = unreadable = 0
        place: SealingPlace | None = order.place
        while place is not None and looked_at < ROWS_A_STEP and sealed < SEALED_A_STEP:
            page = await seal_page(self.deps.sessions, place.table, after=place.after)
            looked_at, sealed = looked_at + page.looked_at, sealed + page.sealed
            unreadable += page.unreadable
            place = SealingPlace(table=place.table, after=page.last) if page.last else _next_table(place)
            heartbeat()
        return SealingLook(looked_at=looked_at, sealed=sealed, unreadable=unreadable, place=place)

    @activity.defn
    async def finish_reencryption(self, end: SealingEnd) -> None:
        now = await self.now()
        async with self.transaction() as session:
            row = await session.get_one(Reencryption, UUID(end.id), with_for_update=True)
            if row.finished_at is None:
                row.finished_at, row.sealed, row.unreadable = now, end.sealed, end.unreadable


def _next_table(place: SealingPlace) -> SealingPlace | None:
    tables = sealed_tables()
    following = tables.index(place.table) + 1
    return SealingPlace(table=tables[following]) if following < len(tables) else None
