"""Archives of many clients: who is next, and what became of those asked. The archiving is done by their journeys."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities
from activities.types.archive import (
    ArchiveOrder,
    BulkArchiveOrder,
    BulkBegun,
    BulkLook,
    BulkProgress,
    BulkRound,
)
from activities.types.workflow_ids import ARCHIVE, journey_id
from engine.vouching import Vouching
from models.reads.archive import bulk as bulk_archives
from models.reads.clients.step_answers import ARCHIVE_CLIENT, answered
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from models.writes.archive.bulk import lock_bulk_archive
from rules.accounts.caller import Voucher
from rules.accounts.vouching import vouched
from rules.archive.bulk import AT_A_TIME, LineSituation, LineState, became, request_id_of
from rules.enums import ArchiveResult

_LOOK_AT = 200  # lines at a time of those that were not asked yet: many of them may be skipped


class BulkArchiveActivities(Activities):
    @activity.defn
    async def begin_bulk_archive(self, id: str) -> BulkBegun:
        """What was asked for, and how far it is: whoever asked has written it down."""
        async with self.transaction() as session:
            row = await session.get_one(BulkArchiveRecord, UUID(id))
            return BulkBegun(
                order=BulkArchiveOrder(id=id, asked_by=row.asked_by, asked_at=row.asked_at, notify=row.notify),
                progress=await _progress(session, row.id),
                stopped=row.stopped_at is not None,
                history_limit=self.deps.policy.history_limit,
            )

    @activity.defn
    async def stop_bulk_archive(self, id: str) -> None:
        """Write down that nobody else is to be asked, for whoever works it off from now on."""
        now = await self.now()
        async with self.transaction() as session:
            archive = await lock_bulk_archive(session, UUID(id))
            archive.stopped_at = archive.stopped_at or now

    @activity.defn
    async def work_off_bulk_archive(self, order: BulkRound) -> BulkLook:
        """Record what became of the clients so far, and name the next. Done twice, it names the same ones again."""
        now = await self.now()
        id = UUID(order.id)
        asked = {UUID(client_id): LineState.TOLD for client_id in order.told}
        asked |= {UUID(client_id): LineState.GONE for client_id in order.gone}
        asked |= {UUID(client_id): LineState.LATE for client_id in order.late}
        waiting: list[str] = []
        following: list[str] = []
        async with self.transaction() as session:
            archive = await lock_bulk_archive(session, id)
            if order.stopped:
                archive.stopped_at = archive.stopped_at or now
            lines = await bulk_archives.open_lines(session, id, asked=asked, limit=_LOOK_AT)
            recorded = await answered(session, ARCHIVE_CLIENT, {of: request_id_of(order.id, str(of)) for of in asked})
            for line, client in lines:
                situation = LineSituation(
                    asked=asked.get(line.client_id, LineState.NOT_YET),
                    recorded=line.client_id in recorded,
                    status=client.status,
                    closed=client.closed_at is not None,
                    joined=client.joined_into is not None,
                )
                result = became(situation, stopped=archive.stopped_at is not None)
                if result is not None:
                    line.result, line.because, line.done_at = result.result, result.because, now
                    session.add(line)
                elif line.client_id in asked:
                    waiting.append(str(line.client_id))
                elif len(waiting) + len(following) < AT_A_TIME:
                    following.append(str(line.client_id))
            return BulkLook(
                progress=await _progress(session, id),
                waiting=tuple(waiting),
                next=tuple(following),
                vouchers={of: voucher_of(archive, of, self.deps.vouching) for of in following},
            )

    @activity.defn
    async def finish_bulk_archive(self, id: str) -> BulkProgress:
        """The end of it. Whoever recorded it late, after all, is archived after all."""
        now = await self.now()
        async with self.transaction() as session:
            archive = await lock_bulk_archive(session, UUID(id))
            if archive.finished_at is None:
                await _look_again(session, archive.id, at=now)
                archive.finished_at = now
                session.add(archive)
            return await _progress(session, archive.id)


def voucher_of(archive: BulkArchiveRecord, client_id: str, vouching: Vouching) -> Voucher:
    """One client's archive is asked for by whoever asked for all of them."""
    order = ArchiveOrder(
        client_id=client_id,
        request_id=request_id_of(str(archive.id), client_id),
        by=archive.asked_by,
        of_many=str(archive.id),
        notify=archive.notify,
    )
    signed = vouched(order, workflow_id=journey_id(client_id), message=ARCHIVE, sign=vouching.sign)
    assert signed.voucher is not None
    return signed.voucher


async def _look_again(session: AsyncSession, id: UUID, *, at: datetime) -> None:
    lines: dict[UUID, BulkArchiveLine] = {
        line.client_id: line for line in await bulk_archives.lines_not_archived(session, id)
    }
    requests = {client_id: request_id_of(str(id), str(client_id)) for client_id in lines}
    for client_id in await answered(session, ARCHIVE_CLIENT, requests):
        line = lines[client_id]
        line.result, line.because, line.done_at = ArchiveResult.ARCHIVED, None, at
        session.add(line)


async def _progress(session: AsyncSession, id: UUID) -> BulkProgress:
    await session.flush()
    numbers = (await bulk_archives.numbers(session, [id]))[id]
    return BulkProgress(
        total=sum(numbers.values()),
        archived=numbers.get(ArchiveResult.ARCHIVED, 0),
        skipped=numbers.get(ArchiveResult.SKIPPED, 0),
        failed=numbers.get(ArchiveResult.FAILED, 0),
    )
