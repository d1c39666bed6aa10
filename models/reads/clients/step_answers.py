"""Which requests a step has carried out already."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.visibility import may_see_client
from models.tables.clients.client import Client
from models.tables.clients.step_answer import StepAnswer
from rules.accounts.caller import Caller

ARCHIVE_CLIENT = "archive_client"
UNARCHIVE_CLIENT = "unarchive_client"


async def client_once_answered(
    session: AsyncSession, caller: Caller, client_id: UUID, step: str, request_id: str
) -> tuple[Client, bool] | None:
    """A client, and whether the step has carried out this very request; None if the caller may not see them."""
    done = exists().where(
        col(StepAnswer.client_id) == client_id, col(StepAnswer.step) == step, col(StepAnswer.request_id) == request_id
    )
    statement = select(Client, done).where(col(Client.id) == client_id, may_see_client(caller))
    return (await session.exec(statement)).first()


async def answered(session: AsyncSession, step: str, requests: Mapping[UUID, str]) -> set[UUID]:
    """Those of these clients for whom the step has carried out the very request that is named beside them."""
    statement = select(StepAnswer.client_id, StepAnswer.request_id).where(
        col(StepAnswer.client_id).in_(requests),
        col(StepAnswer.step) == step,
        col(StepAnswer.request_id).in_(requests.values()),
    )
    return {client_id for client_id, request in await session.exec(statement) if requests[client_id] == request}
