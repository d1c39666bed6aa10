"""Reading a body within its bound: counted as it comes, and as it unpacks, so that a small one cannot become large."""

import zlib
from collections.abc import AsyncIterator

from activities.gateways.outbound.failures import NotReached, TooLarge
from rules.outbound import Trouble

ACCEPTED = "gzip, deflate"
_EITHER = zlib.MAX_WBITS | 32  # gzip or zlib, whichever it begins as


async def read_within(pieces: AsyncIterator[bytes], *, encoding: str, at_most: int) -> bytes:
    """The body, unpacked. ``encoding``: the header ``Content-Encoding``. Raises TooLarge, NotReached."""
    named = encoding.strip().lower()
    if named not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise NotReached(Trouble.NO_HTTP)
    unpacks = zlib.decompressobj(_EITHER) if named not in ("", "identity") else None
    body, packed = bytearray(), 0
    async for piece in pieces:
        packed += len(piece)
        if packed > at_most:
            raise TooLarge
        try:
            body += piece if unpacks is None else unpacks.decompress(piece, at_most - len(body) + 1)
        except zlib.error as error:
            raise NotReached(Trouble.NO_HTTP) from error
        if len(body) > at_most:
            raise TooLarge
    if unpacks is not None and packed and not unpacks.eof:
        raise NotReached(Trouble.CUT_OFF)
    return bytes(body)
