"""Settings that have changed: every journey and every appointment is told, and plans anew."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from activities.base import Dependencies, heartbeat
from activities.types.keeping import Place
from activities.types.workflow_ids import SETTINGS_CHANGED
from models.reads.keeping.must_run import must_run
from models.reads.keeping.settings import settings_rows
from models.writes.keeping.settings import note_settings, note_telling
from rules.keeping import Kept

if TYPE_CHECKING:
    from engine.executions import Executions

_TOLD = (Kept.JOURNEY, Kept.APPOINTMENT)  # a waitlist reads the settings at each look
_AT_A_TIME = 500
_AT_ONCE = 40


class Telling:
    """One signal each, sent again where a step dies in the middle: what is known already changes nothing. Which
    settings are in force stands in the rows, so that it does not matter which worker tells."""

    def __init__(self, deps: Dependencies, executions: "Executions") -> None:
        self._deps = deps
        self._executions = executions

    async def is_due(self, *, at: datetime) -> bool:
        """Whether settings are others than everybody was told; that they are is noted."""
        async with self._deps.sessions() as session:
            due = await note_settings(session, self._deps.policy, at=at)
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
