"""Attacks on a connection, with raw sockets: heads without end, heads and bodies drop by drop, answers nobody reads."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.bounds.connections import CONNECTIONS, MOST_HEAD_BYTES, BoundedConnection
from local.processes import free_port
from tests.care.served import started, stopped

HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
LARGE = 64 * 1024 * 1024  # more than any network buffers hold
SOON = 5.0


class Hasty(BoundedConnection):
    head_within, body_within, read_within = 0.4, 0.4, 0.4


class Echo:
    """Answers with the number of bytes that came; ``/large`` with more than a connection holds."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            self.gone.set()
            return
        text = "x" * LARGE if scope["path"] == "/large" else str(len(body))
        await PlainTextResponse(text)(scope, receive, send)
        if (await receive())["type"] == "http.disconnect":
            self.gone.set()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def port(echo: Echo) -> AsyncIterator[int]:
    port = free_port()
    server = await started(echo, port, lifespan=False, http=Hasty)
    yield port
    await stopped(server)


async def _send_until_refused(port: int, pieces: Callable[[], bytes], *, most: int) -> int:
    """How many bytes were taken until the other end had enough."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = 0
    with suppress(ConnectionError):
        while sent < most:
            piece = pieces()
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    writer.transport.abort()
    return sent


@pytest.mark.parametrize("attack", ["many headers", "one header without end", "one line without end"])
async def test_two_hundred_megabytes_of_head_are_refused_at_once(port: int, echo: Echo, attack: str) -> None:
    began, number = monotonic(), iter(range(10**9))
    beginnings = {"many headers": HEAD, "one header without end": HEAD + b"X: ", "one line without end": b"GET /"}
    first = iter([beginnings[attack]])

    def pieces() -> bytes:
        if attack == "many headers":
            return next(first, b"") + b"".join(b"X-%d: %s\r\n" % (next(number), b"y" * 8000) for _ in range(8))
        return next(first, b"") + b"y" * 65536

    sent = await _send_until_refused(port, pieces, most=200 * 1024 * 1024)
    assert sent < 20 * 1024 * 1024  # most of it waited in the network's buffers, and was never read
    assert monotonic() - began < SOON
    assert echo.asked == 0


async def test_a_head_that_is_too_large_is_answered(port: int, echo: Echo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write((HEAD + b"X: ").ljust(MOST_HEAD_BYTES + 1, b"y"))
    assert (await asyncio.wait_for(reader.read(), SOON)).startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert echo.asked == 0


async def test_a_head_of_many_kilobytes_passes(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Authorization: Bearer %s\r\nContent-Length: 2\r\n\r\nhi" % (b"t" * 16_000))
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def _drips(port: int, begin: bytes, drop: bytes) -> float:
    """For how long a connection lives that sends a drop every now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)
    began = monotonic()
    ended = asyncio.create_task(reader.read())
    with suppress(ConnectionError):
        while not ended.done() and monotonic() - began < 4 * SOON:
            await asyncio.sleep(0.05)
            if not writer.is_closing():  # closed by the other side during the sleep, before the reader was told
                writer.write(drop)
        await ended
    writer.transport.abort()
    return monotonic() - began


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b""),
        (b"", b"G"),
        (HEAD, b"X: y\r\n"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"z"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        (HEAD + b"Content-Length: 2\r\n\r\nhiPOST", b"x"),  # the first request is answered, the second never comes
    ],
    ids=["silence", "a line", "headers", "a body", "chunks", "the next request"],
)
async def test_who_sends_drop_by_drop_is_dropped(port: int, begin: bytes, drop: bytes) -> None:
    assert Hasty.head_within * 0.5 < await _drips(port, begin, drop) < SOON


async def test_a_body_that_never_comes_ends_the_request(port: int, echo: Echo) -> None:
    await _drips(port, HEAD + b"Content-Length: 100000\r\n\r\n", b"")
    await asyncio.wait_for(echo.gone.wait(), SOON)


async def test_an_answer_that_nobody_reads_is_given_up(port: int, echo: Echo) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(echo.gone.wait(), SOON)
    writer.transport.abort()


async def test_who_keeps_a_connection_is_served_again_and_again(port: int, echo: Echo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(HEAD + b"Content-Length: 2\r\n\r\nhi")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(1) == b"2"
        await asyncio.sleep(1.5 * Hasty.head_within)  # between two requests the longer time counts
    writer.close()


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Transfer-Encoding: chunked", "content-length: 0"),
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4, 5",),
        ("Content-Length: +4",),
        ("Content-Length: 4", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding : chunked",),
    ],
    ids=" and ".join,
)
async def test_a_request_whose_end_can_be_read_in_two_ways_is_refused(
    port: int, echo: Echo, headers: tuple[str, ...]
) -> None:
    """What is smuggled in behind it is never looked at: the connection ends with the answer."""
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + smuggled)
    answer = await asyncio.wait_for(reader.read(), SOON)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()
    assert (answer.count(b"HTTP/1.1"), echo.asked) == (1, 0)
    writer.close()


async def test_older_requests_have_no_chunks(port: int, echo: Echo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), SOON)).startswith(b"HTTP/1.1 400 ")
    assert echo.asked == 0
    writer.close()


async def test_chunks_alone_are_a_body(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(1) == b"2"
    writer.close()


async def test_nothing_is_upgraded(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert re.match(rb"HTTP/1.1 200 ", await asyncio.wait_for(reader.readline(), SOON))
    writer.close()


def test_the_server_has_these_bounds() -> None:
    assert CONNECTIONS["http"] is BoundedConnection
    assert (BoundedConnection.head_within, BoundedConnection.body_within) == (10, 180)
