"""Starting again what was lost: written down first, so that what a crash leaves half done is found and finished."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from activities.base import Dependencies, heartbeat
from activities.keeping.tasks import open_keeping_task
from activities.types.workflow_ids import AGAIN
from engine.executions import Execution, Executions, is_away
from models.reads.keeping.keepings import not_done, resumed_since
from models.reads.keeping.must_run import FollowedRow, must_run
from models.writes.keeping.resumptions import Lost, lost_run, mark_done, note_resumptions, run_key
from models.writes.locks import lock_client
from rules.enums import TaskKind
from rules.keeping import A_DAY, TIMES_A_DAY, ResumedBecause

log = structlog.get_logger(__name__)

_AT_ONCE = 20
_IN_ONE_TRANSACTION = 50
_AT_ONE_LOOK = 1000
REASON = "The keeper: {because}. It is started again from the database."


class Resuming:
    """``executions`` is the engine; ``epoch`` is the database's."""

    def __init__(self, deps: Dependencies, executions: Executions, *, keeping_id: str, epoch: str) -> None:
        self._deps = deps
        self._executions = executions
        self._keeping_id = keeping_id
        self._epoch = epoch

    async def confirm(self, suspects: Sequence[FollowedRow]) -> list[Lost]:
        """Those of these rows whose workflow does not run, by the engine's own word on each, or is from another epoch,
        and must run still, by the row as it is now."""
        executions = await self._executions.look_at_all(record.workflow_id for record in suspects)
        found = [
            (record, because, executions[record.workflow_id])
            for record in suspects
            if (because := self._because(executions[record.workflow_id])) is not None
        ]
        still = await self._must_run_still([record for record, _, _ in found])
        return [
            Lost(
                record=record,
                because=because,
                run_id=execution.run_id if execution else None,
                by=await self._executions.ended_by(execution) if execution and not execution.runs else None,
            )
            for record, because, execution in found
            if record.workflow_id in still
        ]

    async def resume(self, lost: Sequence[Lost], *, at: datetime) -> None:
        """Start these again, but leave those that keep ending, with a task."""
        for first in range(0, len(lost), _IN_ONE_TRANSACTION):
            few = await self._left_out(lost[first : first + _IN_ONE_TRANSACTION], at=at)
            async with self._deps.sessions() as session:
                await note_resumptions(
                    session, few, found_by=UUID(self._keeping_id), keeping_id=UUID(self._keeping_id), at=at
                )
                await session.commit()
            await self._bring_back(
                [(one.workflow_id, run_key(one.run_id, UUID(self._keeping_id)), one.because) for one in few], at=at
            )
            heartbeat()

    async def finish_what_was_begun(self, *, before: datetime, at: datetime) -> None:
        """What somebody wrote down and, perhaps, died of: a request, or a round before."""
        async with self._deps.sessions() as session:
            undone = await not_done(session, before=before, limit=_AT_ONE_LOOK)
        for first in range(0, len(undone), _IN_ONE_TRANSACTION):
            few = undone[first : first + _IN_ONE_TRANSACTION]
            await self._bring_back([(row.workflow_id, row.run_id, row.because) for row in few], at=at)
            heartbeat()

    # ------------------------------------------------------------ how

    def _because(self, execution: Execution | None) -> ResumedBecause | None:
        if execution is None:
            return ResumedBecause.MISSING
        if not execution.runs:
            return ResumedBecause(execution.status)
        return ResumedBecause.OTHER_EPOCH if self.is_of_another_epoch(execution) else None

    def is_of_another_epoch(self, execution: Execution) -> bool:
        """One without any was started by somebody who knows nothing of epochs, and may be as old."""
        return execution.epoch != self._epoch

    async def _must_run_still(self, records: Sequence[FollowedRow]) -> set[str]:
        """The rows are looked at after the engine: what has ended as it should has said so in its row before."""
        now = await self._deps.clock.now()
        still: set[str] = set()
        async with self._deps.sessions() as session:
            for kind in {record.kind for record in records}:
                keys = [record.key for record in records if record.kind is kind]
                still |= {record.workflow_id for record in await must_run(session, kind, before=now, only=keys)}
        return still

    async def _left_out(self, lost: Sequence[Lost], *, at: datetime) -> list[Lost]:
        async with self._deps.sessions() as session:
            times = await resumed_since(session, [one.workflow_id for one in lost], at - A_DAY)
            keep_ending = [
                one
                for one in lost
                if one.because is not ResumedBecause.OTHER_EPOCH and times.get(one.workflow_id, 0) >= TIMES_A_DAY
            ]
            for one in sorted(keep_ending, key=lambda one: str(one.record.client_id)):
                client = await lock_client(session, one.record.client_id) if one.record.client_id else None
                await open_keeping_task(
                    session,
                    client,
                    keeping_id=self._keeping_id,
                    key=f"keeps-ending:{one.workflow_id}:{one.run_id or at.date().isoformat()}",
                    kind=TaskKind.KEEPS_ENDING,
                    text=(
                        f"The workflow {one.workflow_id} was started again {TIMES_A_DAY} times within a day, and ended"
                        f" again: {one.because.told}. It is left as it is. Its history in the Temporal UI shows why;"
                        f" `python -m ops.resume {one.workflow_id}` starts it again."
                    ),
                    at=at,
                )
            await session.commit()
        return [one for one in lost if one not in keep_ending]

    async def _bring_back(self, runs: Sequence[tuple[str, str, ResumedBecause]], *, at: datetime) -> None:
        """One that cannot be brought back holds up no other: it stays undone, and the next round tries it again.

        Raises what the engine said where it is the engine that is away.
        """
        places = asyncio.Semaphore(_AT_ONCE)

        async def bring(workflow_id: str, run: str, because: ResumedBecause) -> None:
            async with places:
                await self._executions.bring_back(
                    workflow_id,
                    lost_run=lost_run(run),
                    epoch=self._epoch,
                    again=AGAIN,
                    because=REASON.format(because=because.told),
                )

        ends = await asyncio.gather(*(bring(*run) for run in runs), return_exceptions=True)
        failed = {run: end for run, end in zip(runs, ends, strict=True) if end is not None}
        async with self._deps.sessions() as session:
            await mark_done(session, [(workflow_id, run) for workflow_id, run, _ in set(runs) - set(failed)], at=at)
            await session.commit()
        for (workflow_id, _, _), error in failed.items():
            if is_away(error) or not isinstance(error, Exception):
                raise error
            log.error("a workflow cannot be started again", workflow_id=workflow_id, error=str(error))
