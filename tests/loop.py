"""The event loop of the tests: the programs' own, which connects to this machine only."""

import asyncio
from ipaddress import ip_address
from typing import Any

import uvloop

ALLOWED = ("localhost", None)  # none: over a Unix socket, or one that is connected already


class NotThisMachine(RuntimeError):
    pass


class LoopbackLoop(uvloop.Loop):
    """pytest-socket watches Python's own sockets; this loop makes its connections below them."""

    async def create_connection(self, protocol_factory: Any, host: Any = None, *args: Any, **how: Any) -> Any:
        if host not in ALLOWED and not _is_loopback(host):
            raise NotThisMachine(f"a test wants to connect to {host}")
        return await super().create_connection(protocol_factory, host, *args, **how)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name: of another machine
        return False


class LoopbackLoops(asyncio.DefaultEventLoopPolicy):
    """Such loops for whoever asks for a new one."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return LoopbackLoop()
