"""Activation of a client's account by a mailed link."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.accounts.links import live_link
from api.accounts.passwords import Place
from api.accounts.sessions import begin_session
from api.bodies import Body, Password, Secret
from api.commands import ByKnown, command_by_link
from api.deps import Anyone, FromWhere, Now, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import account_of_client
from models.tables.accounts.token import TokenKind
from rules.accounts.sides import AccountSide
from rules.refusals import Problem
from workflows.messages import ACTIVATE, SEND_ACTIVATION_LINK

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)


class Activation(Body):
    token: Annotated[Secret, Field(repr=False)]
    password: Annotated[Password, Field(repr=False)]


@router.post(
    "/activations",
    summary="Activate an account with the mailed link's token; answers a sign-in",
    response_model_exclude_unset=True,
    responses=responses(Problem.ACTIVATION_LINK_INVALID),
)
async def activate(
    *, body: Activation, services: Svc, _: Anyone, visitor: FromWhere, request_id: RequestId, now: Now
) -> SignedIn:
    otherwise = "This activation link is no longer valid. Ask for a new one."
    link = await live_link(services.sessions, body.token, TokenKind.ACTIVATION, now=now, otherwise=otherwise)
    place = Place(who=visitor.mark)
    password_hash = await services.passwords.hash(body.password, side=AccountSide.CLIENT, place=place)
    command = command_by_link(services, link.client_id, request_id=request_id)
    await command.ask(ACTIVATE, client_id=link.client_id, token_hash=link.token_hash, password_hash=password_hash)
    async with services.sessions() as session:
        account = await account_of_client(session, link.client_id)
        if account is None:
            raise not_found("account")
        new = await begin_session(session, account, visitor, policy=services.settings.policy, now=now)
        await session.commit()
    return signed_in(new)


class LinkMailed(BaseModel):
    client_id: UUID


@router.post(
    "/clients/{client_id}/activation",
    status_code=202,
    summary="Mail a new activation link",
    responses=responses(Problem.NOT_FOUND),
)
async def send_link(*, client_id: UUID, command: ByKnown) -> LinkMailed:
    await command.must_see_client(client_id)
    await command.ask(SEND_ACTIVATION_LINK, client_id=client_id)
    return LinkMailed(client_id=client_id)
