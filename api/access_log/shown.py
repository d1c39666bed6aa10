"""Whose data the answer to a request shows: what its path names, what its views name, and what its route tells here."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.access_log.marking import mark_test_clients, views_in, whose_of
from models.database import Sessions
from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import Caller


@dataclass
class Shown:
    """What is known of an answer while it is made. ``caller``: who asks, where no token tells. ``sessions``: by which
    more can be asked about whom it names. ``until``: when it becomes another by time alone; ``holds`` is false where
    nobody knows."""

    clients: set[UUID] = field(default_factory=set)
    event: AccessEvent | None = None
    of_archive: bool = False
    caller: Caller | None = None
    sessions: Sessions | None = None
    until: datetime | None = None
    holds: bool = True


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


def holds_until(*instants: datetime | None) -> None:
    """The answer follows from the time too, and is another from the earliest of these on, if there is any."""
    shown = shown_now.get()
    shown.until = min((one for one in (shown.until, *instants) if one is not None), default=None)


def holds_for_now() -> None:
    """The answer follows from the time too, and nobody has worked out until when it holds."""
    shown_now.get().holds = False


def noting_what_is_shown(endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same endpoint, which also notes the clients that its views name, and marks those who are test clients."""

    @functools.wraps(endpoint)
    async def noting(*places: Any, **named: Any) -> Any:
        answer = await endpoint(*places, **named)
        shown = shown_now.get()
        shown.clients.update(clients_in(answer))
        if shown.sessions is not None:
            await mark_test_clients(shown.sessions, answer)
        return answer

    return noting


def clients_in(answer: object) -> Iterator[UUID]:
    """The ids of clients in a view, and in the views in it: in its ``client_id``, or in the field that is ``WHOSE``."""
    for view in views_in(answer):
        yield from whose_of(view)
