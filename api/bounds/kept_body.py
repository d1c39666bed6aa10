"""The body of a request, read to be compared, and then once more to be answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.types import Message

_IN_MEMORY = 256 * 1024
_AT_ONCE = 64 * 1024


@asynccontextmanager
async def kept_body(request: Request) -> AsyncIterator[tuple[Request, bytes]]:
    """The request as it can be read again in here, and what it says: its body, or of a form a hash.

    Forms hold files, which wait on the disk. Every try of the same form draws another boundary, which says nothing.
    """
    boundary = parse_options_header(request.headers.get("content-type"))[1].get(b"boundary")
    if not boundary:
        yield request, await request.body()
        return
    said = _Form(boundary)
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async for part in request.stream():
            file.write(part)
            said.goes_on(part)
        file.seek(0)
        yield _again(request, file), said.ends()


def _again(request: Request, file: IO[bytes]) -> Request:
    over = False

    async def receive() -> Message:
        nonlocal over
        if over:
            return await request.receive()
        part = file.read(_AT_ONCE)
        over = len(part) < _AT_ONCE
        return {"type": "http.request", "body": part, "more_body": not over}

    return Request(request.scope, receive)


class _Form:
    """The hash of a form without its boundary, however it is cut on its way."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary = boundary
        self._hash = sha256()
        self._rest = b""

    def goes_on(self, part: bytes) -> None:
        *whole, self._rest = (self._rest + part).split(self._boundary)
        for piece in whole:
            self._hash.update(piece)
        sure = max(0, len(self._rest) - len(self._boundary) + 1)  # the rest may be the beginning of a boundary
        self._hash.update(self._rest[:sure])
        self._rest = self._rest[sure:]

    def ends(self) -> bytes:
        self._hash.update(self._rest)
        return b"form " + self._hash.digest()
