"""Sign-ins of whoever has signed in: where, ended, and who asks."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.access_log.declared import shows_no_client
from api.deps import AnyPerson, AnyRole, Now, Person, Svc, asker_of, must_see_client
from api.idempotency import AccountRoute
from api.problems import not_found, refuse, responses
from models.reads.accounts.tokens import public_id, sessions_of
from models.tables.accounts.token import Token
from models.writes.accounts.tokens import revoke_sessions, revoke_token
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)


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
async def sign_out(*, request: Request, services: Svc, _: AnyPerson, now: Now) -> None:
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
async def sign_out_session(*, session_id: UUID, services: Svc, person: Person, now: Now) -> None:
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
async def get_me(*, request: Request, services: Svc, caller: AnyRole) -> Me:
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
