"""What every request passes first: bounds on its size, no NUL in its address, and no secret of it in a log."""

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.bounds.connections import MOST_HEAD_BYTES
from api.problems import problem
from models.database import reads_alone
from rules.care import documents
from rules.refusals import Problem

MOST_BYTES = 1024 * 1024
_TOO_LARGE = f"A body may have at most {MOST_BYTES} bytes."
_UPLOADS = re.compile(r"/v1/documents|/v1/clients/[^/]+/uploads|/v1/therapists/[^/]+/photo")
_READS = ("GET", "HEAD", "OPTIONS")
_AROUND_A_FILE = 64 * 1024  # its name, its title, and what stands between
TOO_LARGE_A_FILE = f"A document may have at most {documents.MOST_BYTES} bytes (10 MB)."


def _bound(scope: Scope) -> tuple[int, str]:
    """How many bytes this request's body may have, and what is said of more."""
    if scope["method"] == "POST" and _UPLOADS.fullmatch(scope["path"]):
        return documents.MOST_BYTES + _AROUND_A_FILE, TOO_LARGE_A_FILE
    return MOST_BYTES, _TOO_LARGE


class Bounds:
    """ASGI middleware: heads up to 32 KB; bodies up to 1 MB, an upload's up to 10 MB, declared or not, and as they are
    read; addresses that a database can compare; and places in the database's pools by what the request is for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refusal(scope)
        if refused is not None:
            status, detail, more = refused
            name = Problem.NOT_FOUND if status == 404 else Problem.VALIDATION_FAILED
            answer = problem(Request(scope), type_name=name.value, status=status, detail=detail, **more)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        most, too_large = _bound(scope)
        looking = reads_alone.set(scope["method"] in _READS)
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, too_large)
            return message

        try:
            await self._app(scope, bounded, send)
        finally:
            reads_alone.reset(looking)


def _refusal(scope: Scope) -> tuple[int, str, dict[str, Any]] | None:
    """Why this request is not even looked at: status, sentence, and what else the problem has."""
    headers = Headers(scope=scope)
    if "\0" in scope["path"]:
        return 404, "There is no such page.", {}
    if b"\0" in unquote_to_bytes(scope.get("query_string", b"")):
        return 422, *_about("query", "The query must not contain NUL.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEAD_BYTES:
        return 431, *_about("headers", f"All headers together may have at most {MOST_HEAD_BYTES} bytes.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        detail, more = _about("Content-Encoding", "Bodies are read as they are: send them without an encoding.")
        return 415, detail, {**more, "headers": {"Accept-Encoding": "identity"}}
    most, too_large = _bound(scope)
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        return 413, *_about("body", too_large)
    return None


def _about(field: str, message: str) -> tuple[str, dict[str, Any]]:
    return message, {"data": {"errors": [{"field": field, "message": message}]}}


class HideSecrets:
    """ASGI middleware: an address that is a key, such as a mailed link, ends as ``.../feed/hidden`` or
    ``/join/hidden`` once it has been answered.

    Servers write their access log, and error handlers theirs, from the same ``scope``, when the answer begins or later.
    """

    _SECRET = re.compile(
        r"(?<=/feed/).+|(?<=/password-resets/).+|(?<=/activations/).+"
        # Pages, which others serve: whoever has set PUBLIC_URL wrong is asked for them here.
        r"|(?<=^/unsubscribe/).+|(?<=^/join/).+|(?<=^/activate/).+|(?<=^/reset/).+|(?<=^/email/).+"
        r"|(?<=^/staff/reset/).+|(?<=^/staff/email/).+|(?<=^/staff/invitations/).+",
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
