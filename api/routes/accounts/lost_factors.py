"""Second factors of somebody who has lost everything: taken away by a person, once another person has made sure who
asks."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.factors.mails import mail_change
from api.accounts.practice_mails import have_delivered
from api.deps import Admin, CareTeam, Now, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses
from models.reads.accounts.accounts import account_of_client
from models.tables.accounts.account import Account
from models.writes.accounts.locks import lock_account, lock_staff
from models.writes.accounts.second_factors import take_away
from rules.accounts.second_factors import FactorChange
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("an account's second factors go")],
)


@router.delete(
    "/staff/{staff_id}/second-factors",
    status_code=204,
    summary="Take a colleague's second factors away; every sign-in of theirs ends",
    responses=responses(Problem.NOT_FOUND),
)
async def take_from_staff(
    *, staff_id: UUID, services: Svc, caller: Admin, request_id: RequestId, now: Now, after: BackgroundTasks
) -> None:
    """Nobody takes their own away like this: that asks for a code. Where there is none, nothing happens."""
    async with services.sessions() as session:
        account = must_find("account", await lock_staff(session, staff_id))
        if caller.name == account.handle:
            raise refuse(Problem.NOT_ALLOWED, "Your own are removed by a code (POST /v1/second-factors/{id}/remove).")
        await _take(session, account, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


@router.delete(
    "/clients/{client_id}/second-factors",
    status_code=204,
    summary="Take a client's second factors away; every sign-in of theirs ends",
    responses=responses(Problem.NOT_FOUND),
)
async def take_from_client(
    *, client_id: UUID, services: Svc, caller: CareTeam, request_id: RequestId, now: Now, after: BackgroundTasks
) -> None:
    """Where there is none, nothing happens."""
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        found = must_find("account", await account_of_client(session, client_id))
        account = await lock_account(session, found)
        await _take(session, account, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


async def _take(session: AsyncSession, account: Account, *, by: str, request_id: UUID, now: datetime) -> None:
    if await take_away(session, account, by=by, at=now):
        await mail_change(session, account, FactorChange.TAKEN_AWAY, reason=str(request_id), at=now)
