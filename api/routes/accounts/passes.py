"""Passes: a fresh one for the one that the booking site shows, which ends with it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.access_log.declared import shows_no_client
from api.accounts.on_behalf import renewed_pass
from api.deps import Known, Now, Svc, asker_of, must_see_client
from api.idempotency import AccountRoute
from api.problems import refuse, responses
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of a pass alone")],
)


class PassView(BaseModel):
    """``expires_at``: at the latest. It ends before that when it lies idle, and when the account is activated."""

    model_config = ConfigDict(populate_by_name=True)

    token: Annotated[str, Field(alias="pass")]
    expires_at: datetime


@router.post(
    "/clients/{client_id}/passes",
    status_code=201,
    summary="A fresh pass of a client, for the one that stands beside the site's key, which ends",
    responses=responses(Problem.NOT_FOUND),
)
async def renew_pass(*, client_id: UUID, request: Request, services: Svc, caller: Known, now: Now) -> PassView:
    asker = await asker_of(request)
    await must_see_client(services, caller, client_id)
    if asker is None or asker.token_hash is None or not caller.by_pass:
        raise refuse(Problem.NOT_ALLOWED, "A pass is given to the booking site alone, for a pass that is good.")
    async with services.sessions() as session:
        token, expires_at = await renewed_pass(session, asker.token_hash, at=now)
        await session.commit()
    return PassView(token=token, expires_at=expires_at)
