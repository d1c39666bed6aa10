"""Activation of a client's account by a mailed link."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.signing_in.links import is_spent
from api.accounts.signing_in.passwords import Waiter
from api.accounts.signing_in.sessions import begin_session
from api.accounts.tokens import hash_of, storable
from api.bodies import Body, Password, Secret
from api.commands import ByKnown, command_by_link
from api.deps import Anyone, FromWhere, Now, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import refuse, responses
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import account_of_client, address_of_link
from models.reads.accounts.tokens import KnownToken, token_by_hash
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.locks import lock_staff
from models.writes.accounts.staff import end_invitation_links
from rules.accounts.passwords import known_around
from rules.accounts.sides import AccountSide
from rules.refusals import Problem
from workflows.messages import ACTIVATE, SEND_ACTIVATION_LINK

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("whether a link is good")],
)


class Activation(Body):
    token: Annotated[Secret, Field(repr=False)]
    password: Annotated[Password, Field(repr=False)]


class ActivationLinkView(BaseModel):
    """``side``: which rules the password has to keep."""

    expires_at: datetime
    side: AccountSide


_SPENT = "This activation link is no longer valid. Ask for a new one."


@router.get(
    "/activations/{token}",
    summary="Whether a link that activates an account is still good",
    responses=responses(Problem.ACTIVATION_LINK_INVALID, Problem.NOT_FOUND),
)
async def get_activation(
    *, token: Annotated[str, Path(max_length=200)], services: Svc, _: Anyone, now: Now
) -> ActivationLinkView:
    row = (await _link(services, token, now=now)).token
    side = AccountSide.CLIENT if row.kind is TokenKind.ACTIVATION else AccountSide.STAFF
    return ActivationLinkView(expires_at=row.expires_at, side=side)


@router.post(
    "/activations",
    summary="Activate an account with the mailed link's token; answers a sign-in",
    response_model_exclude_unset=True,
    responses=responses(Problem.ACTIVATION_LINK_INVALID, Problem.RATE_LIMITED),
)
async def activate_account(
    *, body: Activation, services: Svc, _: Anyone, visitor: FromWhere, request_id: RequestId, now: Now
) -> SignedIn:
    """The link of a client's welcome, or of an invitation to the practice."""
    link = (await _link(services, body.token, now=now)).token
    side = AccountSide.CLIENT if link.kind is TokenKind.ACTIVATION else AccountSide.STAFF
    async with services.sessions() as session:
        around = known_around(await address_of_link(session, link), services.settings.letterhead.name)
    password_hash = await services.passwords.hash(
        body.password, side=side, place=Waiter(who=visitor.mark), around=around
    )
    if link.client_id is not None:
        command = command_by_link(services, link.client_id, request_id=request_id)
        await command.ask(ACTIVATE, client_id=link.client_id, token_hash=link.hash, password_hash=password_hash)
    async with services.sessions() as session:
        if link.client_id is not None:
            account = await account_of_client(session, link.client_id)
        else:
            account = await _accept(session, link.hash, password_hash, now=now)
        if account is None or account.is_shut:
            raise refuse(Problem.ACTIVATION_LINK_INVALID, _SPENT)
        new = await begin_session(session, account, visitor, policy=services.settings.policy, now=now)
        await session.commit()
    return signed_in(new)


async def _link(services: Services, token: str, *, now: datetime) -> KnownToken:
    """The link, if it is still good. Raises Refused."""
    kinds = (TokenKind.ACTIVATION, TokenKind.INVITATION)
    async with services.sessions() as session:
        known = await token_by_hash(session, hash_of(storable(token)), kinds)
    if known is None or (known.account is not None and known.account.is_shut) or is_spent(known.token, now=now):
        raise refuse(Problem.ACTIVATION_LINK_INVALID, _SPENT)
    return known


async def _accept(session: AsyncSession, token_hash: str, password_hash: str, *, now: datetime) -> Account | None:
    """One use: whoever comes second at the same time finds it used. None then, or when the invitation was revoked."""
    link = await session.get_one(Token, token_hash)
    account = await lock_staff(session, link.account_id) if link.account_id else None
    await session.refresh(link)
    if account is None or account.activated_at is not None or is_spent(link, now=now):
        return None
    link.used_at = now
    account.password_hash, account.activated_at = password_hash, now
    session.add(link)
    session.add(account)
    await session.flush()
    await end_invitation_links(session, account, at=now)
    return account


class LinkMailed(BaseModel):
    client_id: UUID


@router.post(
    "/clients/{client_id}/activation",
    status_code=202,
    summary="Mail a new activation link",
    responses=responses(Problem.NOT_FOUND),
)
async def send_activation_link(*, client_id: UUID, command: ByKnown) -> LinkMailed:
    await command.must_see_client(client_id)
    await command.ask(SEND_ACTIVATION_LINK, client_id=client_id)
    return LinkMailed(client_id=client_id)
