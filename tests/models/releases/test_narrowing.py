"""A migration takes nothing that the release before uses, and no released one is ever changed."""

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from local.postgres import Postgres
from local.processes import ROOT
from models.migrate import configuration
from models.release import CHANGELOG, Release, record
from models.schema import FOLDER, migrations_in, own_migrations
from models.two_releases import COMING, LEAVING
from tests.conftest import TEMPLATE
from tests.models.releases.made_up import FIRST, migrations_with
from tests.models.releases.narrowing import Catalog, catalog_of, taken


def _engine(url: str) -> Engine:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)


def _catalog(url: str) -> Catalog:
    engine = _engine(url)
    with engine.connect() as connection:
        return catalog_of(connection)


def _complaints(url: str, config: Config, released: Release) -> list[str]:
    """What the migrations since the last release take from it."""
    own = migrations_in(ScriptDirectory.from_config(config))
    found = [f"migration {revision} was changed after its release" for revision in released.changed(own)]
    if released.head is None or found:
        return found
    command.upgrade(config, released.head)
    before = _catalog(url)
    command.upgrade(config, "head")
    after = _catalog(url)
    found += taken(before, after, leaving=released.leaving, coming=released.coming)
    since = [each for each in own if each.revision > released.head]
    found += [
        f"{each.revision} runs from {each.runs_from} on, and the last release is {released.head}"
        for each in since
        if each.runs_from > released.head
    ]
    gone = set(before.columns) - set(after.columns)
    words = {name for name, was in before.constraints.items() if was.words - after.constraints.get(name, was).words}
    if (gone or words or released.coming) and max(each.runs_from for each in since) < released.head:
        found.append(f"something goes for good: older code than {released.head} must be shut out, by runs_from")
    return found


@pytest.fixture
async def empty(postgres: Postgres) -> AsyncIterator[str]:
    await postgres.create_database("to_compare")
    yield postgres.owner_url("to_compare")
    await postgres.drop_database("to_compare")


@pytest.fixture
async def full(postgres: Postgres) -> AsyncIterator[str]:
    """All that this code has was run."""
    await postgres.create_database("to_compare", template=TEMPLATE)
    yield postgres.owner_url("to_compare")
    await postgres.drop_database("to_compare")


@pytest.fixture
def shared(postgres: Postgres, shared_database: AsyncEngine) -> str:
    """The same, where nothing is kept."""
    return postgres.owner_url("shared")


async def test_no_migration_takes_what_the_release_before_uses(empty: str) -> None:
    released = Release.read()
    assert await asyncio.to_thread(_complaints, empty, configuration(empty), released) == []
    if released.head is None:
        assert len(own_migrations()) == 1, "before the first release, the first schema is changed in place"
        assert not LEAVING | COMING


def _as_released(**more: list[str]) -> Release:
    checksums = {each.revision: each.checksum for each in own_migrations()}
    return Release(release="1.0.0", checksums=checksums, **{"leaving": [], "coming": [], **more})


async def test_a_next_release_is_looked_at_the_same_way(full: str, tmp_path: Path) -> None:
    config = configuration(full, folder=migrations_with(tmp_path, "ALTER TABLE therapist DROP COLUMN about"))
    found = await asyncio.to_thread(_complaints, full, config, _as_released())
    assert found == ["the column therapist.about is gone"]
    leaving = _as_released(leaving=["therapist.about"])
    assert await asyncio.to_thread(_complaints, full, config, leaving) == []


async def test_a_released_migration_that_was_edited_is_found(full: str, tmp_path: Path) -> None:
    folder = migrations_with(tmp_path, "SELECT 1")
    [first] = (folder / "versions").glob(f"{FIRST}_*.py")
    first.write_text(first.read_text().replace("length=80", "length=81", 1))
    found = await asyncio.to_thread(_complaints, full, configuration(full, folder=folder), _as_released())
    assert found == [f"migration {FIRST} was changed after its release"]


ADDITIONS = (
    "ALTER TABLE client ADD COLUMN new text",
    "ALTER TABLE client ADD COLUMN new text NOT NULL DEFAULT ''",
    "ALTER TABLE client ADD COLUMN new text CHECK (new IN ('a', 'b'))",
    "ALTER TABLE client ADD COLUMN new uuid UNIQUE REFERENCES client (id)",
    "ALTER TABLE client ADD COLUMN new bigint GENERATED ALWAYS AS IDENTITY",
    "CREATE TABLE more (id int PRIMARY KEY, client_id uuid NOT NULL REFERENCES client)",
    "CREATE INDEX more ON client (first_name)",
    "ALTER TABLE client_group ALTER COLUMN name TYPE text",
    "ALTER TABLE applied_migration ALTER COLUMN revision TYPE varchar(80)",
    "ALTER TABLE payment ALTER COLUMN currency DROP NOT NULL",
)


