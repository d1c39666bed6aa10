"""What is started again, written down before it is: with a fact for the client whom it concerns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.keeping.must_run import FollowedRow
from models.tables.clients.client import Client
from models.tables.keeping.keeping import Resumption
from models.writes.locks import lock_clients
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM, via_temporal
from rules.keeping import Kept, ResumedBecause
from rules.timeline import FactKind

_WHAT = {
    Kept.JOURNEY: "The journey",
    Kept.APPOINTMENT: "What follows an appointment",
    Kept.WAITLIST: "The waitlist",
    Kept.BULK_ARCHIVE: "An archive of many clients",
    Kept.COMPARISON: "A comparison with Stripe",
    Kept.REENCRYPTION: "A reencryption",
    Kept.WEBHOOK: "What tells a program of events",
    Kept.CALENDAR: "What reads a therapist's own calendar",
}


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A workflow that must run and does not, or cannot go on. ``run_id`` is that of the lost run; None where the engine
    knew none. ``by`` is the identity of whoever ended it, where the history tells."""

    record: FollowedRow
    because: ResumedBecause
    run_id: str | None = None
    by: str | None = None

    @property
    def workflow_id(self) -> str:
        return self.record.workflow_id

    def told(self) -> str:
        by = f" by {via_temporal(self.by)}" if self.by else ""
        return f"{_WHAT[self.record.kind]} was started again from the database: {self.because.told}{by}."


async def note_resumptions(
    session: AsyncSession, lost: Sequence[Lost], *, found_by: UUID, keeping_id: UUID | None, at: datetime
) -> None:
    """Write down what is about to be started again, once for each lost run; each client hears of it in one fact.

    ``found_by``: the round or the request, which stands for the run where there was none.
    """
    by_client: defaultdict[UUID, list[Lost]] = defaultdict(list)
    for one in lost:
        if await _write(session, one, found_by=found_by, keeping_id=keeping_id, at=at) and one.record.client_id:
            by_client[one.record.client_id].append(one)
    for client in await lock_clients(session, by_client):
        _tell(session, client, by_client[client.id], at=at)


async def mark_done(session: AsyncSession, runs: Sequence[tuple[str, str]], *, at: datetime) -> None:
    """These (workflow, lost run) run again, and know what was said to the lost run."""
    if runs:
        which = tuple_(col(Resumption.workflow_id), col(Resumption.run_id)).in_(runs)
        await session.exec(update(Resumption).where(which, col(Resumption.done_at).is_(None)).values(done_at=at))


def run_key(run_id: str | None, found_by: UUID) -> str:
    """What stands for the lost run in its row."""
    return run_id or f"none:{found_by}"


def lost_run(run_key: str) -> str | None:
    return None if run_key.startswith("none:") else run_key


async def _write(session: AsyncSession, lost: Lost, *, found_by: UUID, keeping_id: UUID | None, at: datetime) -> bool:
    row = insert(Resumption).values(
        workflow_id=lost.workflow_id,
        run_id=run_key(lost.run_id, found_by),
        because=lost.because,
        by=lost.by,
        client_id=lost.record.client_id,
        keeping_id=keeping_id,
        at=at,
    )
    fresh = row.on_conflict_do_nothing().returning(col(Resumption.workflow_id))
    return (await session.exec(fresh)).first() is not None


def _tell(session: AsyncSession, client: Client, lost: Sequence[Lost], *, at: datetime) -> None:
    first = next((one for one in lost if one.record.kind is Kept.JOURNEY), lost[0])
    more = f" So were {len(lost) - 1} more of this client's workflows." if len(lost) > 1 else ""
    tell(
        session,
        client,
        FactKind.JOURNEY_RESUMED,
        at=at,
        by=SYSTEM,
        text=first.told() + more,
        data={
            "workflows": [
                {"workflow_id": one.workflow_id, "because": one.because.value} | ({"by": one.by} if one.by else {})
                for one in lost
            ]
        },
    )
