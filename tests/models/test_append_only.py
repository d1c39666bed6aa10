"""What is only ever added to: the programs' role can change none of it, and triggers stop even those who own it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from local.postgres import APPLICATION, Postgres
from local.processes import ROOT, free_port
from models.database import Sessions, connect
from models.migrate import NoSuchRole, upgrade
from models.privileges import ENDED_ALONE, RefusedRole, refuse_owner
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.timeline import FactKind
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows
from tests.conftest import TEMPLATE
from tests.local.environment import PRODUCTION

CHANGES = ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"]
COLUMN = {
    "fact": "text",
    "anchor": "root",
    "anchored_head": "hash",
    "access_line": "who",
    "access_repeat": "at",
    "access_block": "data",
    "chained_access": "block",
}
every = pytest.mark.parametrize("table", COLUMN)  # said here, so that a table that is left out is missed


async def _says(engine: AsyncEngine, statement: str) -> str:
    with pytest.raises(DBAPIError) as refused:
        async with engine.begin() as connection:
            await connection.execute(text(statement))
    return str(refused.value.orig).splitlines()[0]


@every
@pytest.mark.parametrize("change", CHANGES)
async def test_the_programs_role_can_change_nothing_of_it(database: AsyncEngine, table: str, change: str) -> None:
    said = await _says(database, change.format(table=table, column=COLUMN[table]))
    assert said == f"permission denied for table {table}"


@every
@pytest.mark.parametrize("change", CHANGES)
async def test_nor_can_its_owner_before_switching_the_trigger_off(owner: Owner, table: str, change: str) -> None:
    statement = change.format(table=table, column=COLUMN[table])
    assert await _says(owner.engine, statement) == f"rows of {table} are only ever added"
    await owner.writes(statement)  # nothing stops an owner who means it: that is what anchors are for


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE fact DISABLE TRIGGER append_only",
        "DROP TRIGGER append_only ON fact",
        "DROP TABLE fact CASCADE",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "SET ROLE postgres",
        "UPDATE alembic_version SET version_num = '0'",
        "UPDATE applied_migration SET runs_from = '9999'",
        "CREATE TABLE public.more (id int)",
    ],
)
async def test_the_programs_role_cannot_help_itself(database: AsyncEngine, statement: str) -> None:
    said = await _says(database, statement)
    assert "denied" in said or "must be owner" in said


async def test_the_programs_role_adds_and_reads(sessions: Sessions, rows: Rows) -> None:
    sara = await rows.client()
    async with sessions() as session:
        client = await lock_client(session, sara.id)
        fact = tell(session, client, FactKind.DETAILS_CHANGED, at=NOW, by="system", text="As it was")
        await session.commit()
        await session.refresh(fact)
    assert (fact.seq, fact.hash) == (1, client.fact_hash)


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


# ---------------------------------------------------------------- roles


async def test_migrations_name_a_role_that_is_not_there(postgres: Postgres) -> None:
    with pytest.raises(NoSuchRole, match="The role nobody of DATABASE_URL does not exist"):
        upgrade(postgres.owner_url(TEMPLATE), application="nobody")


@pytest.fixture
async def privileged(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    engine = connect(postgres.owner_url("shared"), pool_size=1)
    yield engine
    await engine.dispose()


async def test_the_role_is_looked_at(database: AsyncEngine, privileged: AsyncEngine) -> None:
    await refuse_owner(database)
    with pytest.raises(RefusedRole, match="its role is a superuser's, so that the programs could rewrite the timeline"):
        await refuse_owner(privileged)


@every
@pytest.mark.parametrize(
    ("given", "because"),
    [
        ("GRANT UPDATE ON {table} TO {role}", "may change the table {table}"),
        ("GRANT UPDATE ({column}) ON {table} TO {role}", "may change the table {table}"),
        ("GRANT UPDATE ({column}) ON {table} TO PUBLIC", "may change the table {table}"),
        ("GRANT DELETE ON {table} TO {role}", "may change the table {table}"),
        ("GRANT TRUNCATE ON {table} TO {role}", "may change the table {table}"),
        ("GRANT TRIGGER ON {table} TO {role}", "may change the table {table}"),
        ("ALTER TABLE {table} OWNER TO {role}", "owns the table {table}"),
    ],
)
async def test_a_role_that_could_change_what_is_only_added_to_is_refused(
    database: AsyncEngine, owner: Owner, table: str, given: str, because: str
) -> None:
    await owner.writes(given.format(role=APPLICATION, table=table, column=COLUMN[table]))
    try:
        with pytest.raises(RefusedRole, match=f"its role {because.format(table=table)},"):
            await refuse_owner(database)
    finally:
        await owner.writes(
            f"ALTER TABLE {table} OWNER TO postgres",
            f"REVOKE ALL ON {table} FROM {APPLICATION}, PUBLIC",
            f"REVOKE UPDATE ({COLUMN[table]}) ON {table} FROM {APPLICATION}, PUBLIC",
            f"GRANT SELECT, INSERT ON {table} TO {APPLICATION}",
        )


FIXED = {"opening": "ends_at", "signed_copy": "sha256"}  # a column that is not to change


@pytest.mark.parametrize("table", FIXED)
@pytest.mark.parametrize(
    ("given", "because"),
    [
        ("GRANT UPDATE ON {table} TO {role}", "may change the table {table}"),
        ("GRANT UPDATE ({column}) ON {table} TO {role}", "may change the table {table}"),
        ("GRANT DELETE ON {table} TO {role}", "may change the table {table}"),
        ("ALTER TABLE {table} OWNER TO {role}", "owns the table {table}"),
    ],
)
async def test_nor_may_it_change_more_than_the_end_of_what_is_ended_alone(
    database: AsyncEngine, owner: Owner, table: str, given: str, because: str
) -> None:
    assert list(ENDED_ALONE) == list(FIXED)
    await owner.writes(given.format(role=APPLICATION, table=table, column=FIXED[table]))
    try:
        with pytest.raises(RefusedRole, match=f"its role {because.format(table=table)},"):
            await refuse_owner(database)
    finally:
        await owner.writes(
            f"ALTER TABLE {table} OWNER TO postgres",
            f"REVOKE ALL ON {table} FROM {APPLICATION}",
            f"REVOKE UPDATE ({FIXED[table]}) ON {table} FROM {APPLICATION}",
            f"GRANT SELECT, INSERT ON {table} TO {APPLICATION}",
            f"GRANT UPDATE ({ENDED_ALONE[table]}) ON {table} TO {APPLICATION}",
        )
    await refuse_owner(database)


@pytest.mark.parametrize("program", ["worker.py", "server.py"])
async def test_a_program_does_not_start_in_production_as_the_owner(
    postgres: Postgres, database_url: str, program: str
) -> None:
    settings = PRODUCTION | {"DATABASE_URL": postgres.owner_url("stories"), "API_PORT": str(free_port())}
    settings |= {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "PATH": os.environ["PATH"]}
    ended = subprocess.run(
        [sys.executable, program], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "DATABASE_URL is refused in production: its role is a superuser's" in ended.stderr
    assert "Traceback" not in ended.stderr
