"""What a worker says of itself: of its database, of the engine, of its work."""

from sqlalchemy.ext.asyncio import AsyncEngine

import worker
from engine.watching.port import OK
from models.database import connect
from models.schema import own_migrations
from tests.care.owner import Owner


async def test_a_database_must_be_there_with_the_schema_of_this_code(database: AsyncEngine, owner: Owner) -> None:
    standing = worker.WorkerStanding(database)
    assert await standing.checks["database"]() == OK
    known = own_migrations()[0].checksum
    try:
        await owner.writes("UPDATE applied_migration SET checksum = 'of another text' WHERE revision = '0001'")
        assert await standing.checks["database"]() == "another"
    finally:
        await owner.writes("UPDATE applied_migration SET checksum = :known WHERE revision = '0001'", known=known)
    assert await standing.checks["database"]() == OK


async def test_a_database_without_tables_is_not_migrated(database: AsyncEngine) -> None:
    """The server's own has none."""
    empty = connect(database.url.set(database="postgres").render_as_string(hide_password=False))
    try:
        assert await worker.WorkerStanding(empty).checks["database"]() == "empty"
    finally:
        await empty.dispose()


async def test_nobody_there_is_said_of_both() -> None:
    nowhere = connect("postgresql://care_app@127.0.0.1:1/none")
    try:
        standing = worker.WorkerStanding(nowhere)
        assert await standing.checks["database"]() == "unavailable"
        assert await standing.checks["engine"]() == "unavailable"
        assert await standing.checks["work"]() == "starting"
    finally:
        await nowhere.dispose()
