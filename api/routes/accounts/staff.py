"""People of the practice: invited by an admin, with one account and one or more roles, until an admin ends it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import Acts
from api.access_log.declared import shows_no_client
from api.accounts.practice_mails import have_delivered, order_account_mail
from api.bodies import Body, Email, Line, Slug
from api.deps import Admin, ByTime, Now, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import Refused, not_found, refuse, responses, wrong_fields
from api.views.lists import Listed, cut, listed
from models.reads.accounts.staff import (
    StaffRow,
    account_of_therapist,
    invitations_good_until,
    list_staff,
    standing_of,
    with_therapists,
)
from models.reads.booking.therapists import therapist_by_slug
from models.tables.accounts.account import Account
from models.tables.booking.therapist import Therapist
from models.writes.accounts.accounts import end_account
from models.writes.accounts.locks import lock_admins, lock_staff
from models.writes.accounts.profiles import tell_therapist
from models.writes.accounts.staff import change_roles, end_invitation_links, invite
from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import Caller
from rules.accounts.staff import acts_between, wrong_with_roles
from rules.enums import Role
from rules.mail.kinds import Mail
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["staff"], route_class=IdempotentRoute, dependencies=[shows_no_client("people of the practice")]
)

Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]


class NewStaff(Body):
    """``therapist``: the slug of their profile, with the role therapist."""

    name: Line
    email: Email
    roles: Roles
    therapist: Slug | None = None


class StaffChanges(Body):
    """What is left out stays as it is. ``therapist`` goes with ``roles``."""

    name: Line | None = None
    roles: Roles | None = None
    therapist: Slug | None = None


class StaffView(BaseModel):
    """``handle`` is how timelines name them, behind the role in which they acted. ``ended_at``: nobody signs in by it
    any more. ``locked_at``: nor until it is unlocked."""

    id: UUID
    name: str
    handle: str
    email: str
    roles: list[Role]
    therapist: str | None
    invited_at: datetime | None
    activated_at: datetime | None
    ended_at: datetime | None
    locked_at: datetime | None


class InvitationView(BaseModel):
    """``id`` is that of the account which waits."""

    id: UUID
    name: str
    email: str
    roles: list[Role]
    therapist: str | None
    invited_by: str
    invited_at: datetime
    expires_at: datetime


def _staff_view(row: StaffRow) -> StaffView:
    account = row.account
    return StaffView(
        id=account.id,
        name=account.name or "",
        handle=account.handle or "",
        email=account.email or "",
        roles=[Role(role) for role in account.roles],
        therapist=row.therapist,
        invited_at=account.invited_at,
        activated_at=account.activated_at,
        ended_at=account.deactivated_at,
        locked_at=account.locked_at,
    )


async def _view(session: AsyncSession, account: Account) -> StaffView:
    return _staff_view((await with_therapists(session, [account]))[0])


async def _profile(
    session: AsyncSession, roles: list[Role], slug: str | None, *, of: UUID | None = None
) -> Therapist | None:
    """The profile that goes with the roles. ``of``: the account that may have it already. Raises Refused."""
    wrong = wrong_with_roles(roles, therapist=slug)
    if wrong:
        raise wrong_fields(wrong)
    therapist = await therapist_by_slug(session, slug) if slug else None
    if slug and therapist is None:
        raise wrong_fields([("therapist", "there is no such therapist")])
    owner = await account_of_therapist(session, therapist.id) if therapist else None
    if owner is not None and owner.id != of:
        raise _profile_taken()
    return therapist


def _profile_taken() -> Refused:
    return wrong_fields([("therapist", "somebody has this profile already")])


def _taken(error: IntegrityError) -> Refused:
    """What somebody else was given at the same moment, or has."""
    if "one_account_per_therapist" in str(error.orig):
        return _profile_taken()
    if "handle" in str(error.orig).partition("\n")[0]:
        return wrong_fields([("name", "was given to somebody else in this very moment; send it again")])
    return wrong_fields([("email", "has an account or an invitation already")])


@router.post("/staff", status_code=201, summary="Invite somebody to the practice", responses=responses())
async def invite_staff(
    *,
    body: NewStaff,
    services: Svc,
    caller: Admin,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> StaffView:
    id = uuid5(request_id, "staff")
    async with services.sessions() as session:
        known = await session.get(Account, id)  # made by the same request, whose answer was lost
        if known is not None:
            return await _view(session, known)
        therapist = await _profile(session, body.roles, body.therapist)
        if therapist is not None:
            await tell_therapist(session, therapist, reason=str(request_id), at=now, but=body.email)
        try:
            account = await invite(
                session,
                id=id,
                email=body.email,
                name=body.name,
                roles=body.roles,
                therapist_id=therapist.id if therapist else None,
                by=caller.actor,
                of_settings=services.settings.names_of_keys,
                at=now,
            )
        except IntegrityError as error:
            raise _taken(error) from None
        await order_account_mail(session, Mail.INVITATION, account, reason=str(request_id), at=now)
        given = [(AccessEvent.PROFILE_GIVEN, therapist.slug)] if therapist else []
        await acts.note(session, (AccessEvent.INVITED, _handle(account)), *given)
        view = await _view(session, account)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return view


@router.get("/staff", summary="People of the practice, those whose account has ended included", responses=responses())
async def list_staff_members(*, services: Svc, _: Admin, page: ByTime) -> Listed[StaffView]:
    async with services.sessions() as session:
        found, last = cut(await list_staff(session, page=page, invited=False), page)
        rows = await with_therapists(session, found)
    return listed([_staff_view(row) for row in rows], (last.made_at, last.id) if last else None)


@router.patch(
    "/staff/{staff_id}",
    summary="Change somebody's name or roles, at once",
    responses=responses(Problem.NOT_FOUND),
)
async def change_staff(
    *,
    staff_id: UUID,
    body: StaffChanges,
    services: Svc,
    caller: Admin,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> StaffView:
    async with services.sessions() as session:
        admins = await lock_admins(session)
        account = await lock_staff(session, staff_id)
        if account is None:
            raise not_found("account")
        former = await standing_of(session, account)
        if body.roles is None and "therapist" in body.model_fields_set:
            raise wrong_fields([("therapist", "is said together with the roles")])
        if body.roles is not None:
            _not_themselves(caller, account)
            if Role.ADMIN not in body.roles:
                must_not_be_the_last(account, admins)
            therapist = await _profile(session, body.roles, body.therapist, of=account.id)
            if therapist is not None and therapist.id != account.therapist_id:
                await tell_therapist(session, therapist, reason=str(request_id), at=now, but=account.email)
            profile = therapist.id if therapist else None
            try:
                await change_roles(session, account, body.roles, therapist_id=profile, at=now)
            except IntegrityError as error:
                raise _taken(error) from None
        account.name = body.name or account.name
        session.add(account)
        changes = acts_between(_handle(account), former, await standing_of(session, account))
        await acts.note(session, *changes)
        view = await _view(session, account)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return view


@router.delete(
    "/staff/{staff_id}",
    status_code=204,
    summary="End an account: every sign-in and token of it ends now",
    responses=responses(Problem.NOT_FOUND),
)
async def end_staff(*, staff_id: UUID, services: Svc, caller: Admin, acts: Acts, now: Now) -> None:
    async with services.sessions() as session:
        admins = await lock_admins(session)
        account = await lock_staff(session, staff_id)
        if account is None:
            raise not_found("account")
        _not_themselves(caller, account)
        must_not_be_the_last(account, admins)
        await end_account(session, account, at=now)
        await acts.note(session, (AccessEvent.ACCOUNT_ENDED, _handle(account)))
        await session.commit()


def _handle(account: Account) -> str:
    return account.handle or str(account.id)


def _not_themselves(caller: Caller, account: Account) -> None:
    """Two people know of every right that is given or taken: nobody becomes somebody else's therapist alone."""
    if caller.name == account.handle:
        raise refuse(Problem.NOT_ALLOWED, "Another admin has to do this: nobody changes their own roles or end.")


