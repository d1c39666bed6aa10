"""Back the database up into a new folder: ``python -m ops.backup FOLDER``, while everything runs.

It needs DATABASE_OWNER_URL, and pg_dump of the server's version. The dump is of one moment, and read through once
before it counts; beside it stands what it is: a checksum, how many rows each table had, which migrations were run, the
epoch, and the names of the keys that are needed to read it. What people wrote is sealed in it. The keys are not in it,
and no settings are: keep PAYLOAD_KEYS and CHAIN_KEYS elsewhere. The engine needs no backup. Exit code 2: there is none.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from config import Settings, SettingsProblem, leave, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models.reads.epoch import present_epoch
from models.reads.keeping.encryption_keys import rows_by_key
from models.reads.keeping.signing_keys import signing_keys
from models.schema import APPLIED, Migration
from ops.backup.manifest import DUMP, NAME, Manifest, digest
from ops.backup.programs import ProgramFailed, ProgramMissing, find, run
from ops.leaving import CANNOT_LOOK, exit_code


async def back_up(settings: Settings, folder: Path) -> Manifest:
    """Into ``folder``, which is there only once it is whole. Raises FileExistsError, ProgramMissing, ProgramFailed."""
    if folder.exists():  # noqa: ASYNC240 - a command does nothing else meanwhile
        raise FileExistsError(f"{folder} exists: name a new folder for each backup.")
    url = settings.owners_database
    # Without our usual bounds on time: a table may be large. One snapshot for the dump and for what is told of it.
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="REPEATABLE READ",
        poolclass=NullPool,
        hide_parameters=True,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new.", dir=folder.parent))  # for its owner alone
    try:
        async with AsyncSession(engine) as session:
            connection = await session.connection()
            server = int((await connection.execute(text("SHOW server_version_num"))).scalar_one()) // 10_000
            dumps, restores = find("pg_dump", server=server), find("pg_restore", server=server)
            snapshot = (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
            dump = new / DUMP
            arguments = ["--format=custom", "--no-password", f"--file={dump}", f"--snapshot={snapshot}"]
            await asyncio.to_thread(run, dumps, arguments, url=url)
            await asyncio.to_thread(run, restores, [f"--file={os.devnull}", str(dump)])
            counts = {
                table.name: (await connection.execute(text(f'SELECT count(*) FROM "{table.name}"'))).scalar_one()  # noqa: S608 - our own tables
                for table in SQLModel.metadata.sorted_tables
            }
            manifest = Manifest(
                made_at=await clock_for(settings.time_travel_address).now(),
                postgres=server,
                migrations=tuple(Migration(*row) for row in await connection.execute(APPLIED)),
                epoch=await present_epoch(session),
                payload_keys=tuple(sorted(await rows_by_key(session))),
                chain_keys=tuple(sorted(await signing_keys(session))),
                rows=counts,
                bytes=dump.stat().st_size,
                sha256=digest(dump),
            )
        (new / NAME).write_text(manifest.model_dump_json(indent=2) + "\n")
        new.rename(folder)  # noqa: ASYNC240
    finally:
        shutil.rmtree(new, ignore_errors=True)
        await engine.dispose()
    return manifest


def main(folder: Path) -> int:
    settings = settings_or_exit()
    try:
        manifest = asyncio.run(back_up(settings, folder))
    except SettingsProblem as problem:
        leave(problem)
    except (FileExistsError, ProgramMissing, ProgramFailed) as problem:
        print(problem, file=sys.stderr)
        return CANNOT_LOOK
    except OSError as problem:
        print(f"{folder} cannot be written: {problem.strerror or problem}.", file=sys.stderr)
        return CANNOT_LOOK
    print(
        f"{folder} has {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, of epoch {manifest.epoch}.\n"
        f"To read it: {', '.join(manifest.payload_keys) or 'none'} of PAYLOAD_KEYS;"
        f" to verify it: {', '.join(manifest.chain_keys) or 'none'} of CHAIN_KEYS."
        " They are not in it: keep them elsewhere, for as long as the backup."
    )
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m ops.backup", description=__doc__)
    asked.add_argument("folder", type=Path, help="where the backup is made; it must not exist")
    given = asked.parse_args()
    end(exit_code(lambda: main(given.folder)))
