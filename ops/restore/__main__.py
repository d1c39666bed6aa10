"""Put a backup back: ``python -m ops.restore FOLDER``, while no worker and no server runs.

Before anything is changed it looks whether the dump is the one that was made, whether the keys that it needs are among
the settings, whether this code knows its schema, and whether the database is empty and unused. ``--replace`` puts it in
the place of what is there, all or nothing. Then the database is migrated and marked as restored, which begins a new
epoch: nothing is charged or refunded until a comparison with Stripe. Only then may the programs read it: of one that
ends before, nobody can use an unmarked copy. Run it again with ``--replace``. Exit code 0: it is there; 2: it is not.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from psycopg import AsyncConnection, sql
from sqlalchemy.engine import make_url

from config import Settings, SettingsProblem, leave, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.migrate import NoSuchRole, WrongSchema, upgrade
from models.schema import Fit, judged, own_migrations
from ops.backup.manifest import DUMP, Manifest, NoBackup, read
from ops.backup.programs import ProgramFailed, ProgramMissing, find, run
from ops.leaving import CANNOT_LOOK, exit_code
from ops.restored import mark_restored

_OWN_TABLE = "alembic_version"  # of the migrations: it is in the dump, and no table of ours


class RestoreRefused(ValueError):
    """Nothing was changed; the message says why, and what to do."""


async def restore(settings: Settings, folder: Path, *, replace: bool) -> str:
    """The new epoch. Raises NoBackup, RestoreRefused, ProgramMissing, ProgramFailed, NoSuchRole, WrongSchema."""
    manifest = await asyncio.to_thread(read, folder)
    _fits(manifest, settings)
    url, application = settings.owners_database, make_url(settings.database).username or ""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        server = connection.info.server_version // 10_000
        program = find("pg_restore", server=max(server, manifest.postgres))
        await _is_free(connection, manifest, application=application, replace=replace)
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--no-password"]
    arguments += ["--clean", "--if-exists"] if replace else []
    await asyncio.to_thread(run, program, [*arguments, str(folder / DUMP)], url=url)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await _is_whole(connection, manifest)
    # The copy came without rights for the programs, and nobody gives it any before it is marked.
    await asyncio.to_thread(upgrade, url, policy=settings.policy)
    pool = database.connect(url)
    try:
        epoch = await mark_restored(
            database.session_factory(pool, chain=settings.chain_keys, rows=settings.row_keys),
            at=await clock_for(settings.time_travel_address).now(),
        )
    finally:
        await pool.dispose()
    await asyncio.to_thread(upgrade, url, application=application, policy=settings.policy)
    return str(epoch)


def _fits(manifest: Manifest, settings: Settings) -> None:
    """Whether these settings and this code can do something with it."""
    for setting, needed, keys in (
        ("PAYLOAD_KEYS", manifest.payload_keys, settings.payload_keys.keys),
        ("CHAIN_KEYS", manifest.chain_keys, settings.chain_keys.keys),
    ):
        if missing := sorted(set(needed) - {name for name, _ in keys}):
            raise RestoreRefused(
                f"{', '.join(missing)} of {setting} is needed for this backup, and not given: add it behind the others."
            )
    schema = judged(manifest.migrations, own_migrations())
    if schema.fit in (Fit.NEWER, Fit.TOO_NEW):
        raise RestoreRefused(
            f"The backup has the schema {manifest.migrations[-1].revision}, which this release does not know: use the"
            " release that made it, or a newer one."
        )
    if schema.fit not in (Fit.OK, Fit.OLDER):
        raise RestoreRefused(f"The backup does not go with this release. {schema.says}")


async def _is_free(
    connection: AsyncConnection[tuple[object, ...]], manifest: Manifest, *, application: str, replace: bool
) -> None:
    """Whether nobody uses it, and nothing stands in it that is not to be replaced."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s AND pid <> %s"
    [users] = await _row(connection, asked, application, connection.info.backend_pid)
    if users:
        raise RestoreRefused(f"{users} connections of {application} are open: stop every worker and server first.")
    there = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    tables = [str(name) for (name,) in await there.fetchall()]
    if tables and not replace:
        raise RestoreRefused(
            f"The database has {len(tables)} tables: name an empty one in DATABASE_URL and DATABASE_OWNER_URL, or give"
            " --replace to put the backup in the place of what is there."
        )
    if strange := sorted(set(tables) - manifest.rows.keys() - {_OWN_TABLE}):
        raise RestoreRefused(
            f"The database has tables that the backup has not, which would stay ({', '.join(strange)}): drop the"
            " database, make it anew, and restore into the empty one."
        )


async def _is_whole(connection: AsyncConnection[tuple[object, ...]], manifest: Manifest) -> None:
    for table, number in manifest.rows.items():
        cursor = await connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        found = await cursor.fetchone()
        if found != (number,):
            raise ProgramFailed(f"The table {table} had {number} rows, and has {found and found[0]}: restore it again.")


async def _row(connection: AsyncConnection[tuple[object, ...]], asked: str, *values: object) -> tuple[object, ...]:
    found = await (await connection.execute(asked.encode(), values)).fetchone()
    assert found is not None
    return found


def main(folder: Path, *, replace: bool) -> int:
    settings = settings_or_exit()
    try:
        epoch = asyncio.run(restore(settings, folder, replace=replace))
    except SettingsProblem as problem:
        leave(problem)
    except (NoBackup, RestoreRefused, ProgramMissing, ProgramFailed, NoSuchRole, WrongSchema) as problem:
        print(problem, file=sys.stderr)
        return CANNOT_LOOK
    print(
        f"The backup is back, and the database has a new epoch, {epoch}.\n"
        "Keep this epoch outside of the database, beside the anchors:"
        f" `python -m ops.verify --anchor FILE --restored {epoch}` then knows what went with the copy.\n"
        "Start the workers and the servers. If the engine was lost too, run `python -m engine.connect register` and"
        " `python -m ops.resume --all`; else `temporal schedule trigger --schedule-id keep-journeys`, or wait ten"
        " minutes. Then `python -m ops.doctor`."
    )
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m ops.restore", description=__doc__)
    asked.add_argument("folder", type=Path, help="which `python -m ops.backup` has made")
    asked.add_argument("--replace", action="store_true", help="put it in the place of what the database has")
    given = asked.parse_args()
    end(exit_code(lambda: main(given.folder, replace=given.replace)))
