"""What a call shows of clients: each route says so, or why it shows nothing. A test holds that all of them do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, params

from rules.accounts.accesses import AccessEvent, AccessKind


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Without a ``kind`` the call shows nothing of clients, ``because`` of that. ``of_archive``: the client is not told
    that somebody looked, since no word of an archive may reach them."""

    kind: AccessKind | None
    event: AccessEvent = AccessEvent.READ
    of_archive: bool = False
    because: str = ""

    async def __call__(self) -> None:
        """As a dependency it does nothing: it only stands at the route."""


def shows(kind: AccessKind, event: AccessEvent = AccessEvent.READ, *, of_archive: bool = False) -> Any:
    """For ``dependencies=[...]`` of a route, or of a router whose routes have no other. Which clients, the path says,
    or what is answered; where neither does, the route tells `api.access_log.shown`."""
    return Depends(Declared(kind=kind, event=event, of_archive=of_archive))


def shows_no_client(because: str) -> Any:
    """For ``dependencies=[...]`` of a route that shows nothing of a client."""
    return Depends(Declared(kind=None, because=because))


def declared_of(dependencies: Sequence[params.Depends]) -> Declared | None:
    """What a route says: its own word counts before its router's, which stands before it."""
    said = [each.dependency for each in dependencies if isinstance(each.dependency, Declared)]
    return said[-1] if said else None
