"""Starting a workflow again that a request needs and that has ended, though its record is open."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from temporalio.service import RPCError

from api.problems import EngineUnavailable
from engine.clock import Clock
from engine.executions import Execution, Executions
from models.database import Sessions
from models.reads.epoch import present_epoch
from models.reads.keeping.must_run import FollowedRow, is_open, known_keys
from models.writes.keeping.resumptions import Lost, lost_run, mark_done, note_resumptions, run_key
from rules.keeping import ResumedBecause, kept
from workflows.messages import AGAIN

_BECAUSE = "a request needed it"


@dataclass(frozen=True, kw_only=True)
class Resumer:
    """What the API knows of workflows that should run: by the rows, as the keeper does."""

    sessions: Sessions
    executions: Executions
    clock: Clock

    async def epoch(self) -> str:
        """Of the database: what is started now carries it."""
        async with self.sessions() as session:
            return str(await present_epoch(session))

    async def has_row(self, workflow_id: str) -> bool:
        known = kept(workflow_id)
        if known is None:
            return False
        async with self.sessions() as session:
            return bool(await known_keys(session, known[0], [known[1]]))

    async def resume(self, workflow_id: str) -> bool:
        """Start this workflow, which was found to have ended, if its record is open. False if it is closed.

        What the lost run had not taken in is sent again first, so that it comes before what the request asks. Raises
        EngineUnavailable.
        """
        known = kept(workflow_id)
        now = await self.clock.now()
        async with self.sessions() as session:
            record = await is_open(session, *known, now=now) if known else None
            epoch = str(await present_epoch(session))
        if record is None:
            return False
        try:
            await self._start(record, await self.executions.look_at(workflow_id), epoch=epoch)
        except (RPCError, RuntimeError) as error:
            raise EngineUnavailable from error
        return True

    async def _start(self, record: FollowedRow, execution: Execution | None, *, epoch: str) -> None:
        now = await self.clock.now()
        found_by: UUID = uuid4()
        if execution is None:  # about to start for the first time, or unknown to a new engine: the keeper tells of that
            await self.executions.start(record.workflow_id, epoch=epoch)
            return
        if execution.runs:
            return
        lost = Lost(
            record=record,
            because=ResumedBecause(execution.status),
            run_id=execution.run_id,
            by=await self.executions.ended_by(execution),
        )
        async with self.sessions() as session:
            await note_resumptions(session, [lost], found_by=found_by, keeping_id=None, at=now)
            await session.commit()
        run = run_key(lost.run_id, found_by)
        await self.executions.bring_back(
            lost.workflow_id, lost_run=lost_run(run), epoch=epoch, again=AGAIN, because=_BECAUSE
        )
        async with self.sessions() as session:
            await mark_done(session, [(lost.workflow_id, run)], at=now)
            await session.commit()
