"""Whose data the answer to a request shows: what its path names, what its views name, and what its route tells here."""

import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import Caller


@dataclass
class Shown:
    """What is known of an answer while it is made. ``caller``: who asks, where no token tells."""

    clients: set[UUID] = field(default_factory=set)
    event: AccessEvent | None = None
    of_archive: bool = False
    caller: Caller | None = None


shown_now: ContextVar[Shown] = ContextVar("shown_now")


def shows_clients(*client_ids: UUID) -> None:
    """The answer shows data of these clients, and neither its path nor its views name them."""
    shown_now.get().clients.update(client_ids)


def shows_as(event: AccessEvent) -> None:
    """The same call is a reading or an export, as it was asked for."""
    shown_now.get().event = event


def shows_an_archive() -> None:
    """What was asked for is there because of an archive: the client is not told."""
    shown_now.get().of_archive = True


def shows_to(caller: Caller) -> None:
    """Who asks, where the address is the key."""
    shown_now.get().caller = caller


def noting_what_is_shown(endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same endpoint, which also notes the clients that its views name."""

    @functools.wraps(endpoint)
    async def noting(*places: Any, **named: Any) -> Any:
        answer = await endpoint(*places, **named)
        shown_now.get().clients.update(clients_in(answer))
        return answer

    return noting


def clients_in(answer: object) -> Iterator[UUID]:
    """The ids of clients in a view, and in the views in it: in its ``client_id``, or in the field that is ``WHOSE``."""
    if isinstance(answer, BaseModel):
        kind = type(answer)
        whose = getattr(kind, "WHOSE", "client_id")
        for name in kind.model_fields:
            value = getattr(answer, name)
            if name == whose:
                yield from _ids(value)
            elif isinstance(value, BaseModel | list):
                yield from clients_in(value)
    elif isinstance(answer, list):
        for each in answer:
            if isinstance(each, BaseModel):
                yield from clients_in(each)


def _ids(value: object) -> Iterable[UUID]:
    if isinstance(value, UUID):
        return [value]
    return [each for each in value if isinstance(each, UUID)] if isinstance(value, list) else []
