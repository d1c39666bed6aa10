"""A database that was restored from a copy: noticing it, what it has no row for, and having Stripe compared."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, heartbeat
from activities.keeping.tasks import open_keeping_task
from activities.types.workflow_ids import journey_id
from models.reads.epoch import newest_epoch
from models.reads.keeping.keepings import comparisons_under_way, lately_seen, newest_fact_at, versions
from models.tables.keeping.epoch import Epoch
from models.writes.keeping.epoch import begin_epoch, counts_for
from models.writes.keeping.marks import mark_chains
from models.writes.money.reconciliation import begin_reconciliation
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.keeping import NOT_YET, Kept, MarkedBy, kept

if TYPE_CHECKING:
    from engine.executions import Execution, Executions

log = structlog.get_logger(__name__)

_SAMPLE = 10
_QUERY = {Kept.JOURNEY: "journey", Kept.APPOINTMENT: "appointment"}
_USUAL = timedelta(days=30)


class Restored:
    def __init__(self, deps: Dependencies, executions: "Executions", *, keeping_id: str) -> None:
        self._deps = deps
        self._executions = executions
        self._keeping_id = keeping_id

    # ------------------------------------------------------------ noticing

    async def notice_by_sample(self, *, at: datetime) -> None:
        """Ask a few journeys how much they know. One that knows more than its row shows that the database is a copy."""
        async with self._deps.sessions() as session:
            clients = await lately_seen(session, now=at, limit=_SAMPLE)
        asked = (self._executions.tells(journey_id(str(client)), _QUERY[Kept.JOURNEY]) for client in clients)
        told = dict(zip(clients, await asyncio.gather(*asked), strict=True))
        async with self._deps.sessions() as session:
            rows = await versions(session, clients)  # after the journeys: what they know was in the database before
        if any(answer and _version(answer) > rows.get(client, 0) for client, answer in told.items()):
            await self._begin_epoch(at=at)

    async def settle_strangers(self, strangers: list["Execution"], *, epoch: str, at: datetime) -> str:
        """What runs and has no row: of an earlier epoch, it is ended, with a task. Of this one, it shows that the
        database is older than the engine: an epoch begins. Returns the epoch that is."""
        for stranger in strangers:
            heartbeat()
            if stranger.started_at > at - NOT_YET:
                continue
            told = await self._tells(stranger)
            if stranger.epoch is None or stranger.epoch != epoch:
                await self._end(stranger, told, at=at)
            elif told is not None:  # else its row is still to be written
                return await self._begin_epoch(at=at)
        return epoch

    async def _tells(self, stranger: "Execution") -> dict[str, Any] | None:
        known = kept(stranger.workflow_id)
        query = _QUERY.get(known[0]) if known else None
        return await self._executions.tells(stranger.workflow_id, query) if query else None

    async def _end(self, stranger: "Execution", told: dict[str, Any] | None, *, at: datetime) -> None:
        who = f" It was about {_about(told)}." if told else ""
        async with self._deps.sessions() as session:
            await open_keeping_task(
                session,
                None,
                keeping_id=self._keeping_id,
                key=f"no-record:{stranger.workflow_id}",
                kind=TaskKind.NO_RECORD,
                text=(
                    f"The workflow {stranger.workflow_id} has no row in this database: what it did came after the copy"
                    f" that was restored.{who} It was ended. Its history in the Temporal UI shows what was asked of it:"
                    " whatever of that is still wanted must be entered again."
                ),
                at=at,
            )
            await session.commit()
        await self._executions.end(
            stranger.workflow_id, stranger.run_id, because="The keeper: it has no row in this database."
        )

    async def _begin_epoch(self, *, at: datetime) -> str:
        """Once a round: its id follows from the round's."""
        epoch = uuid5(NAMESPACE_OID, f"epoch of keeping {self._keeping_id}")
        log.error("the database is older than its workflows: a new epoch begins", epoch=str(epoch))
        async with self._deps.sessions() as session:
            if (await newest_epoch(session)).epoch != epoch:
                await begin_epoch(session, epoch=epoch, at=at, marked=False)
                await session.commit()
        return str(epoch)

    async def have_chains_marked(self, *, at: datetime) -> None:
        """Where nobody has, or somebody died of it: write the present epoch into every client's chain, as the keeper's
        own mark. It excuses nothing: the epoch may be made up by whoever owns the tables."""
        _ = await mark_chains(self._deps.sessions, at=at, by=MarkedBy.KEEPER, progress=lambda _: heartbeat())

    # ------------------------------------------------------------ Stripe

    async def see_to_the_epoch(self, *, at: datetime) -> None:
        """After a restore: tell the care team, once, what no machine can find out, whoever compares what with Stripe;
        and begin a comparison of all that may be missing, unless there is one."""
        async with self._deps.sessions() as session:
            epoch = await newest_epoch(session)
            if epoch.told_at is None:
                await self._tell_care_team(session, epoch, at=at)
            compared = epoch.compared_at is not None or any(
                counts_for(epoch, comparison)
                for comparison in await comparisons_under_way(session, since=epoch.began_at)
            )
            id = uuid5(NAMESPACE_OID, f"comparison of keeping {self._keeping_id}")
            if not compared:
                since = min(at - _USUAL, epoch.missing_since)
                await begin_reconciliation(session, id=id, asked_by=SYSTEM, since=since, until=at, at=at)
            await session.commit()
        if not compared:
            await self._executions.start(Kept.COMPARISON.id_of(str(id)), epoch=str(epoch.epoch))

    async def _tell_care_team(self, session: AsyncSession, epoch: Epoch, *, at: datetime) -> None:
        await open_keeping_task(
            session,
            None,
            keeping_id=self._keeping_id,
            key=f"restored:{epoch.epoch}",
            kind=TaskKind.RESTORED,
            text=_what_to_do(await newest_fact_at(session, before=epoch.began_at)),
            at=at,
        )
        epoch.told_at = at
        session.add(epoch)


def _what_to_do(copied: datetime | None) -> str:
    since = f"{copied:%d %b %Y %H:%M} UTC" if copied else "it was made"
    return (
        f"The database was restored from a copy: what happened after {since} is not in it. Payments and refunds come"
        " back by the comparison with Stripe; until that has ended nothing is charged or refunded. What"
        " was booked, moved, cancelled, marked or filled in after that must be entered again: ask the therapists for"
        " their calendars. Mails of that time may go out a second time; SendGrid's activity feed shows which went out."
    )


def _version(told: dict[str, Any]) -> int:
    version = told.get("version")
    return version if isinstance(version, int) else 0


def _about(told: dict[str, Any]) -> str:
    if "ref" in told:
        return f"client {told['ref']}, stage {told.get('stage')}"
    return f"an appointment ({told.get('type')}, {told.get('status')}) at {told.get('starts_at')}"
