"""What should have happened by itself and has not, by the rows alone: each is a task, once."""

from datetime import datetime
from typing import TYPE_CHECKING

from activities.base import Dependencies
from activities.keeping.tasks import open_keeping_task
from activities.types.keeping import JourneyHears, TasksOpened
from models.reads.journey import project
from models.reads.keeping import overdue as reads
from models.writes.locks import lock_client
from rules.enums import TaskKind
from rules.keeping import A_DAY, LATE_BY

if TYPE_CHECKING:
    from collections.abc import Sequence


class Overdue:
    def __init__(self, deps: Dependencies, *, keeping_id: str) -> None:
        self._deps = deps
        self._keeping_id = keeping_id

    async def note(self, *, at: datetime) -> TasksOpened:
        async with self._deps.sessions() as session:
            late: Sequence[reads.Late] = [
                *await reads.payments_past_their_deadline(session, before=at - LATE_BY),
                *await reads.sessions_unmarked(session, before=at - self._deps.policy.outcome_task - LATE_BY),
                *await reads.undelivered(session, before=at - LATE_BY),
                *await reads.tried_in_vain(session, at=at),
                *await reads.running_for_long(session, before=at - A_DAY),
            ]
        news = [told for each in late if (told := await self._open(each, at=at)) is not None]
        return TasksOpened(news=tuple(news))

    async def _open(self, late: reads.Late, *, at: datetime) -> JourneyHears | None:
        async with self._deps.sessions() as session:
            client = await lock_client(session, late.client_id) if late.client_id else None
            opened = await open_keeping_task(
                session,
                client,
                keeping_id=self._keeping_id,
                key=late.key,
                kind=TaskKind.OUTCOME_MISSING if late.outcome_missing else TaskKind.OVERDUE,
                text=late.text.format(ref=client.ref if client else ""),
                at=at,
                appointment_id=late.appointment_id,
                payment_id=late.payment_id,
            )
            facts = await project(session, client) if opened and client is not None else None
            await session.commit()
        return JourneyHears(client_id=str(late.client_id), facts=facts) if facts else None
