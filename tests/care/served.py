"""A pool of web servers that stay for the run: each serves the application of whoever has it just now.

To start one and to stop it again takes a quarter of a second, nearly all of it spent in waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.bounds.connections import CONNECTIONS
from local.processes import free_port

PATIENCE = 2.0  # seconds for requests that are still under way at the end


class Stage:
    """The ASGI application of a server that stays."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.url = ""
        self.under_way: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = asyncio.current_task()
        assert asked is not None
        self.under_way.add(asked)
        try:
            await (self.app or PlainTextResponse("Nobody is here any more.", 503))(scope, receive, send)
        finally:
            self.under_way.discard(asked)

    async def is_cleared(self) -> None:
        self.app = None
        if self.under_way:
            _, late = await asyncio.wait(self.under_way, timeout=PATIENCE)
            for asked in late:
                asked.cancel()


_free: list[Stage] = []
_servers: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []


async def started(app: ASGIApp, port: int, *, lifespan: bool, access_log: bool = False, **more: Any) -> uvicorn.Server:
    """A server as the real one is; end it by ``stopped``."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=access_log,
        lifespan="on" if lifespan else "off",
        timeout_graceful_shutdown=2,
        **CONNECTIONS | more,
    )
    server = uvicorn.Server(config)
    _servers.append((server, asyncio.create_task(server.serve())))
    while not server.started:
        await asyncio.sleep(0.005)
    return server


async def stopped(*servers: uvicorn.Server) -> None:
    ending = [pair for pair in _servers if pair[0] in servers]
    for server, task in ending:
        server.should_exit = True
        _servers.remove((server, task))
    await asyncio.gather(*(task for _, task in ending))


async def all_stopped() -> None:
    _free.clear()
    await stopped(*(server for server, _ in _servers))


@asynccontextmanager
async def serving(app: FastAPI, port: int, *, access_log: bool = False) -> AsyncIterator[str]:
    """A server of its own."""
    server = await started(app, port, lifespan=True, access_log=access_log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await stopped(server)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """By one of the servers that stay."""
    if _free:
        stage = _free.pop()
    else:
        stage, port = Stage(), free_port()
        await started(stage, port, lifespan=False)
        stage.url = f"http://127.0.0.1:{port}"
    async with app.router.lifespan_context(app):
        stage.app = app
        try:
            yield stage.url
        finally:
            await stage.is_cleared()
    _free.append(stage)
