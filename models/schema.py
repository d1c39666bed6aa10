"""Whether code and database go together.

Code runs with the schema of its own release and of the next, so that a release can be rolled out one program at a time,
and back. It knows its own migrations; of newer ones it goes by what the database says of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path

from alembic.script import ScriptDirectory
from psycopg.errors import InsufficientPrivilege, UndefinedTable
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from models.place import BEGUN_HERE, UNMARKED

FOLDER = Path(__file__).parent / "migrations"
APPLIED = text("SELECT revision, runs_from, checksum FROM applied_migration ORDER BY revision")


@dataclass(frozen=True)
class Migration:
    """``runs_from``: the oldest revision whose code can still run with it. Revisions are numbers of four digits."""

    revision: str
    runs_from: str
    checksum: str


class Fit(StrEnum):
    OK = "ok"
    NEWER = "newer"  # and can be used
    TOO_NEW = "too new"
    OLDER = "older"
    EMPTY = "empty"
    OTHER = "another"  # what was run there is not what this code has
    UNMARKED = "unmarked"  # a copy that was put back, whose epoch is still that of the life before


@dataclass(frozen=True)
class Schema:
    """``says``: a sentence for whoever runs it; empty where there is nothing to say."""

    fit: Fit
    says: str = ""

    @property
    def usable(self) -> bool:
        return self.fit in (Fit.OK, Fit.NEWER)


def migrations_in(scripts: ScriptDirectory) -> tuple[Migration, ...]:
    """Oldest first."""
    return tuple(
        Migration(script.revision, script.module.runs_from, checksum(Path(script.path)))
        for script in reversed(list(scripts.walk_revisions()))
    )


def checksum(path: Path) -> str:
    """Of a migration's text, whatever its lines end with."""
    return sha256("\n".join(path.read_text(encoding="utf-8").splitlines()).encode()).hexdigest()


@cache
def own_migrations() -> tuple[Migration, ...]:
    """Those of this code, oldest first."""
    return migrations_in(ScriptDirectory(str(FOLDER)))


def judged(applied: Sequence[Migration], own: Sequence[Migration]) -> Schema:
    """Whether code with the migrations ``own`` can use a database that has seen ``applied``, both oldest first."""
    if not applied:
        return Schema(Fit.EMPTY, "The database has no tables yet: migrate it.")
    known, head, there = {each.revision: each for each in own}, own[-1].revision, applied[-1].revision
    for each in applied:
        if each.revision in known and known[each.revision].checksum != each.checksum:
            return Schema(
                Fit.OTHER,
                f"Migration {each.revision} was run here with another text than this code has: run the release that"
                " made this database, or use another. A migration is never changed after its release.",
            )
    newer = [each for each in applied if each.revision > head]
    missing = sorted(known.keys() - {each.revision for each in applied})
    if newer and missing:
        return Schema(
            Fit.OTHER,
            f"The database has {newer[0].revision}, which this code does not know, and lacks {missing[0]}: they come"
            " from two lines of development.",
        )
    if missing:
        return Schema(Fit.OLDER, f"The database is at {there}, and this code needs {head}: migrate it.")
    runs_from = max((each.runs_from for each in newer), default=head)
    if runs_from > head:
        return Schema(
            Fit.TOO_NEW,
            f"The database is at {there}, which can be used by code from {runs_from} on, and this code is {head}: start"
            " a newer release.",
        )
    if newer:
        return Schema(Fit.NEWER, f"The database is at {there}, and this code, which is {head}, can run with it.")
    return Schema(Fit.OK)


async def schema_of(database: AsyncConnection) -> Schema:
    """Of the database of this connection, for this code. Raises DBAPIError where it does not answer."""
    try:
        rows = (await database.execute(APPLIED)).all()
        schema = judged([Migration(*row) for row in rows], own_migrations())
        if schema.usable and not (await database.execute(BEGUN_HERE)).scalar_one():
            return Schema(Fit.UNMARKED, UNMARKED)
    except ProgrammingError as error:  # no migration has begun, or the first one ends just now
        if not isinstance(error.orig, UndefinedTable | InsufficientPrivilege):
            raise
        return judged([], own_migrations())
    return schema
