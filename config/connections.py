"""Connections to database and engine that others on the way could read, or answer in their place."""

from collections.abc import Iterator, Mapping

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.hosts import is_this_machine
from engine.connect import EngineAddress

WAY_OUT = "or PRIVATE_NETWORK=yes where nobody else is on the wire"
REMEDIES = {
    "DATABASE_URL": f"give sslmode=verify-full, {WAY_OUT}",
    "DATABASE_OWNER_URL": f"give sslmode=verify-full, {WAY_OUT}",
    "TEMPORAL_ADDRESS": f"give TEMPORAL_TLS=true, {WAY_OUT}",
}
_ON_THIS_MACHINE = "a plain connection on this machine"


def unprotected(
    database_url: str, engine: EngineAddress, environment: Mapping[str, str], *, owners: str = ""
) -> Iterator[tuple[str, str]]:
    """Those that leave this machine, by their setting, each with what speaks against it. ``owners``: the URL by which
    the database is migrated, where it is given."""
    for name, url in (("DATABASE_URL", database_url), ("DATABASE_OWNER_URL", owners)):
        foreign = ", ".join(foreign_hosts(url, environment)) if url or name == "DATABASE_URL" else ""
        if foreign and not is_verified(url, environment):
            yield name, f"nothing proves that {foreign} is the database"
    if not engine.tls and not is_this_machine(_host_of(engine.address)):
        yield "TEMPORAL_ADDRESS", f"{engine.address} is reached without TLS"


def let_through(
    database_url: str,
    engine: EngineAddress,
    environment: Mapping[str, str],
    *,
    owners: str = "",
    private_network: bool,
) -> list[str]:
    """What is plain, and why it may be: sentences for a log."""
    said = [
        f"PRIVATE_NETWORK=yes lets {name} through: {why}"
        for name, why in unprotected(database_url, engine, environment, owners=owners)
    ]
    if private_network and not said:
        said.append("PRIVATE_NETWORK=yes is not needed: no connection leaves this machine unprotected")
    if not foreign_hosts(database_url, environment) and not is_verified(database_url, environment):
        said.append(f"DATABASE_URL: {_ON_THIS_MACHINE}")
    if not engine.tls and is_this_machine(_host_of(engine.address)):
        said.append(f"TEMPORAL_ADDRESS: {_ON_THIS_MACHINE}")
    return said


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


def _host_of(address: str) -> str:
    """Of ``host:port``, where an IPv6 host has brackets."""
    return address.rpartition(":")[0] or address
