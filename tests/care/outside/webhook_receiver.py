"""A program that is told of events: a real server that verifies each message by the stock library, and behaves as a
test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.care.defaults import Json


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message that was verified, whatever was answered to it. ``times``: how often it has come, with this time."""

    id: str
    body: Json
    headers: dict[str, str]
    times: int


Behaviour = Callable[[Heard], Awaitable[int | None]]  # the status that is answered; None: the connection is reset


async def well(_: Heard) -> int | None:
    return 204


@dataclass
class Receiver:
    """``heard`` in the order of arrival; ``taken`` what was answered with 2xx; ``forged`` what did not verify."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    behaviour: Behaviour = well
    heard: list[Heard] = field(default_factory=list)
    taken: list[Heard] = field(default_factory=list)
    forged: list[bytes] = field(default_factory=list)
    _times: Counter[str] = field(default_factory=Counter)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.heard]

    def verified(self, body: bytes, headers: dict[str, str]) -> Any:
        """What the stock library reads, by any of the secrets. None: it is forged."""
        for secret in self.secrets:
            with suppress(WebhookVerificationError):
                return Webhook(secret).verify(body, headers)
        return None

    async def take(self, body: bytes, headers: dict[str, str]) -> int | None:
        read = self.verified(body, headers)
        if read is None:
            self.forged.append(body)
            return 400
        id = headers["webhook-id"]
        self._times[id] += 1
        heard = Heard(id=id, body=read, headers=headers, times=self._times[id])
        self.heard.append(heard)
        status = await self.behaviour(heard)
        if status is not None and 200 <= status < 300:
            self.taken.append(heard)
        return status


@asynccontextmanager
async def receiving(behaviour: Behaviour = well, *, port: int = 0) -> AsyncIterator[Receiver]:
    receiver = Receiver(behaviour=behaviour)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line]
            headers = {name.lower(): value for name, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status = await receiver.take(body, headers)
            if status is None:
                writer.transport.abort()
            else:
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    try:
        yield receiver
    finally:
        for task in tuple(tasks):
            task.cancel()
        server.close()
