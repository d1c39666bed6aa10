"""What every answer says to browsers and caches between here and whoever asked."""

from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import broken

# Nothing that is answered here may run, be framed, or be kept; pages bring a policy of their own.
_ALWAYS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR = 365 * 24 * 3600
_HTTPS = {"Strict-Transport-Security": f"max-age={_YEAR}"}
_KEPT_BY_NOBODY = "no-store"
ASKED_ABOUT_EACH_TIME = "private, no-cache"
"""Of an answer with an ``ETag``: whoever asked for it may keep it, and asks each time whether it still holds."""


class AnswerHeaders:
    """ASGI middleware: adds them where the route has not set its own. ``https_only`` tells browsers never to come by
    plain HTTP again.

    Whatever was asked with a token belongs to a person, and is kept by no cache, whatever the route says: but what can
    be asked about again may be kept by whoever asked.
    """

    def __init__(self, app: ASGIApp, https_only: bool) -> None:
        self._app = app
        self._headers = {**_ALWAYS, **_HTTPS} if https_only else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        with_token = any(name == b"authorization" for name, _ in scope["headers"])

        async def marked(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                said = headers["Cache-Control"]
                if with_token and _KEPT_BY_NOBODY not in said and said != ASKED_ABOUT_EACH_TIME:
                    headers["Cache-Control"] = _KEPT_BY_NOBODY
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception as error:
            # Here rather than by Starlette's own handler, which stands outside, and so would answer without them.
            answer = await broken(Request(scope), error)
            if not begun:
                await answer(scope, receive, marked)
            raise
