"""Cancellation of a workflow, which is not obeyed: who asked for it is a fact."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities
from activities.types.accounts import CancellationLook
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.caller import via_temporal
from rules.journey.stage import JourneyFacts
from rules.timeline import FactKind


class CancellationActivities(Activities):
    @activity.defn
    async def note_cancellation(self, look: CancellationLook) -> JourneyFacts:
        """Tell the timeline of it, once a run, with whom the engine's record names: it keeps the first of a run."""
        identity = None
        if self.deps.record is not None:
            identity = await self.deps.record.canceller_of(workflow_id=look.workflow_id, run_id=look.run_id)
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, await _client_of(session, look))
            if not await _is_told(session, client, look.run_id):
                tell(
                    session,
                    client,
                    FactKind.CANCELLATION_ASKED,
                    at=now,
                    by=via_temporal(identity),
                    text="Somebody asked the engine to cancel the workflow. Nothing was stopped.",
                    data={"workflow_id": look.workflow_id, "run_id": look.run_id},
                )
            return await project(session, client)


async def _client_of(session: AsyncSession, look: CancellationLook) -> UUID:
    if look.client_id is not None:
        return UUID(look.client_id)
    return (await session.get_one(Appointment, UUID(look.appointment_id))).client_id


async def _is_told(session: AsyncSession, client: Client, run_id: str) -> bool:
    of_the_run = select(Fact.seq).where(
        col(Fact.client_id) == client.id,
        col(Fact.kind) == FactKind.CANCELLATION_ASKED.value,
        col(Fact.data)["run_id"].astext == run_id,
    )
    return (await session.exec(of_the_run)).first() is not None
