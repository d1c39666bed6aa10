"""Which requests a step has carried out already."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.step_answer import StepAnswer

ARCHIVE_CLIENT = "archive_client"
UNARCHIVE_CLIENT = "unarchive_client"


async def answered(session: AsyncSession, step: str, requests: Mapping[UUID, str]) -> set[UUID]:
    """Those of these clients for whom the step has carried out the very request that is named beside them."""
    statement = select(StepAnswer.client_id, StepAnswer.request_id).where(
        col(StepAnswer.client_id).in_(requests),
        col(StepAnswer.step) == step,
        col(StepAnswer.request_id).in_(requests.values()),
    )
    return {client_id for client_id, request in await session.exec(statement) if requests[client_id] == request}
