"""Settings that have changed: every journey and every appointment is told, and plans anew."""

import asyncio
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, heartbeat
from activities.keeping.tasks import has_open_task, open_keeping_task
from activities.types.keeping import Place
from activities.types.workflow_ids import SETTINGS_CHANGED
from models.reads.keeping.must_run import must_run
from models.reads.keeping.settings import policy_of, settings_rows, settings_seen
from models.writes.keeping.settings import Look, note_settings, note_telling
from rules.enums import TaskKind
from rules.keeping import Kept, settings_differ

if TYPE_CHECKING:
    from engine.executions import Executions

_TOLD = (Kept.JOURNEY, Kept.APPOINTMENT)  # a waitlist reads the settings at each look
_AT_A_TIME = 500
_AT_ONCE = 40

log = structlog.get_logger(__name__)


class Telling:
    """One signal each, sent again where a step dies in the middle: what is known already changes nothing. Which
    settings are in force stands in the rows, so that it does not matter which worker tells."""

    def __init__(self, deps: Dependencies, executions: "Executions") -> None:
        self._deps = deps
        self._executions = executions

    async def is_due(self, *, keeping_id: UUID, at: datetime) -> bool:
        """Whether settings are others than everybody was told; that they are is noted, and that workers differ."""
        look = Look(keeping_id=keeping_id, by=self._executions.identity, policy=self._deps.policy)
        async with self._deps.sessions() as session:
            due = await note_settings(session, look, at=at)
            await open_where_settings_differ(session, keeping_id=keeping_id, at=at)
            await session.commit()
        return due

    async def tell(self, place: Place, *, at: datetime) -> Place | None:
        """Tell the next few; None when all of them know."""
        async with self._deps.sessions() as session:
            rows = await must_run(session, place.kind, before=at, after=place.after, limit=_AT_A_TIME)
        places = asyncio.Semaphore(_AT_ONCE)

        async def tell(workflow_id: str) -> None:
            async with places:
                await self._executions.signal(workflow_id, SETTINGS_CHANGED)
                heartbeat()

        _ = await asyncio.gather(*(tell(row.workflow_id) for row in rows))
        if len(rows) == _AT_A_TIME:
            return Place(kind=place.kind, after=rows[-1].key)
        following = _TOLD.index(place.kind) + 1
        if following < len(_TOLD):
            return Place(kind=_TOLD[following])
        async with self._deps.sessions() as session:
            newest = (await settings_rows(session))[-1]
            await note_telling(session, newest.number)
            await session.commit()
        return None


async def open_where_settings_differ(session: AsyncSession, *, keeping_id: UUID, at: datetime) -> None:
    """A task that says what differs, and where: one at a time, and one a day at most."""
    seen = await settings_seen(session)
    by = {policy_of(each): each.seen_by for each in seen}
    if not settings_differ([policy_of(each) for each in seen]):
        return
    if await has_open_task(session, TaskKind.SETTINGS_DIFFER):
        return
    names = [one.name for one in fields(next(iter(by))) if len({getattr(policy, one.name) for policy in by}) > 1]
    text = (
        f"Workers run with different settings: {', '.join(names)}. Lately seen on {' and on '.join(by.values())}."
        " Start all of them, and the servers, with the same. Journeys keep to those in force meanwhile, and hear of"
        " others once these have stood for two hours."
    )
    key = f"settings-differ:{at.date().isoformat()}"
    if await open_keeping_task(
        session, None, keeping_id=str(keeping_id), key=key, kind=TaskKind.SETTINGS_DIFFER, text=text, at=at
    ):
        log.error("workers run with different settings", settings=names, workers=list(by.values()))
