"""Code runs with the schema of its own release and of the next, and says so of any other; what was run is never
another text."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from local.postgres import APPLICATION, Postgres
from models.database import connect
from models.migrate import WrongSchema, upgrade
from models.schema import Fit, Migration, checksum, judged, own_migrations, schema_of
from tests.conftest import TEMPLATE
from tests.models.releases.made_up import FIRST, NEXT, migrations_with

A, B, C = (Migration(f"000{n}", f"000{max(1, n - 1)}", f"text {n}") for n in (1, 2, 3))
ADDS = "ALTER TABLE therapist ADD COLUMN made_up text"


@pytest.mark.parametrize(
    ("applied", "own", "fit", "says"),
    [
        ([A], [A], Fit.OK, ""),
        ([], [A], Fit.EMPTY, "has no tables yet"),
        ([A], [A, B], Fit.OLDER, "is at 0001, and this code needs 0002: migrate it"),
        ([A, B], [A], Fit.NEWER, "is at 0002, and this code, which is 0001, can run with it"),
        ([A, B, C], [A, B], Fit.NEWER, "can run with it"),
        ([A, B, C], [A], Fit.TOO_NEW, "is at 0003, which can be used by code from 0002 on, and this code is 0001"),
        ([Migration("0001", "0001", "another")], [A], Fit.OTHER, "0001 was run here with another text"),
        ([Migration("0001", "0001", "another"), B], [A], Fit.OTHER, "0001 was run here with another text"),
        ([A, C], [A, B], Fit.OTHER, "has 0003, which this code does not know, and lacks 0002"),
    ],
)
def test_what_goes_together(applied: list[Migration], own: list[Migration], fit: Fit, says: str) -> None:
    schema = judged(applied, own)
    assert schema.fit is fit
    assert says in schema.says
    assert schema.usable == (fit in (Fit.OK, Fit.NEWER))


def test_each_migration_has_a_number_and_says_from_which_on_it_can_be_used() -> None:
    own = own_migrations()
    assert [each.revision for each in own] == [f"{number:04}" for number in range(1, len(own) + 1)]
    for each, before in zip(own[1:], own, strict=False):
        assert each.runs_from <= before.revision, f"{each.revision} shuts out the code before it"


@pytest.fixture
async def of_its_own(postgres: Postgres) -> AsyncIterator[str]:
    """A database that a next release may migrate: the owner's address."""
    await postgres.create_database("next_release", template=TEMPLATE)
    yield postgres.owner_url("next_release")
    await postgres.drop_database("next_release")


async def _schema(url: str) -> tuple[Fit, str]:
    engine = connect(make_url(url).set(username=APPLICATION).render_as_string(), pool_size=1)
    async with engine.connect() as connection:
        schema = await schema_of(connection)
    await engine.dispose()
    return schema.fit, schema.says


async def test_this_code_goes_on_when_the_next_release_has_migrated(of_its_own: str, tmp_path: Path) -> None:
    assert await _schema(of_its_own) == (Fit.OK, "")
    folder = migrations_with(tmp_path, ADDS)
    assert not await asyncio.to_thread(upgrade, of_its_own, application=APPLICATION, folder=folder)
    assert await _schema(of_its_own) == (
        Fit.NEWER,
        f"The database is at {NEXT}, and this code, which is {FIRST}, can run with it.",
    )
    # Migrating again changes nothing: neither by the newer release, nor by this one, which may have been put back.
    assert not await asyncio.to_thread(upgrade, of_its_own, application=APPLICATION, folder=folder)
    assert not await asyncio.to_thread(upgrade, of_its_own, application=APPLICATION)
    assert (await _schema(of_its_own))[0] is Fit.NEWER


async def test_nor_does_it_after_the_release_that_takes_something_away(of_its_own: str, tmp_path: Path) -> None:
    folder = migrations_with(tmp_path, ADDS)
    after = f"{int(NEXT) + 1:04}"
    migrations_with(tmp_path, "ALTER TABLE therapist DROP COLUMN made_up", runs_from=NEXT, revision=after)
    await asyncio.to_thread(upgrade, of_its_own, folder=folder)
    fit, says = await _schema(of_its_own)
    assert fit is Fit.TOO_NEW
    assert f"is at {after}, which can be used by code from {NEXT} on, and this code is {FIRST}" in says
    with pytest.raises(WrongSchema, match=f"can be used by code from {NEXT} on"):
        await asyncio.to_thread(upgrade, of_its_own)


async def test_a_migration_that_was_edited_after_it_was_run_is_told_and_refused(
    of_its_own: str, tmp_path: Path
) -> None:
    folder = migrations_with(tmp_path, ADDS)
    await asyncio.to_thread(upgrade, of_its_own, folder=folder)
    [edited] = (folder / "versions").glob(f"{NEXT}_*.py")
    edited.write_text(edited.read_text().replace("made_up text", "made_up text NOT NULL"))
    with pytest.raises(WrongSchema, match=f"Migration {NEXT} was run here with another text than this code has"):
        await asyncio.to_thread(upgrade, of_its_own, folder=folder)
    with psycopg.connect(of_its_own) as owner:
        owner.execute("DELETE FROM applied_migration WHERE revision = %s", (NEXT,))
        owner.execute("UPDATE applied_migration SET checksum = 'as it was once'")
    fit, says = await _schema(of_its_own)
    assert (fit, says.partition(" than")[0]) == (Fit.OTHER, f"Migration {FIRST} was run here with another text")


async def test_a_database_from_before_the_first_release_is_refused(of_its_own: str) -> None:
    with psycopg.connect(of_its_own) as owner:
        owner.execute("DROP TABLE applied_migration")
    with pytest.raises(WrongSchema, match="made before the first release"):
        await asyncio.to_thread(upgrade, of_its_own)


def test_what_lines_end_with_changes_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"a = 1\nb = 2\n")
    (tmp_path / "b.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    assert checksum(tmp_path / "a.py") == checksum(tmp_path / "b.py")
