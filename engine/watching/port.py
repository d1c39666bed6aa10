"""The small port of a program that serves nothing else: ``/healthz``, ``/readyz`` and ``/metrics``. Nothing of it is
about anybody, and whoever reaches it may read it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.watching.unreadable import UnreadableValues

OK = "ok"
Check = Callable[[], Awaitable[str]]
"""Answers ``ok``, or in a word or two what is wrong."""

_GLANCE = 3.5  # seconds for each check, so that all answer within four
_LAST_REQUESTS = 1  # seconds


class CannotListen(OSError):
    """The port cannot be listened on; the message says which and why."""


class WatchedProgram:
    """``checks`` by what they look at: the program is ready while all of them say ``ok``. ``unreadable``: how often it
    found that something sealed does not open, by column. ``more`` is added to its own numbers, in the text format."""

    def __init__(
        self, checks: Mapping[str, Check], *, unreadable: Mapping[str, int], more: Callable[[], Awaitable[bytes]]
    ) -> None:
        self._checks = checks
        self._more = more
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(UnreadableValues(unreadable))
        self._ready = Gauge("worker_ready", "1 where that is as it must be.", ("what",), registry=self.registry)
        routes = [
            Route("/healthz", self._alive),
            Route("/readyz", self._whether_ready),
            Route("/metrics", self._numbers),
        ]
        self._app = Starlette(routes=routes)

    async def look(self) -> dict[str, str]:
        """What each check says now; all are made at once."""
        said = await asyncio.gather(*(_within(check) for check in self._checks.values()))
        return dict(zip(self._checks, said, strict=True))

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int | None) -> AsyncIterator[None]:
        """Answer there meanwhile; nowhere without a port. Raises CannotListen."""
        if port is None:
            yield
            return
        try:
            place = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        except OSError as error:
            raise CannotListen(f"{host}:{port} cannot be listened on ({os.strerror(error.errno or 0)})") from error
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_LAST_REQUESTS,
        )
        server = _ObedientServer(config)
        serving = asyncio.create_task(server.serve(sockets=[place]))
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            place.close()

    async def _alive(self, _: Request) -> Response:
        return JSONResponse({"status": OK})

    async def _whether_ready(self, _: Request) -> Response:
        said = await self.look()
        fine = set(said.values()) == {OK}
        return JSONResponse({"status": OK if fine else "unavailable", **said}, status_code=200 if fine else 503)

    async def _numbers(self, _: Request) -> Response:
        said, more = await asyncio.gather(self.look(), self._more())
        for what, word in said.items():
            self._ready.labels(what).set(word == OK)
        return Response(generate_latest(self.registry) + more, media_type=CONTENT_TYPE_LATEST)


class _ObedientServer(uvicorn.Server):
    """Signals are for the program that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _within(check: Check) -> str:
    try:
        async with asyncio.timeout(_GLANCE):
            return await check()
    except TimeoutError:
        return "unavailable"
