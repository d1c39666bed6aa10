"""Who really asks, behind a reverse proxy (``X-Forwarded-For``, ``X-Forwarded-Proto``).

Anybody can send these headers, and a proxy adds to what it was sent. So of the addresses only the last is the proxy's
own word, and only where the connection comes from a proxy that was named. From the right, such proxies are passed over;
the first that is none is who asks, and what stands left of it is theirs to make up.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_SCHEMES = ("http", "https")


class TrustedProxies:
    """ASGI middleware: puts into the scope whom a trusted proxy speaks for, and by which scheme they came to it."""

    def __init__(self, app: ASGIApp, networks: Sequence[Network]) -> None:
        self._app = app
        self._networks = tuple(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = read_address(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else None
        if peer is not None and self._is_proxy(peer):
            headers = Headers(scope=scope)
            asks = self._who_asks(headers.getlist("x-forwarded-for"))
            scheme = _last(headers.getlist("x-forwarded-proto")).lower()
            if asks is not None:
                scope["client"] = (str(asks), 0)
            if scheme in _SCHEMES:
                scope["scheme"] = scheme
        await self._app(scope, receive, send)

    def _who_asks(self, headers: Sequence[str]) -> Address | None:
        """None where a proxy names none but proxies, or what is no address: then it is the connection's own."""
        for hop in reversed(_listed(headers)):
            address = read_address(hop)
            if address is None or not self._is_proxy(address):
                return address
        return None

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def read_address(text: str) -> Address | None:
    """An address as proxies write it, with a port or without; of IPv6 in brackets where there is one."""
    host = text.strip()
    if host.startswith("["):
        host, closed, _ = host[1:].partition("]")
        if not closed:
            return None
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _listed(headers: Sequence[str]) -> list[str]:
    """Several headers of one name are one list, in their order."""
    return [part.strip() for header in headers for part in header.split(",")]


def _last(headers: Sequence[str]) -> str:
    return next(iter(reversed(_listed(headers))), "")
