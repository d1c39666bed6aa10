"""Visitors: from where somebody asks, as far as it can be known (client address)."""

import hmac
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from fastapi import Request

from api.accounts.callers import Asker
from engine.codec import PayloadKeys
from rules.accounts.budgets import CountedFor

_LONGEST = 64
_LONGEST_AGENT = 200
_KEPT_BITS = {4: 24, 6: 48}
_PURPOSE = "visitors"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """``mark`` is the same for the same visitor, and tells nobody without the keys who it is (64 hex digits);
    ``network_mark`` the same for all from one network. Both are one for a program that names no visitor. ``network`` is
    an address that was cut, ``agent`` what the browser calls itself."""

    mark: str
    network_mark: str
    network: str | None
    agent: str | None

    @property
    def counted(self) -> CountedFor:
        """Without a person: whoever is not named is all of them, and has what a network has."""
        return CountedFor(who=self.mark if self.mark != self.network_mark else None, network=self.network_mark)


def visitor_of(request: Request, asker: Asker | None, keys: PayloadKeys) -> Visitor:
    """A program with a key says for whom it asks, in the headers Visitor and Visitor-Network; from anybody else these
    count for nothing, and the connection's own address is the visitor."""
    agent = _printable(request.headers.get("user-agent", ""))[:_LONGEST_AGENT] or None
    peer = _address(request.client.host if request.client else "")
    program = asker.program if asker is not None else None
    if program is None:
        network = _cut(peer)
        mark, network_mark = _mark(keys, "address", _one_of(peer)), _mark(keys, "network", network or "")
        return Visitor(mark=mark, network_mark=network_mark, network=network, agent=agent)
    said, network = request.headers.get("visitor", ""), _cut(request.headers.get("visitor-network", ""))
    network_mark = _mark(keys, "program", program.caller.actor, network or "")
    if not 0 < len(said) <= _LONGEST:  # nobody is named: it comes from where the program is
        return Visitor(mark=network_mark, network_mark=network_mark, network=_cut(peer), agent=agent)
    return Visitor(
        mark=_mark(keys, "named", program.caller.actor, said), network_mark=network_mark, network=network, agent=agent
    )


def counted_for(asker: Asker | None, visitor: Visitor, keys: PayloadKeys) -> CountedFor:
    """Per person who has signed in, else per visitor: of passes anybody gets as many as they like."""
    if asker is None or asker.account is None:
        return visitor.counted
    return CountedFor(who=_mark(keys, "person", asker.key))


def _mark(keys: PayloadKeys, *whose: str) -> str:
    """There are few enough addresses to try them all: without a key a hash would be as good as the address."""
    return hmac.new(keys.derive(_PURPOSE), "\n".join(whose).encode(errors="replace"), "sha256").hexdigest()


def _address(peer: str) -> str:
    """An address of IPv4 that arrived by IPv6 is what it is: else all of them would be of one network."""
    host = _read(peer)
    return str(host.ipv4_mapped) if isinstance(host, IPv6Address) and host.ipv4_mapped else peer


def counted_by(request: Request, asker: Asker | None, keys: PayloadKeys) -> str:
    """For whom what is asked counts: the person where there is one, else the visitor. A program that names no visitor
    asks for itself."""
    if asker is not None and (asker.is_person or "visitor" not in request.headers):
        return asker.key
    return f"visitor:{visitor_of(request, asker, keys).mark}"


def _one_of(address: str) -> str:
    """Who has one address of IPv6 has the 2^64 of its network, and is one visitor under all of them."""
    host = _read(address)
    return address if host is None or host.version == 4 else _network(host, 64)


def _cut(address: str) -> str | None:
    """The network that an address, or a network, lies in; None for anything else."""
    host = _read(address.partition("/")[0].strip())
    return None if host is None else _network(host, _KEPT_BITS[host.version])


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address.partition("%")[0])  # an interface of this machine is no part of it
    except ValueError:
        return None


def _network(host: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network(f"{host}/{bits}", strict=False))


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
