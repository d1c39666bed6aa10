"""Journeys that do not answer an archive of many: started again where their records are open, as by a request."""

from uuid import UUID

from temporalio import activity

from activities.archive.bulk import voucher_of
from activities.base import Activities, heartbeat
from activities.keeping.resuming import Resuming
from activities.types.archive import JourneysBack, JourneysGone
from activities.types.workflow_ids import AGAIN
from models.reads.epoch import present_epoch
from models.reads.keeping.must_run import must_run
from models.tables.archive.bulk_archive import BulkArchiveRecord
from models.writes.keeping.resumptions import Lost, mark_done, note_resumptions
from rules.keeping import Kept, ResumedBecause

_BECAUSE = "an archive of many needed it"


class GoneJourneyActivities(Activities):
    @activity.defn
    async def bring_journeys_back(self, gone: JourneysGone) -> JourneysBack:
        """Start those that have ended, though their records are open. What an ended one had not taken in, it is told
        again. Done twice, it finds them running."""
        executions = self.deps.executions
        assert executions is not None, "who starts journeys again knows the engine"
        now = await self.now()
        async with self.transaction() as session:
            epoch = str(await present_epoch(session))
            records = await must_run(session, Kept.JOURNEY, before=now, only=gone.client_ids)
        confirmed = await Resuming(self.deps, executions, keeping_id=gone.archive_id, epoch=epoch).confirm(records)
        lost = [one for one in confirmed if one.because is not ResumedBecause.OTHER_EPOCH]  # those run
        await self._write_down(lost, found_by=UUID(gone.archive_id))
        for one in lost:
            await executions.bring_back(
                one.workflow_id, lost_run=one.run_id, epoch=epoch, again=AGAIN, because=_BECAUSE
            )
            heartbeat()
        async with self.transaction() as session:
            runs = [(one.workflow_id, one.run_id) for one in lost if one.run_id is not None]
            await mark_done(session, runs, at=now)
            archive = await session.get_one(BulkArchiveRecord, UUID(gone.archive_id))
        vouching = self.deps.vouching
        return JourneysBack(vouchers={record.key: voucher_of(archive, record.key, vouching) for record in records})

    async def _write_down(self, lost: list[Lost], *, found_by: UUID) -> None:
        """But not those that the engine does not know: of these the keeper tells."""
        ended = [one for one in lost if one.run_id is not None]
        async with self.transaction() as session:
            await note_resumptions(session, ended, found_by=found_by, keeping_id=None, at=await self.now())
