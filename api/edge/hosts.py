"""Which host a request may be meant for: the ``Host`` header is what the caller says, and links are made from it."""

from collections.abc import Sequence

from fastapi import Request
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from rules.refusals import Problem

_BY_ADDRESS = ("/healthz", "/readyz", "/metrics")  # asked by whoever watches, who knows an address alone
_KNOWN = "care_journeys.known_host"


class KnownHosts:
    """ASGI middleware: 421 for a host that is not this API's. ``hosts`` are names without ports, ``*.`` for all below.

    Starlette judges; the answer is a problem like every other.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._judge = TrustedHostMiddleware(_note, allowed_hosts=hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _BY_ADDRESS or await self._is_known(scope, receive):
            await self._app(scope, receive, send)
            return
        refused = problem(
            Request(scope),
            type_name=Problem.NOT_FOUND.value,
            status=421,
            detail="This host is not served here.",
            headers={"Connection": "close"},
        )
        await refused(scope, receive, send)

    async def _is_known(self, scope: Scope, receive: Receive) -> bool:
        await self._judge(scope, receive, _unsaid)
        return bool(scope.pop(_KNOWN, False))


async def _note(scope: Scope, _receive: Receive, _send: Send) -> None:
    scope[_KNOWN] = True


async def _unsaid(_: Message) -> None:
    """What Starlette would have answered."""
