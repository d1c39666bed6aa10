"""Visitors: from where somebody asks, as far as it can be known (client address)."""

from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address, ip_network

from fastapi import Request

from api.accounts.callers import Asker

_LONGEST = 64
_LONGEST_AGENT = 200
_KEPT_BITS = {4: 24, 6: 48}


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """``mark`` is the same for the same visitor, and tells nobody who it is (64 hex digits). ``network`` is an address
    that was cut, ``agent`` what the browser calls itself."""

    mark: str
    network: str | None
    agent: str | None


def visitor_of(request: Request, asker: Asker | None) -> Visitor:
    """A program with a key says for whom it asks, in the headers Visitor and Visitor-Network; from anybody else these
    count for nothing, and the connection's own address is the visitor."""
    peer = request.client.host if request.client else ""
    said, network = request.headers.get("visitor"), request.headers.get("visitor-network")
    if asker is not None and asker.program is not None and said is not None and 0 < len(said) <= _LONGEST:
        whose = f"{asker.program.caller.actor}\n{said}"
    else:
        whose, network = f"address\n{_one_of(peer)}", peer
    return Visitor(
        mark=sha256(whose.encode(errors="replace")).hexdigest(),
        network=_cut(network or ""),
        agent=_printable(request.headers.get("user-agent", ""))[:_LONGEST_AGENT] or None,
    )


def counted_by(request: Request, asker: Asker | None) -> str:
    """For whom what is asked counts: the person where there is one, else the visitor. A program that names no visitor
    asks for itself."""
    if asker is not None and (asker.is_person or "visitor" not in request.headers):
        return asker.key
    return f"visitor:{visitor_of(request, asker).mark}"


def _one_of(address: str) -> str:
    """Who has one address of IPv6 has the 2^64 of its network, and is one visitor under all of them."""
    try:
        host = ip_address(address)
    except ValueError:
        return address
    return address if host.version == 4 else str(ip_network(f"{host}/64", strict=False))


def _cut(address: str) -> str | None:
    """The network that an address, or a network, lies in; None for anything else."""
    try:
        host = ip_address(address.partition("/")[0].strip())
    except ValueError:
        return None
    return str(ip_network(f"{host}/{_KEPT_BITS[host.version]}", strict=False))


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
