"""Sign-ins: by address and password, on either side of the house."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.access_log.lines import record_failed_sign_in
from api.accounts.factors.codes import must_show_factor, restore_code
from api.accounts.practice_mails import have_delivered
from api.accounts.signing_in.counted_codes import count_code
from api.accounts.signing_in.sessions import begin_session, known_device
from api.accounts.signing_in.sign_ins import admit, restore
from api.accounts.tokens import storable, unauthenticated
from api.bodies import Body, Password, Secret
from api.deps import (
    Anyone,
    FromWhere,
    Known,
    KnownOrSite,
    Now,
    Person,
    ShowingCode,
    Svc,
    asker_of,
    must_see_client,
)
from api.idempotency import AccountRoute
from api.problems import Refused, not_found, refuse, responses
from api.routes.accounts.oidc import OidcShown, sign_in_at_provider
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import account_with_address
from models.reads.accounts.tokens import public_id, sessions_of
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token
from models.writes.accounts.locks import lock_account
from models.writes.accounts.passwords import keep_hashed_anew
from models.writes.accounts.tokens import revoke_sessions, revoke_token
from models.writes.locks import lock_client
from rules.accounts.caller import fold_email
from rules.accounts.second_factors import CodeKind
from rules.accounts.sides import AccountSide
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)


class SignIn(Body):
    """``email`` and ``password``, or ``oidc``, which is for the practice alone. ``side``: as a client, or as somebody
    of the practice. ``device``: as the last sign-in from there answered it. ``code``: of the second factor, where the
    account has one; a recovery code will do."""

    email: Annotated[str | None, Field(min_length=1, max_length=254)] = None
    password: Annotated[Password | None, Field(repr=False)] = None
    oidc: OidcShown | None = None
    side: AccountSide = AccountSide.CLIENT
    device: Annotated[Secret | None, Field(repr=False)] = None
    code: Annotated[Secret | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _by_one_way(self) -> "SignIn":
        by_password = self.email is not None and self.password is not None
        if self.oidc is None and not by_password:
            raise ValueError("email and password are required, or oidc")
        if self.oidc is not None and (self.email is not None or self.password is not None):
            raise ValueError("either email and password are given, or oidc")
        if self.oidc is not None and "side" in self.model_fields_set and self.side is AccountSide.CLIENT:
            raise ValueError("oidc is for people of the practice")
        return self


_NO_FIT = "This address and password do not fit."


@router.post(
    "/sessions",
    status_code=201,
    summary="Sign in",
    response_model_exclude_unset=True,
    responses=responses(Problem.RATE_LIMITED, Problem.SECOND_FACTOR_REQUIRED),
)
async def sign_in(
    *,
    request: Request,
    body: SignIn,
    services: Svc,
    _: Anyone,
    visitor: FromWhere,
    showing: ShowingCode,
    now: Now,
    after: BackgroundTasks,
) -> SignedIn:
    """Of a second factor nothing is told before the password is right, or the provider has said who it is."""
    if body.oidc is not None:
        return await sign_in_at_provider(
            request, services, body.oidc, visitor, code=body.code, device=body.device, showing=showing, after=after
        )
    assert body.email is not None
    assert body.password is not None
    address = storable(fold_email(body.email))
    async with services.sessions() as session:
        account = await account_with_address(session, address, body.side)
        device = await known_device(session, body.device, account, now=now) if body.device else None
    policy = services.settings.policy
    where = f"{body.side}:{address}"
    admitted = await admit(services.sessions, where, visitor, device, policy=policy, now=now)
    stored = account.password_hash if account else None
    try:
        fits = await services.passwords.fits(body.password, stored, place=admitted.place)
    except Refused:  # too many wait already: nothing was looked at
        await restore(services.sessions, admitted, now=now)
        raise
    if not fits or account is None:
        raise await _failed(request, where)
    shown = f"device {device.row.hash}" if device is not None else f"password {account.password_hash}"
    tried = await count_code(
        services.sessions,
        services.engine,
        account,
        body.code,
        admitted,
        failed=partial(record_failed_sign_in, request, where),
        shown=shown,
        showing=showing,
    )
    anew = await services.passwords.hash_anew(body.password, account.password_hash or "", place=admitted.place)
    async with services.sessions() as session:
        if not await _still_fits(session, account, address):
            raise await _failed(request, where)
        try:
            used = await must_show_factor(session, account, body.code, showing=showing)
        except Refused:
            if body.code is not None:
                await record_failed_sign_in(request, where)
            raise
        new = await begin_session(session, account, visitor, policy=policy, now=now, device=device)
        if anew is not None:
            await keep_hashed_anew(session, account.id, anew)
        await session.commit()
    if tried is not None:
        await restore_code(services.sessions, tried, now=now)
        await restore(services.sessions, admitted, now=now)
    if used is CodeKind.RECOVERY_CODE:
        after.add_task(have_delivered, services.engine)
    return signed_in(new)


async def _failed(request: Request, where: str) -> Refused:
    """The refusal of a sign-in, once it is written down."""
    await record_failed_sign_in(request, where)
    return unauthenticated(_NO_FIT)


async def _still_fits(session: AsyncSession, account: Account, address: str) -> bool:
    """Whether what was shown still opens the account, which is locked: while a password is looked at, it may be set
    anew, the address may change, and the account may end. Each ends every sign-in, and none may begin behind it."""
    await lock_account(session, account.id)
    if account.client_id is not None:
        await lock_client(session, account.client_id)
    found = await account_with_address(session, address, account.side)
    return found is not None and (found.id, found.password_hash) == (account.id, account.password_hash)


class SessionView(BaseModel):
    """``network`` is an address, cut to what many share; ``agent`` what the browser calls itself. ``current``: the one
    that asks."""

    id: UUID
    made_at: datetime
    last_used_at: datetime
    expires_at: datetime
    network: str | None
    agent: str | None
    current: bool


class SessionList(BaseModel):
    items: list[SessionView]
    next_cursor: None = None


@router.get("/sessions", summary="Where one is signed in, the latest used first", responses=responses())
async def list_sessions(*, services: Svc, person: Person, now: Now) -> SessionList:
    async with services.sessions() as session:
        found = await sessions_of(session, person.account.id, now=now, idle=services.settings.policy.token_idle)
    return SessionList(items=[_session_view(token, current=token.hash == person.token_hash) for token in found])


def _session_view(token: Token, *, current: bool) -> SessionView:
    return SessionView(
        id=public_id(token),
        made_at=token.made_at,
        last_used_at=token.last_used_at or token.made_at,
        expires_at=token.expires_at,
        network=token.network,
        agent=token.agent,
        current=current,
    )


@router.delete("/sessions", status_code=204, summary="Sign out everywhere, here too", responses=responses())
async def sign_out_everywhere(*, services: Svc, person: Person, now: Now) -> None:
    """No device is known any more either."""
    async with services.sessions() as session:
        await revoke_sessions(session, person.account.id, at=now)
        await session.commit()


@router.delete("/sessions/current", status_code=204, summary="Sign out", responses=responses())
async def sign_out(*, request: Request, services: Svc, _: Known, now: Now) -> None:
    asker = await asker_of(request)
    if asker is None or asker.token_hash is None:
        raise refuse(Problem.NOT_ALLOWED, "A program's key cannot be signed out.")
    async with services.sessions() as session:
        await revoke_token(session, asker.token_hash, at=now)
        await session.commit()


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="Sign out somewhere else",
    responses=responses(Problem.NOT_FOUND),
)
async def sign_out_there(*, session_id: UUID, services: Svc, person: Person, now: Now) -> None:
    async with services.sessions() as session:
        idle = services.settings.policy.token_idle
        found = await sessions_of(session, person.account.id, now=now, idle=idle)
        theirs = next((token for token in found if public_id(token) == session_id), None)
        if theirs is None:
            raise not_found("sign-in")
        await revoke_token(session, theirs.hash, at=now)
        await session.commit()


class Me(BaseModel):
    """``role`` is the first of ``roles``. Of a program that has a key, or a therapist's token: its name and role
    alone. ``therapist`` is the slug of the profile they act for, ``client_id`` a client's record."""

    name: str
    role: Role
    roles: list[Role]
    email: str | None = None
    handle: str | None = None
    therapist: str | None = None
    client_id: UUID | None = None


@router.get("/me", summary="Who asks", response_model_exclude_none=True, responses=responses())
async def me(*, request: Request, services: Svc, caller: KnownOrSite) -> Me:
    asker = await asker_of(request)
    assert asker is not None
    roles = [each.role for each in asker.callers]
    therapist = next((each.therapist for each in asker.callers if each.therapist), None)
    account = asker.account
    if account is None:
        client_id = UUID(caller.client_id) if caller.client_id else None  # of a pass
        return Me(name=caller.name, role=roles[0], roles=roles, therapist=therapist, client_id=client_id)
    if account.client_id is None:
        return Me(
            name=account.name or "",
            role=roles[0],
            roles=roles,
            email=account.email,
            handle=account.handle,
            therapist=therapist,
        )
    client = await must_see_client(services, caller, account.client_id)
    return Me(name=client.full_name, role=roles[0], roles=roles, email=client.email, client_id=client.id)
