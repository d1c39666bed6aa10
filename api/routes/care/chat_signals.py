"""What the calls on chats and blasts share: on which side somebody asks, and how journeys hear of a message."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from api.accounts.portal import must_be_on
from api.deps import Services, must_see_client
from models.reads.care.chats import Side
from rules.accounts.caller import Caller
from rules.care.chats import setting_of
from rules.enums import ChatKind
from workflows.messages import MESSAGE_WAITS, MessageSignal, journey_id

_AT_ONCE = 20


async def side_of(services: Services, caller: Caller) -> Side:
    """Who asks: the practice, or a client for themselves. Raises Refused: not found."""
    if caller.is_practice or caller.client_id is None:
        return Side(caller=caller)
    return Side(caller=caller, client=await must_see_client(services, caller, UUID(caller.client_id)))


def part_must_be_on(side: Side, kind: ChatKind) -> None:
    """Raises Refused (not allowed) if chats of this kind are switched off for the client who asks."""
    if side.client is not None:
        must_be_on(side.client, side.caller, setting_of(kind))


async def tell_journeys(services: Services, messages: Collection[tuple[UUID, UUID]], *, request_id: UUID) -> None:
    """Tell the journey of each client that a message waits in a chat, as pairs of client and chat.

    Raises EngineUnavailable when the engine is away: the messages are written by then, and the same request again
    tells the rest. A journey that has heard of a message already, or has ended, does nothing.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def tell(client_id: UUID, chat_id: UUID) -> None:
        async with places:
            news = MessageSignal(request_id=str(request_id), chat_id=str(chat_id))
            await services.engine.signal(journey_id(str(client_id)), MESSAGE_WAITS, news)

    told = await asyncio.gather(*(tell(*message) for message in messages), return_exceptions=True)
    for outcome in told:
        if isinstance(outcome, BaseException):
            raise outcome
