"""Two records of one person become one: by staff, or by the link that was mailed to the address they share."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access_log.declared import shows, shows_no_client
from api.accounts.signing_in.links import live_link
from api.bodies import Body, Secret
from api.commands import ByCareTeam, Command, command_by_link
from api.deps import Anyone, Now, RequestId, Svc
from api.engine import Gone
from api.idempotency import IdempotentRoute
from api.problems import not_found, refuse, responses, wrong_fields
from api.routes.clients.clients import get_client
from api.views.clients import ClientView
from models.reads.clients.clients import visible_client
from models.tables.accounts.token import TokenKind
from rules.accounts.accesses import AccessKind
from rules.refusals import Problem
from workflows.messages import JOIN

router = APIRouter(prefix="/v1", tags=["joins"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])

_MAY_FAIL = (Problem.BOOKING_DISABLED, Problem.PAYMENT_NOT_OPEN, Problem.SLOT_TAKEN)


class JoinByLink(Body):
    token: Annotated[Secret, Field(repr=False)]


class JoinedByLink(BaseModel):
    """``client_id`` is the person's own record, which has the booking now."""

    client_id: UUID


@router.post(
    "/joins",
    dependencies=[shows_no_client("whoever has the link joins their own records")],
    summary="Join a booking to the record that has its address, with the mailed link's token",
    responses=responses(Problem.ACTIVATION_LINK_INVALID, *_MAY_FAIL),
)
async def join_by_link(*, body: JoinByLink, services: Svc, _: Anyone, request_id: RequestId, now: Now) -> JoinedByLink:
    otherwise = "This link is no longer valid."
    link = await live_link(services.sessions, body.token, TokenKind.JOIN, now=now, otherwise=otherwise)
    command = command_by_link(services, link.client_id, request_id=request_id)
    joined = await command.ask(JOIN, client_id=link.client_id, token_hash=link.token_hash)
    if joined.into_id is None:
        raise not_found("client")
    return JoinedByLink(client_id=UUID(joined.into_id))


class JoinBody(Body):
    """``into`` is the record that goes on."""

    into: UUID


@router.post(
    "/clients/{client_id}/join",
    summary="Join a client's record into another one of the same person; answers that one",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, *_MAY_FAIL),
)
async def join_records(*, client_id: UUID, body: JoinBody, command: ByCareTeam, now: Now) -> ClientView:
    services, caller = command.services, command.caller
    await command.must_see_client(client_id)
    async with services.sessions() as session:
        if await visible_client(session, caller, body.into) is None:
            raise wrong_fields([("into", "there is no such client")])
    joined = await command.ask_if_open(JOIN, client_id=client_id, into_id=body.into)
    if isinstance(joined, Gone):
        await _must_be_joined(command, client_id, into=body.into)
    return await get_client(client_id=body.into, services=services, caller=caller, now=now)


async def _must_be_joined(command: Command, client_id: UUID, *, into: UUID) -> None:
    """The journey has ended: because of this very join, or there is nothing to join."""
    client = await command.must_see_client(client_id)
    if client.joined_into is None:
        raise refuse(Problem.NOT_FOUND, "This journey was closed; there is nothing to join.")
    if client.joined_into != into:
        raise wrong_fields([("into", f"client {client.ref} was joined into another record already")])
