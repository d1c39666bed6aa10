"""``Request-Id``: by which an answer, a problem and lines of both logs are known to belong together.

It is ours, and says nothing. A program with a key may bring its own, so that its logs and ours can be compared.
It is no idempotency key: nothing follows from it.
"""

import re
from contextvars import ContextVar
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "Request-Id"
_AT = "care_journeys.request_id"
_present: ContextVar[str] = ContextVar("request_id", default="")
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestIds:
    """ASGI middleware: each request has an id, and each answer says it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _name(scope, uuid4().hex)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id_of(scope)
            await send(message)

        await self._app(scope, receive, named)


def request_id_of(scope: Scope) -> str:
    return str(scope[_AT])


def present_request_id() -> str:
    """That of the request which is answered here; empty where there is none."""
    return _present.get()


def take_request_id(scope: Scope) -> None:
    """Use the id that came with the request, if it is one. For programs that have shown their key."""
    given = Headers(scope=scope).get(HEADER, "")
    if _WELL_FORMED.fullmatch(given):
        _name(scope, given)


def _name(scope: Scope, request_id: str) -> None:
    scope[_AT] = request_id
    _present.set(request_id)
    structlog.contextvars.bind_contextvars(request_id=request_id)
