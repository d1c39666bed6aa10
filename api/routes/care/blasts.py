"""Message blasts: one text to many clients."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID, uuid5

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.access_log.marking import OfClient
from api.bodies import Body, Message
from api.deps import Now, Practice, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import responses, wrong_fields
from api.routes.care.chat_signals import tell_journeys
from models.reads.care.blasts import BlastResult, clients_meant, group_exists, result_of
from models.reads.care.chats import to_be_mailed
from models.tables.clients.client import Client
from models.writes.care.blasts import send_blast
from rules.accounts.caller import Caller
from rules.care.chats import MOST_OF_A_BLAST

router = APIRouter(
    prefix="/v1",
    tags=["chats"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("whom the asker has just written to")],
)


class BlastBody(Body):
    """Exactly one of ``client_ids``, ``group_id`` and ``all``."""

    text: Message
    client_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_OF_A_BLAST)] | None = None
    group_id: UUID | None = None
    all: Literal[True] | None = None


class LeftOutView(OfClient):
    client_id: UUID
    because: str


class BlastView(BaseModel):
    """``sent_to`` are clients' ids."""

    sent_to: list[UUID]
    left_out: list[LeftOutView]


@router.post(
    "/blasts",
    status_code=201,
    summary="Send a message to many clients, to each in their direct chat",
    responses=responses(),
)
async def send_message_blast(
    *, body: BlastBody, services: Svc, caller: Practice, request_id: RequestId, now: Now
) -> BlastView:
    """A client's direct chat is the one with their therapist; it is begun where there is none. Left out are archived
    clients (``all`` does not mean them in the first place), those whose chat is switched off, and those who have no
    therapist. It reaches all the others, or nobody."""
    said = [name for name in ("client_ids", "group_id", "all") if getattr(body, name) is not None]
    if len(said) != 1:
        raise wrong_fields([(name, "say one of client_ids, group_id and all") for name in said or ["client_ids"]])
    blast_id = uuid5(request_id, "blast")
    async with services.sessions() as session:
        result = await result_of(session, blast_id)
        if result is None:
            clients = await _meant(session, caller, body)
            await send_blast(session, blast_id, text=body.text, clients=clients, by=caller, at=now)
            await session.commit()
            result = await result_of(session, blast_id) or BlastResult(messages={}, left_out={})
        to = await to_be_mailed(session, result.messages)
    await tell_journeys(services, [(id, result.messages[id]) for id in to], request_id=request_id)
    return BlastView(
        sent_to=list(result.messages),
        left_out=[LeftOutView(client_id=id, because=because) for id, because in result.left_out.items()],
    )


async def _meant(session: AsyncSession, caller: Caller, body: BlastBody) -> Sequence[Client]:
    if body.group_id is not None and not await group_exists(session, body.group_id):
        raise wrong_fields([("group_id", "is no group")])
    clients = await clients_meant(session, caller, ids=body.client_ids, group_id=body.group_id, most=MOST_OF_A_BLAST)
    if len(clients) > MOST_OF_A_BLAST:
        name = "all" if body.all else "group_id"
        raise wrong_fields([(name, f"would reach more than {MOST_OF_A_BLAST} clients, which is the most at once")])
    seen = {client.id for client in clients}
    unknown = [
        (f"client_ids[{n}]", "is no client of yours") for n, id in enumerate(body.client_ids or []) if id not in seen
    ]
    if unknown:
        raise wrong_fields(unknown)
    return clients
