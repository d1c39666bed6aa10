"""What every request passes first: a bound on its size, no NUL in its address, and no secret of it in a log."""

import json
import re
from urllib.parse import quote, unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.database import reads_alone
from rules.care import documents

MOST_BYTES = 1024 * 1024
_TOO_LARGE = f"A body may have at most {MOST_BYTES} bytes."
_UPLOADS = "/v1/documents"
_READS = ("GET", "HEAD", "OPTIONS")
_AROUND_A_FILE = 64 * 1024  # its name, its title, and what stands between
TOO_LARGE_A_FILE = f"A document may have at most {documents.MOST_BYTES} bytes (10 MB)."


def _bound(scope: Scope) -> tuple[int, str]:
    """How many bytes this request's body may have, and what is said of more."""
    if scope["method"] == "POST" and scope["path"] == _UPLOADS:
        return documents.MOST_BYTES + _AROUND_A_FILE, TOO_LARGE_A_FILE
    return MOST_BYTES, _TOO_LARGE


class Bounds:
    """ASGI middleware: bodies up to 1 MB, an upload's up to 10 MB, declared or not; addresses that a database can
    compare; and places in the database's pools by what the request is for.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._problems = f"{public_url}/problems"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\0" in scope["path"]:
            await self._refuse(send, 404, "not-found", "There is no such page.")
            return
        if b"\0" in unquote_to_bytes(scope.get("query_string", b"")):
            await self._refuse(send, 422, "validation-failed", "The query must not contain NUL.", "query")
            return
        most, too_large = _bound(scope)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await self._refuse(send, 413, "validation-failed", too_large, "body")
            return
        reads_alone.set(scope["method"] in _READS)
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, bounded, send)

    async def _refuse(self, send: Send, status: int, name: str, detail: str, field: str | None = None) -> None:
        document: dict[str, object] = {
            "type": f"{self._problems}/{name}",
            "title": name.replace("-", " ").capitalize(),
            "status": status,
            "detail": detail,
        }
        if field:
            document["errors"] = [{"field": field, "message": detail}]
        body = json.dumps(document).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class HideSecrets:
    """ASGI middleware: an address that is a key, such as a mailed link, ends as ``.../feed/hidden`` or
    ``/join/hidden`` once it has been answered.

    Servers write their access log, and error handlers theirs, from the same ``scope``, when the answer begins or later.
    """

    _SECRET = re.compile(
        r"(?<=/feed/).+|(?<=^/unsubscribe/).+|(?<=^/join/).+|(?<=^/activate/).+"
        r"|(?<=/password-resets/).+|(?<=/activations/).+",
        re.DOTALL,
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._SECRET.search(scope["path"]):
            await self._app(scope, receive, send)
            return

        def hide() -> None:
            scope["path"] = self._SECRET.sub("hidden", scope["path"])
            scope["raw_path"] = quote(scope["path"]).encode()

        async def hidden(message: Message) -> None:
            hide()
            await send(message)

        try:
            await self._app(scope, receive, hidden)
        finally:
            hide()
