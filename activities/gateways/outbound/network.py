"""Connections to given addresses: the name is resolved once, what it resolves to is looked at, and that very address is
connected to (no DNS rebinding). The name stays what TLS asks the certificate for."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore
import httpx

from activities.gateways.outbound.failures import AddressRefused, NotReached
from rules.outbound import Trouble, is_public, trouble_with

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  # (name, port) -> numeric addresses, best first
_AT_MOST = 4  # addresses of one name that are tried
# Looking up a name blocks, and one that nobody answers for blocks for long: nothing else waits for these threads.
_LOOKING_UP = ThreadPoolExecutor(max_workers=16, thread_name_prefix="outbound-names")


async def resolve(host: str, port: int) -> list[str]:
    """By this machine's resolver. Raises OSError, as ``socket.getaddrinfo`` does."""
    found = await asyncio.get_running_loop().run_in_executor(
        _LOOKING_UP, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone, unless ``private``. One bad address of a name spoils the name."""

    def __init__(self, *, private: bool, resolver: Resolver, seconds: float) -> None:
        self._private, self._resolver, self._seconds = private, resolver, seconds
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise NotReached(Trouble.NAME_UNKNOWN) from error
        if not addresses:
            raise NotReached(Trouble.NAME_UNKNOWN)
        if not self._private and not all(map(is_public, addresses)):
            raise AddressRefused(Trouble.PRIVATE_ADDRESS)
        *others, last = addresses[:_AT_MOST]
        for address in others:
            try:  # one that leads nowhere must not take the others' time
                return await self._network.connect_tcp(
                    address, port, self._seconds / _AT_MOST, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused(Trouble.PRIVATE_ADDRESS)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class CheckedTransport(httpx.AsyncHTTPTransport):
    """For an ``httpx.AsyncClient``: each request, a redirected one too, is looked at before it goes out. It bounds
    neither time nor size: :class:`activities.gateways.outbound.door.Door` does."""

    def __init__(
        self,
        *,
        private: bool,
        authorities: ssl.SSLContext,
        resolver: Resolver = resolve,
        seconds: float = 10.0,
    ) -> None:
        super().__init__(verify=authorities, trust_env=False)
        self._private = private
        # httpx hands no network on to its pool: this is the same pool, on ours.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=authorities,
            network_backend=CheckedNetwork(private=private, resolver=resolver, seconds=seconds),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # httpx has made a header of a user name and password by now; who may give one is said by whoever asks.
        refused = trouble_with(str(request.url.copy_with(userinfo=b"")), private=self._private)
        if refused is not None:
            raise AddressRefused(refused)
        return await super().handle_async_request(request)