@pytest.mark.parametrize("statement", ADDITIONS)
async def test_what_only_adds_is_taken(shared: str, statement: str) -> None:
    assert await asyncio.to_thread(_by, shared, statement) == []


NARROWINGS = {
    "DROP TABLE goal CASCADE": "the table goal is gone",
    "ALTER TABLE goal RENAME TO aim": "the table goal is gone",
    "ALTER TABLE client DROP COLUMN phone": "the column client.phone is gone",
    "ALTER TABLE client RENAME COLUMN phone TO telephone": "the column client.phone is gone",
    "ALTER TABLE client ADD COLUMN new text NOT NULL": "the new column client.new must be given",
    "ALTER TABLE client ALTER COLUMN phone SET NOT NULL": "the column client.phone may not be null any more",
    "ALTER TABLE client ALTER COLUMN time_zone TYPE varchar(3)": "the column client.time_zone was character varying",
    "ALTER TABLE payment ALTER COLUMN amount TYPE integer": "the column payment.amount was bigint, and is integer",
    "ALTER TABLE client ADD CHECK (phone <> '')": "may refuse what old code writes",
    "ALTER TABLE client ADD UNIQUE (phone)": "may refuse what old code writes",
    "CREATE UNIQUE INDEX more ON client (phone)": "may refuse what old code writes",
    "ALTER TABLE client ADD COLUMN new int DEFAULT 1 UNIQUE": "may refuse what old code writes",
    "ALTER TABLE practice_text DROP CONSTRAINT one_text_per_kind_and_version": "one_text_per_kind_and_version of",
    "DROP INDEX one_client_per_address": "the constraint one_client_per_address of client is gone",
    "DROP TRIGGER append_only ON fact": "the trigger append_only of fact is gone",
    "DROP FUNCTION refuse_change CASCADE": "the function refuse_change is gone",
}


@pytest.mark.parametrize("statement", NARROWINGS)
async def test_what_takes_something_from_old_code_is_refused(shared: str, statement: str) -> None:
    assert NARROWINGS[statement] in "\n".join(await asyncio.to_thread(_by, shared, statement))


async def test_a_new_word_takes_two_releases(shared: str) -> None:
    def widened(coming: list[str]) -> list[str]:
        engine = _engine(shared)
        with engine.connect() as connection:
            before = catalog_of(connection)
            (table, name), was = next(
                (key, each) for key, each in before.constraints.items() if key[0] == "payment" and len(each.words) > 3
            )
            wider = was.definition.replace("ARRAY[", "ARRAY['a_new_word'::character varying, ", 1)
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
            connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {wider}"))
            return taken(before, catalog_of(connection), coming=[word.format(name=name) for word in coming])

    [refused] = await asyncio.to_thread(widened, [])
    assert "payment takes the word 'a_new_word'" in refused
    assert await asyncio.to_thread(widened, ["{name}: a_new_word"]) == []


def _by(url: str, statement: str) -> list[str]:
    """What a statement takes; it is not kept."""
    engine = _engine(url)
    with engine.connect() as connection:
        before = catalog_of(connection)
        connection.execute(text(statement))
        return taken(before, catalog_of(connection))


def test_what_was_released_last_is_called_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    [newest, *_] = re.findall(r"^## \[(\d[^]]*)\]", CHANGELOG.read_text(), re.MULTILINE)
    assert Release.read().release == version == newest


def test_a_release_is_recorded(tmp_path: Path) -> None:
    file, changelog = tmp_path / "released.json", tmp_path / "CHANGELOG.md"
    file.write_text((FOLDER / "released.json").read_text())
    changelog.write_text("## [1.0.0] - 2027-01-01\n")
    with pytest.raises(ValueError, match="three numbers"):
        record("one", file=file, changelog=changelog)
    with pytest.raises(ValueError, match=r"has no section \[1\.0\.1\]"):
        record("1.0.1", file=file, changelog=changelog)
    made = record("1.0.0", file=file, changelog=changelog)
    assert (made, made.head, made.changed(own_migrations())) == (Release.read(file), FIRST, [])
    said = json.loads(file.read_text())
    file.write_text(json.dumps(said | {"checksums": {FIRST: "what it was"}}))
    with pytest.raises(ValueError, match=f"Migration {FIRST} was changed after its release"):
        record("1.0.0", file=file, changelog=changelog)
