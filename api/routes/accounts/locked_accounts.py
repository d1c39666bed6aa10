"""Accounts that another person locks, because whoever signs in by them may not be who they say, and unlocks again."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import ActLog, Acts
from api.access_log.declared import shows_no_client
from api.accounts.practice_mails import have_delivered, order_account_mail
from api.deps import Admin, CareTeam, Now, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses
from api.routes.accounts.staff import must_not_be_the_last
from models.reads.accounts.accounts import account_of_client
from models.tables.accounts.account import Account
from models.writes.accounts.accounts import shut, unlock
from models.writes.accounts.locks import lock_account, lock_admins, lock_staff
from rules.accounts.accesses import AccessEvent
from rules.mail.kinds import Mail
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("whether an account opens anything changes")],
)


@router.post(
    "/staff/{staff_id}/lock",
    status_code=204,
    summary="Lock a colleague's account: every sign-in and token of it ends now, and it opens nothing until unlocked",
    responses=responses(Problem.NOT_FOUND),
)
async def lock_staff_account(*, staff_id: UUID, services: Svc, caller: Admin, acts: Acts, now: Now) -> None:
    """Who is told of a theft locks first and asks later: nothing is lost by it."""
    async with services.sessions() as session:
        admins = await lock_admins(session)
        account = must_find("account", await lock_staff(session, staff_id))
        if caller.name == account.handle:
            raise refuse(Problem.NOT_ALLOWED, "Your own stays open: sign out everywhere, or ask another admin.")
        must_not_be_the_last(account, admins)
        if await shut(session, account, by=caller.actor, at=now):
            await acts.note_on(session, account, AccessEvent.ACCOUNT_LOCKED)
        await session.commit()


@router.delete(
    "/staff/{staff_id}/lock",
    status_code=204,
    summary="Unlock a colleague's account; a link is mailed by which they set a new password",
    responses=responses(Problem.NOT_FOUND),
)
async def unlock_staff_account(
    *,
    staff_id: UUID,
    services: Svc,
    caller: Admin,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> None:
    async with services.sessions() as session:
        account = must_find("account", await lock_staff(session, staff_id))
        await _unlock(session, account, acts, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


@router.post(
    "/clients/{client_id}/lock",
    status_code=204,
    summary="Lock a client's account: every sign-in of it ends now, and it opens nothing until unlocked",
    responses=responses(Problem.NOT_FOUND),
)
async def lock_client_account(*, client_id: UUID, services: Svc, caller: CareTeam, acts: Acts, now: Now) -> None:
    """Appointments, payments and mails go on: it is the account that is shut."""
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        account = await lock_account(session, must_find("account", await account_of_client(session, client_id)))
        if await shut(session, account, by=caller.actor, at=now):
            await acts.note_on(session, account, AccessEvent.ACCOUNT_LOCKED)
        await session.commit()


@router.delete(
    "/clients/{client_id}/lock",
    status_code=204,
    summary="Unlock a client's account; a link is mailed by which they set a new password",
    responses=responses(Problem.NOT_FOUND),
)
async def unlock_client_account(
    *,
    client_id: UUID,
    services: Svc,
    caller: CareTeam,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> None:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        account = await lock_account(session, must_find("account", await account_of_client(session, client_id)))
        await _unlock(session, account, acts, by=caller.actor, request_id=request_id, now=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


async def _unlock(
    session: AsyncSession, account: Account, acts: ActLog, *, by: str, request_id: UUID, now: datetime
) -> None:
    had_password = account.password_hash is not None
    if await unlock(session, account, by=by, at=now):
        await acts.note_on(session, account, AccessEvent.ACCOUNT_UNLOCKED)
        if had_password:
            await order_account_mail(session, Mail.PASSWORD_RESET, account, reason=str(request_id), at=now)
