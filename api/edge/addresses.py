"""Whether addresses may be named at which nothing arrives: on one machine, whose mails nobody sends, they may."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.bodies import may_be_tests


class MailAddresses:
    """ASGI middleware: what bodies are told while they are read. ``test``: ``.test`` will do."""

    def __init__(self, app: ASGIApp, *, test: bool) -> None:
        self._app, self._test = app, test

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before = may_be_tests.set(self._test)
        try:
            await self._app(scope, receive, send)
        finally:
            may_be_tests.reset(before)
