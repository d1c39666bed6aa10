"""The database: reachable, in time, with its schema and extension, and by a role that may what it must and no more."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from config import Settings, SettingsProblem
from config.connections import foreign_hosts
from models import database
from models.privileges import RefusedRole, lacking, refuse_owner
from models.schema import Fit, schema_of
from ops.doctor.clocks import told_by
from ops.doctor.findings import Findings, first_line, ok, warning, wrong

TESTED = 18  # PostgreSQL's major version
EXTENSION = "btree_gist"
_OF_A_PROGRAM = 40  # connections, at most; see docs/production.md
_MIGRATE = "run `python -m models.migrate` with DATABASE_OWNER_URL"
_HELPS = {
    Fit.EMPTY: _MIGRATE,
    Fit.OLDER: _MIGRATE,
    Fit.UNMARKED: "only then start workers and servers",
}


async def look(settings: Settings) -> Findings:
    try:
        url = settings.database
    except SettingsProblem:
        yield wrong("database", "DATABASE_URL is not set", "give the URL of the programs' role")
        return
    pool = database.connect(url, pool_size=2)
    try:
        async with pool.connect() as connection:
            async for finding in _looked(connection, settings):
                yield finding
        try:
            await refuse_owner(pool)
            yield ok("database role", "it can rewrite nothing of what happened")
        except RefusedRole as refused:
            told = wrong if settings.production else warning
            todo = "make two roles, see Two roles in docs/production.md, and migrate again: that sets the rights"
            yield told("database role", str(refused), todo)
        except DBAPIError:  # no tables yet, which is said already
            pass
    except (DBAPIError, OSError) as error:
        said = first_line(error.orig or error) if isinstance(error, DBAPIError) else first_line(error)
        todo = "see that PostgreSQL runs there, and that DATABASE_URL has its host, database, role and password"
        yield wrong("database", f"it cannot be used: {said}", todo)
    finally:
        await pool.dispose()


async def _looked(connection: AsyncConnection, settings: Settings) -> Findings:
    version = int(await _value(connection, "SHOW server_version_num")) // 10_000
    if version != TESTED:
        yield warning("database", f"PostgreSQL {version} is reached", f"{TESTED} is what is tested: use that")
    else:
        yield ok("database", f"PostgreSQL {version} is reached")
    asked_at = datetime.now(UTC)
    says = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    yield told_by("database", says, between=(asked_at, datetime.now(UTC)))
    foreign = foreign_hosts(settings.database, {})
    if foreign and not await _value(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"):
        todo = "give sslmode=verify-full, unless nobody else is on the wire"
        yield warning("database connection", f"it goes to {', '.join(foreign)} unencrypted", todo)
    schema = await schema_of(connection)
    if schema.fit is Fit.OK:
        yield ok("database schema", "it is that of this code")
    elif schema.usable:
        yield ok("database schema", schema.says)
    else:
        yield wrong("database schema", schema.says, _HELPS.get(schema.fit, "run the release that this database is of"))
    if schema.fit is Fit.EMPTY:
        return
    if await _value(connection, "SELECT count(*) FROM pg_extension WHERE extname = :name", name=EXTENSION):
        yield ok("database extension", f"{EXTENSION} is there")
    else:
        todo = f"as the owner: CREATE EXTENSION {EXTENSION}; it comes with PostgreSQL's contrib package"
        yield wrong("database extension", f"{EXTENSION} is missing: times could be given twice", todo)
    missing = await lacking(connection)
    for right in missing:
        yield wrong("database rights", f"the role {right}", _MIGRATE)
    if not missing:
        yield ok("database rights", "the role may do what the programs need")
    connections = int(await _value(connection, "SHOW max_connections"))
    if connections < 3 * _OF_A_PROGRAM:
        said = f"max_connections is {connections}, and each worker and server opens up to {_OF_A_PROGRAM}"
        yield warning("database connections", said, f"set it to {_OF_A_PROGRAM} times your programs, and some")
    else:
        yield ok("database connections", f"max_connections is {connections}")
    compared = await _value(connection, "SELECT compared_at IS NOT NULL FROM epoch ORDER BY number DESC LIMIT 1")
    if not compared:
        said = "it was restored and not compared with Stripe yet: nothing is charged or refunded"
        yield warning("database epoch", said, "start a worker; the keeper begins the comparison within ten minutes")


async def _value(connection: AsyncConnection, statement: str, **values: object) -> str | int | bool:
    found: str | int | bool = (await connection.execute(text(statement), values)).scalar_one()
    return found
