"""Names of hosts: what a request may be meant for, and what is this machine."""

import re
from ipaddress import ip_address

_EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - what is listened on, not what listens
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)


def allowed_hosts(text: str) -> tuple[str, ...]:
    """Names without scheme and port, comma-separated. Raises ValueError for one that is none."""
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host's name, without scheme and port, such as api.practice.test")
    return hosts


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