def must_not_be_the_last(account: Account, admins: Sequence[Account]) -> None:
    """``admins``: all of them, locked. Of two who end each other at once, the later one is the last."""
    if [admin.id for admin in admins] == [account.id]:
        raise refuse(Problem.NOT_ALLOWED, "This is the last admin: there has to be another one first.")


# ---------------------------------------------------------------- invitations


@router.get("/invitations", summary="Who was invited and has not accepted", responses=responses())
async def list_invitations(*, services: Svc, _: Admin, page: ByTime) -> Listed[InvitationView]:
    async with services.sessions() as session:
        found, last = cut(await list_staff(session, page=page, invited=True), page)
        rows = await with_therapists(session, found)
        mailed = await invitations_good_until(session, found)
    views = [_invitation_view(row, services, good_until=mailed.get(row.account.id)) for row in rows]
    return listed(views, (last.made_at, last.id) if last else None)


def _invitation_view(row: StaffRow, services: Svc, *, good_until: datetime | None = None) -> InvitationView:
    """``good_until``: of the links that were mailed. One that is still to be sent is reckoned from the invitation."""
    account = row.account
    invited_at = account.invited_at or account.made_at
    return InvitationView(
        id=account.id,
        name=account.name or "",
        email=account.email or "",
        roles=[Role(role) for role in account.roles],
        therapist=row.therapist,
        invited_by=account.made_by,
        invited_at=invited_at,
        expires_at=good_until or invited_at + services.settings.policy.activation_link_ttl,
    )


@router.post(
    "/invitations/{invitation_id}/resend",
    status_code=202,
    summary="Mail the invitation again; the links before end",
    responses=responses(Problem.NOT_FOUND),
)
async def resend_invitation(
    *, invitation_id: UUID, services: Svc, _: Admin, acts: Acts, request_id: RequestId, now: Now, after: BackgroundTasks
) -> InvitationView:
    async with services.sessions() as session:
        account = await _waiting(session, invitation_id)
        account.invited_at = now
        session.add(account)
        await end_invitation_links(session, account, at=now)
        await order_account_mail(session, Mail.INVITATION, account, reason=str(request_id), at=now)
        await acts.note(session, (AccessEvent.INVITED, _handle(account)))
        view = _invitation_view((await with_therapists(session, [account]))[0], services)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return view


@router.delete(
    "/invitations/{invitation_id}",
    status_code=204,
    summary="Revoke an invitation",
    responses=responses(Problem.NOT_FOUND),
)
async def revoke_invitation(*, invitation_id: UUID, services: Svc, _: Admin, acts: Acts, now: Now) -> None:
    async with services.sessions() as session:
        account = await _waiting(session, invitation_id)
        await end_account(session, account, at=now)
        await acts.note(session, (AccessEvent.INVITATION_REVOKED, _handle(account)))
        await session.commit()


async def _waiting(session: AsyncSession, invitation_id: UUID) -> Account:
    account = await lock_staff(session, invitation_id)
    if account is None or account.activated_at is not None:
        raise not_found("open invitation")
    return account
