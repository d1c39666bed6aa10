"""What a setting says of where the product runs: is a secret one, is a host this machine, is a connection safe.

Pure functions: a value in; out comes the half-sentence that speaks against it, or None.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

LEAST_SECRET = 32  # characters; what vendors give is longer, and so is a random one
LEAST_DIFFERENT = 10  # of them; and half as many again of a key's bytes
_NO_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - what is listened on, not what listens
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)


def weak_secret(text: str) -> str | None:
    """Against a secret that is sent as it is."""
    if len(text) < LEAST_SECRET:
        return f"it has {len(text)} characters, and needs at least {LEAST_SECRET}"
    if len(set(text)) < LEAST_DIFFERENT:
        return f"it has {len(set(text))} different characters, and needs at least {LEAST_DIFFERENT}"
    return None


def weak_key(key: bytes) -> str | None:
    """Against the bytes of a key, of which chance would make neither words nor repetitions."""
    if key.isascii() and key.decode().isprintable():
        return "it is text in base64, and must be random bytes"
    if len(set(key)) < LEAST_DIFFERENT * 3 // 2:
        return "it repeats itself, and must be random bytes"
    return None


def is_this_machine(host: str) -> bool:
    """Whether what is sent there stays on this machine: loopback, or a socket in the file system."""
    name = host.strip("[]").lower()
    if name in ("", "localhost") or name.startswith(("/", "@")):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """Of ``host:port``, where an IPv6 host has brackets."""
    return address.rpartition(":")[0] or address


def foreign_hosts(database_url: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The database's hosts that are not this machine, as its client library reads URL and ``PG*`` variables."""
    given = _read(database_url)
    hosts = given.get("hostaddr") or given.get("host") or environment.get("PGHOSTADDR") or environment.get("PGHOST")
    if not hosts and (given.get("service") or environment.get("PGSERVICE")):
        hosts = "a service file's host"
    return tuple(host for host in str(hosts or "").split(",") if not is_this_machine(host))


def is_verified(database_url: str, environment: Mapping[str, str]) -> bool:
    """Whether the connection is encrypted, and to nobody else: ``require`` alone would take any server for the one."""
    given = _read(database_url)
    if "sslmode" not in given and "sslrootcert" not in given:
        given = {"sslmode": environment.get("PGSSLMODE"), "sslrootcert": environment.get("PGSSLROOTCERT")}
    mode = given.get("sslmode")
    return mode == "verify-full" or (given.get("sslrootcert") == "system" and not mode)


def _read(database_url: str) -> dict[str, str | int | None]:
    try:
        return dict(conninfo_to_dict(database_url))
    except ProgrammingError:  # whoever connects will say so
        return {}


def allowed_hosts(text: str) -> tuple[str, ...]:
    """Names without scheme and port, comma-separated. Raises ValueError for one that is none."""
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"{host!r} is no host: it takes names without scheme and port, *.practice.test for all below"
            )
    return hosts


def names_of(host: str) -> tuple[str, ...]:
    """How requests name what listens there: not at all where that is every address."""
    if host in _NO_ADDRESS:
        return ()
    return (f"[{host}]",) if ":" in host else (host.lower(),)
