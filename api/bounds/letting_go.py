"""Nobody is kept waiting by a database that is gone."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import unavailable
from models.pulse import Pulse, Silent

_WITHOUT = ("/healthz", "/readyz", "/metrics")


class LetGo:
    """ASGI middleware: a request that has waited for a while feels the database's pulse, whatever it waits for.

    The pool's places are taken by those who came before, so that a request may never get to the database that it waits
    for; bounds on connections alone would let each of them wait in turn.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pulse: Pulse | None = scope["app"].state.services.pulse if scope["type"] == "http" else None
        if pulse is None or scope["path"] in _WITHOUT:
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with pulse.felt():
                await self._app(scope, receive, noted)
        except Silent as error:
            if begun:  # its connection is closed: half an answer must not look like a whole one
                raise
            await (await unavailable(Request(scope), error))(scope, receive, send)
