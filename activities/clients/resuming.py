"""What a run of a client's journey begins with: all of it read from the database."""

from uuid import UUID

from temporalio import activity

from activities.base import Activities
from activities.types.clients import Resumed
from models.reads.journey import journey_facts
from models.reads.keeping.settings import settings_in_force
from models.reads.outbox import reminders_done
from models.tables.clients.client import Client


class ResumingActivities(Activities):
    @activity.defn
    async def resume_journey(self, client_id: str) -> Resumed:
        """Where the client stands, and what of the plan was done. Only reads."""
        async with self.transaction() as session:
            client = await session.get(Client, UUID(client_id))
            if client is None:
                return Resumed(closed=True)
            return Resumed(
                facts=await journey_facts(session, client),
                closed=client.closed_at is not None,
                joined_into=str(client.joined_into) if client.joined_into else None,
                done=tuple(await reminders_done(session, client.id)),
                settings=await settings_in_force(session, self.deps.policy),
            )
