"""Accounts: activation by mail, signing in and out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.auth import hash_of, live_link, new_token, read_bearer, storable, unauthenticated
from api.bodies import Body
from api.commands import ByKnown, command_by_link
from api.deps import Anyone, Known, Now, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import refuse, responses
from models.reads.clients.clients import client_who_signs_in
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.tokens import revoke_token
from rules.accounts.caller import fold_email
from rules.enums import Role
from rules.refusals import Problem
from workflows.messages import ACTIVATE, SEND_ACTIVATION_LINK

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)

Password = Annotated[str, Field(min_length=8, max_length=200, repr=False)]


class SignIn(Body):
    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=200, repr=False)]


class SignedIn(BaseModel):
    token: str
    role: Role
    expires_at: datetime
    client_id: UUID


@router.post("/sessions", status_code=201, summary="Sign in as a client", responses=responses(Problem.RATE_LIMITED))
async def sign_in(*, body: SignIn, services: Svc, _: Anyone, now: Now) -> SignedIn:
    address = storable(fold_email(body.email))
    async with services.sessions() as session:
        client = await client_who_signs_in(session, address)
    stored = client.password_hash if client else None
    services.sign_ins.count(address, now=now)
    if not await services.passwords.fits(storable(body.password), stored) or client is None:
        raise unauthenticated("This address and password do not fit.")
    services.sign_ins.succeeded(address)
    token = new_token()
    row = Token(
        hash=hash_of(token),
        kind=TokenKind.SESSION,
        client_id=client.id,
        made_at=now,
        expires_at=now + services.settings.policy.token_ttl,
    )
    async with services.sessions() as session:
        session.add(row)
        await session.commit()
    return SignedIn(token=token, role=Role.CLIENT, expires_at=row.expires_at, client_id=client.id)


@router.delete("/sessions/current", status_code=204, summary="Sign out", responses=responses())
async def sign_out(*, request: Request, services: Svc, _: Known, now: Now) -> None:
    token = read_bearer(request.headers.get("authorization")) or ""
    async with services.sessions() as session:
        ended = await revoke_token(session, hash_of(token), at=now)
        await session.commit()
    if not ended:
        raise refuse(Problem.NOT_ALLOWED, "A service key cannot be signed out.")


class Activation(Body):
    token: Annotated[str, Field(min_length=1, max_length=200, repr=False)]
    password: Password


class Activated(BaseModel):
    client_id: UUID


@router.post(
    "/activations",
    summary="Activate an account with the mailed link's token",
    responses=responses(Problem.ACTIVATION_LINK_INVALID),
)
async def activate(*, body: Activation, services: Svc, _: Anyone, request_id: RequestId, now: Now) -> Activated:
    otherwise = "This activation link is no longer valid. Ask for a new one."
    link = await live_link(services.sessions, body.token, TokenKind.ACTIVATION, now=now, otherwise=otherwise)
    password_hash = await services.passwords.hash(storable(body.password))
    command = command_by_link(services, link.client_id, request_id=request_id)
    await command.ask(ACTIVATE, client_id=link.client_id, token_hash=link.token_hash, password_hash=password_hash)
    return Activated(client_id=link.client_id)


@router.post(
    "/clients/{client_id}/activation",
    status_code=202,
    summary="Mail a new activation link",
    responses=responses(Problem.NOT_FOUND),
)
async def send_link(*, client_id: UUID, command: ByKnown) -> Activated:
    await command.must_see_client(client_id)
    await command.ask(SEND_ACTIVATION_LINK, client_id=client_id)
    return Activated(client_id=client_id)
