"""Names of hosts: what a request may be meant for, and what is this machine."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - what is listened on, not what listens
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)


def allowed_hosts(text: str) -> tuple[str, ...]:
    """Names without scheme and port, comma-separated. Raises ValueError for one that is none."""
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host's name, without scheme and port, such as api.practice.test")
    return hosts


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks, comma-separated. Raises ValueError for one that is none, or that everybody is in."""
    found = tuple(_network(part.strip()) for part in text.split(",") if part.strip())
    for network in found:
        if network.prefixlen == 0:
            raise ValueError(f"{network} is every address: then anybody could say who they are")
    return found


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no address or network, such as 10.0.0.0/8") from None


def names_of(host: str) -> tuple[str, ...]:
    """How requests name what listens there: not at all where that is every address."""
    if host in _EVERY_ADDRESS:
        return ()
    return (f"[{host}]",) if ":" in host else (host.lower(),)


def is_this_machine(host: str) -> bool:
    """Whether what is sent there stays on this machine: loopback, or a socket in the file system."""
    name = host.strip("[]").lower()
    if name in ("", "localhost") or name.startswith(("/", "@")):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
