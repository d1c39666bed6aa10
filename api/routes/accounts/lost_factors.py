"""What somebody signs in by, taken away by another person, who has made sure who asks: second factors, or a subject at
the provider."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import ActLog, Acts
from api.access_log.declared import shows_no_client
from api.accounts.factors.mails import mail_change
from api.accounts.practice_mails import have_delivered
from api.deps import Admin, CareTeam, Now, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses
from models.reads.accounts.accounts import account_of_client
from models.tables.accounts.account import Account
from models.writes.accounts.locks import lock_account, lock_staff
from models.writes.accounts.oidc import unlink_oidc
from models.writes.accounts.second_factors import take_away
from models.writes.accounts.tokens import end_sign_ins
from rules.accounts.accesses import AccessEvent
from rules.accounts.second_factors import FactorChange
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("what an account is signed in by goes")],
)


@router.delete(
    "/staff/{staff_id}/second-factors",
    status_code=204,
    summary="Take a colleague's second factors away; every sign-in of theirs ends",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_staff_second_factors(
    *,
    staff_id: UUID,
    services: Svc,
    caller: Admin,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> None:
    """Nobody takes their own away like this: that asks for one of them. Where there is none, nothing happens."""
    async with services.sessions() as session:
        account = must_find("account", await lock_staff(session, staff_id))
        if caller.name == account.handle:
            raise refuse(Problem.NOT_ALLOWED, "Your own are removed by one (POST /v1/second-factors/{id}/remove).")
        await _take(session, account, acts, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


@router.delete(
    "/staff/{staff_id}/oidc",
    status_code=204,
    summary="Let a colleague's account be another subject's at the provider; every sign-in of theirs ends",
    responses=responses(Problem.NOT_FOUND),
)
async def unlink_staff_oidc(*, staff_id: UUID, services: Svc, _: Admin, acts: Acts, now: Now) -> None:
    """The next sign-in with the verified address links it anew. Where it is nobody's, nothing happens."""
    async with services.sessions() as session:
        account = must_find("account", await lock_staff(session, staff_id))
        if await unlink_oidc(session, account.id):
            await end_sign_ins(session, account.id, at=now)
            await acts.note_on(session, account, AccessEvent.SIGN_IN_UNLINKED)
        await session.commit()


@router.delete(
    "/clients/{client_id}/second-factors",
    status_code=204,
    summary="Take a client's second factors away; every sign-in of theirs ends",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_client_second_factors(
    *,
    client_id: UUID,
    services: Svc,
    caller: CareTeam,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> None:
    """Where there is none, nothing happens."""
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        found = must_find("account", await account_of_client(session, client_id))
        account = await lock_account(session, found)
        await _take(session, account, acts, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


async def _take(
    session: AsyncSession, account: Account, acts: ActLog, *, by: str, request_id: UUID, now: datetime
) -> None:
    if await take_away(session, account, by=by, at=now):
        await acts.note_on(session, account, AccessEvent.SECOND_FACTOR_TAKEN)
        await mail_change(session, account, FactorChange.TAKEN_AWAY, reason=str(request_id), at=now)
