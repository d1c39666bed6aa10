"""What a run of a client's journey begins with: all of it read from the database."""

from uuid import UUID

from sqlmodel import col, select
from temporalio import activity

from activities.base import Activities
from activities.types.clients import Resumed
from models.reads.journey import journey_facts
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from rules.journey.reminders import MAILS_OF_A_JOURNEY

_NEWEST = 50  # marks: what is older has long passed out of every plan


class ResumingActivities(Activities):
    @activity.defn
    async def resume_journey(self, client_id: str) -> Resumed:
        """Where the client stands, and what of the plan was done. Only reads."""
        async with self.transaction() as session:
            client = await session.get(Client, UUID(client_id))
            if client is None:
                return Resumed(closed=True)
            marks = (
                select(OutboxItem.key, OutboxItem.template)
                .where(col(OutboxItem.client_id) == client.id, col(OutboxItem.template).in_(MAILS_OF_A_JOURNEY))
                .order_by(col(OutboxItem.seq).desc())
                .limit(_NEWEST)
            )
            done = [key.removeprefix(f"{template}:{client_id}:") for key, template in (await session.exec(marks)).all()]
            return Resumed(
                facts=await journey_facts(session, client),
                closed=client.closed_at is not None,
                joined_into=str(client.joined_into) if client.joined_into else None,
                done=tuple(done),
                policy=self.deps.policy,
            )
