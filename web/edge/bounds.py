"""How much somebody may send at once. What is more is read to its end and dropped, up to a bound, so that the browser
shows our answer: it shows none while it still sends."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1024 * 1024
MOST_OF_FILES = 32 * MOST_BYTES  # three of those that the API takes
_MOST_DROPPED = 256 * MOST_BYTES


class BodyBounds:
    """ASGI middleware: raises 413 in whoever reads the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        files = headers.get("content-type", "").startswith("multipart/form-data")
        most = MOST_OF_FILES if files else MOST_BYTES
        declared = headers.get("content-length", "0")
        known = declared.isdecimal() and int(declared) > most  # so nothing of it is looked at
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            while known or received > most:
                if not message.get("more_body") or received > _MOST_DROPPED:
                    raise HTTPException(413)
                message = await receive()
                received += len(message.get("body", b""))
            return message

        await self._app(scope, bounded, send)
