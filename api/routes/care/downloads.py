"""Files that people uploaded, as they are answered: always saved to a file, never shown, and piece by piece."""

from collections.abc import AsyncIterator, Awaitable
from itertools import count
from typing import Protocol

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel.ext.asyncio.session import AsyncSession

from api.deps import Services
from rules.care.documents import content_disposition

_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class ReadsPiece(Protocol):
    """The bytes of a number, counted from 0, in a session; None after the last."""

    def __call__(self, session: AsyncSession, *, number: int) -> Awaitable[bytes | None]: ...


def download(
    request: Request, services: Services, piece: ReadsPiece, *, filename: str, content_type: str, size: int
) -> Response:
    """``size`` in bytes."""
    headers = {**_SAFE, "Content-Disposition": content_disposition(filename), "Content-Length": str(size)}
    if request.method == "HEAD":
        return Response(media_type=content_type, headers=headers)
    return StreamingResponse(_pieces(services, piece), media_type=content_type, headers=headers)


async def _pieces(services: Services, piece: ReadsPiece) -> AsyncIterator[bytes]:
    """A slow reader holds no place at the database meanwhile."""
    for number in count():
        async with services.sessions() as session:
            found = await piece(session, number=number)
        if found is None:
            return
        yield found
