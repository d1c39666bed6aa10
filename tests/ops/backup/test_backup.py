"""``python -m ops.backup`` and ``python -m ops.restore``: a practice there and back, and everything that is refused."""

import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlmodel import select

from config import Settings, examine
from engine.codec import PayloadKeys
from local.postgres import APPLICATION, Postgres
from models.database import connect, session_factory
from models.migrate import UnmarkedCopy, upgrade
from models.reads.epoch import epoch_is_compared, newest_epoch, present_epoch
from models.schema import Fit, own_migrations, schema_of
from models.sealed import RowKeys
from models.tables import Goal
from ops import restored
from ops.backup import __main__ as backup
from ops.backup import programs
from ops.backup.manifest import DUMP, NAME, NoBackup, read
from ops.backup.programs import ProgramFailed, ProgramMissing, find
from ops.restore import __main__ as putting_back
from ops.restore.__main__ import RestoreRefused, restore
from tests.care.defaults import CHAIN_KEYS
from tests.care.rows import NOW
from tests.local.environment import bare_environment
from tests.ops.chains import Practice

__all__ = ["bare_environment"]

PAYLOADS = PayloadKeys((("2026", bytes(range(32))),))
KEYS = {
    "PAYLOAD_KEYS": f"2026:{b64encode(bytes(range(32))).decode()}",
    "CHAIN_KEYS": f"tests:{b64encode(CHAIN_KEYS.keys[0][1]).decode()}",
}


def settings_of(monkeypatch: pytest.MonkeyPatch, url: str, owner: str, **more: str) -> Settings:
    for name, value in {**KEYS, "DATABASE_URL": url, "DATABASE_OWNER_URL": owner, **more}.items():
        monkeypatch.setenv(name, value)
    settings, problems = examine(os.environ)
    assert settings is not None, problems
    return settings


@pytest.fixture
async def made(monkeypatch: pytest.MonkeyPatch, database_url: str, owner_url: str, tmp_path: Path) -> Path:
    """A backup of a practice with a client, a sealed word, and facts."""
    pool = connect(database_url)
    practice = Practice(session_factory(pool, chain=CHAIN_KEYS, rows=RowKeys(PAYLOADS.keys)))
    client = await practice.client(3)
    await practice.rows.add(Goal(id=uuid4(), client_id=client.id, text="Walk", made_by="therapist:ana", made_at=NOW))
    await pool.dispose()
    await backup.back_up(settings_of(monkeypatch, database_url, owner_url), tmp_path / "one")
    return tmp_path / "one"


@pytest.fixture
async def empty(monkeypatch: pytest.MonkeyPatch, postgres: Postgres) -> AsyncIterator[Settings]:
    name = "restored-into"
    url = await postgres.create_database(name)
    yield settings_of(monkeypatch, url, postgres.owner_url(name))
    await postgres.drop_database(name)


async def test_a_practice_goes_there_and_back(made: Path, empty: Settings) -> None:
    manifest = read(made)
    assert (manifest.payload_keys, manifest.chain_keys) == (("2026",), ("tests",))
    assert manifest.migrations == own_migrations()
    assert (manifest.rows["client"], manifest.rows["goal"], manifest.rows["fact"]) == (1, 1, 3)
    assert oct(made.stat().st_mode)[-3:] == "700"
    assert b"Walk" not in (made / DUMP).read_bytes()

    epoch = await restore(empty, made, replace=False)
    await _is_back(empty, epoch)
    with pytest.raises(RestoreRefused, match="give --replace"):
        await restore(empty, made, replace=False)
    again = await restore(empty, made, replace=True)
    assert again != epoch
    await _is_back(empty, again)


async def _is_back(settings: Settings, epoch: str) -> None:
    pool = connect(settings.database)
    sessions = session_factory(pool, chain=settings.chain_keys, rows=settings.row_keys)
    async with sessions() as session:
        newest = await newest_epoch(session)
        [goal] = (await session.exec(select(Goal))).all()
    await pool.dispose()
    assert (str(newest.epoch), newest.compared_at) == (epoch, None), "no money moves before a comparison"
    assert goal.text == "Walk"


async def test_a_folder_is_never_written_over(made: Path, monkeypatch: pytest.MonkeyPatch, empty: Settings) -> None:
    before = (made / NAME).read_bytes()
    with pytest.raises(FileExistsError, match="name a new folder"):
        await backup.back_up(empty, made)
    assert (made / NAME).read_bytes() == before


async def test_one_that_fails_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, database_url: str, owner_url: str, tmp_path: Path
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ProgramFailed("pg_dump failed: no space left on device")

    monkeypatch.setattr(backup, "run", breaks)
    with pytest.raises(ProgramFailed):
        await backup.back_up(settings_of(monkeypatch, database_url, owner_url), tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


async def test_what_was_changed_or_is_half_there_is_refused(made: Path, empty: Settings) -> None:
    dump = made / DUMP
    content = dump.read_bytes()
    dump.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(NoBackup, match="its checksum is another one"):
        await restore(empty, made, replace=True)
    dump.unlink()
    with pytest.raises(NoBackup, match="only half a backup"):
        await restore(empty, made, replace=True)
    (made / NAME).write_text("{}")
    with pytest.raises(NoBackup, match="is no backup of this product"):
        await restore(empty, made, replace=True)
    assert await _tables(empty) == []


async def test_keys_that_are_not_given_and_a_schema_that_is_not_known_are_refused(made: Path, empty: Settings) -> None:
    manifest = json.loads((made / NAME).read_text())
    first, newer = manifest["migrations"][0], {"revision": "9999", "runs_from": "9999", "checksum": "0" * 64}
    for change, says in (
        ({"payload_keys": ["2025", "2026"]}, "2025 of PAYLOAD_KEYS is needed"),
        ({"chain_keys": ["lost"]}, "lost of CHAIN_KEYS is needed"),
        ({"migrations": [first, newer]}, "the schema 9999, which this release does not know"),
        ({"migrations": [first, newer | {"runs_from": "0001"}]}, "the schema 9999, which this release does not know"),
        (
            {"migrations": [first | {"checksum": "0" * 64}]},
            "does not go with this release. Migration 0001 was run here",
        ),
        ({"migrations": []}, "does not go with this release. The database has no tables yet"),
    ):
        (made / NAME).write_text(json.dumps(manifest | change))
        with pytest.raises(RestoreRefused, match=says):
            await restore(empty, made, replace=True)
    assert await _tables(empty) == []


# Where a restore may die, in order: in a function of these modules, at its nth call; and whether an epoch has begun.
STAGES = (
    (putting_back, "run", 1, False),
    (putting_back, "upgrade", 1, False),
    (restored, "begin_epoch", 1, False),
    (restored, "mark_chains", 1, True),
    (putting_back, "upgrade", 2, True),
)


async def test_wherever_a_restore_dies_no_program_runs_on_a_copy_whose_epoch_is_of_the_life_before(
    made: Path, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = await restore(empty, made, replace=False)
    await _is_compared(empty)
    for module, name, call, begun in STAGES:
        with monkeypatch.context() as killed:
            killed.setattr(module, name, dies_at(call, getattr(module, name)))
            with pytest.raises(OSError, match="went away"):
                await restore(empty, made, replace=True)
        owner = empty.owners_database
        if name == "run":  # nothing was replaced yet: it goes on as before
            assert upgrade(owner, application=APPLICATION) is False
            assert await _seen(empty.database) == (Fit.OK, epoch, True)
        elif begun:
            upgrade(owner, application=APPLICATION)
            fit, present, compared = await _seen(empty.database)
            assert (fit, compared) == (Fit.OK, False)
            assert present not in (epoch, str(read(made).epoch))
        else:
            with pytest.raises(UnmarkedCopy, match=r"not marked: run `python -m ops\.restore` again"):
                upgrade(owner, application=APPLICATION)
            assert (await _seen(empty.database))[0] is Fit.EMPTY, f"{name}: the programs may read nothing"
            assert await _seen(owner) == (Fit.UNMARKED, str(read(made).epoch), False), "nor whoever may"


async def test_a_copy_that_was_put_back_by_other_means_waits_for_its_mark(
    made: Path, empty: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rights come with it."""
    program = find("pg_restore", server=read(made).postgres)
    programs.run(program, [str(made / DUMP)], url=empty.owners_database)
    assert await _seen(empty.database) == (Fit.UNMARKED, str(read(made).epoch), False)
    assert await restored._main(empty) == 0
    fit, epoch, compared = await _seen(empty.database)
    assert (fit, compared) == (Fit.OK, False)
    assert epoch in capsys.readouterr().out


def dies_at(call: int, really: Callable[..., Any]) -> Callable[..., Any]:
    """The function, until it is called for the nth time."""
    calls = 0

    def once_more(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError("the machine went away")
        return really(*given, **named)

    return once_more


async def _seen(url: str) -> tuple[Fit, str, bool]:
    """By who connects so: whether code and database go together, the epoch, and whether money may move in it."""
    pool = connect(url, pool_size=1)
    async with pool.connect() as connection:
        fit = (await schema_of(connection)).fit
    if fit is Fit.EMPTY:
        await pool.dispose()
        return fit, "", False
    async with session_factory(pool)() as session:
        seen = fit, str(await present_epoch(session)), await epoch_is_compared(session)
    await pool.dispose()
    return seen


async def _is_compared(settings: Settings) -> None:
    async with await psycopg.AsyncConnection.connect(settings.owners_database) as owner:
        await owner.execute("UPDATE epoch SET compared_at = now()")


async def test_programs_that_run_and_tables_that_would_stay_are_refused(
    made: Path, empty: Settings, postgres: Postgres
) -> None:
    async with await psycopg.AsyncConnection.connect(empty.database):
        with pytest.raises(RestoreRefused, match="1 connections of care_journeys are open: stop every worker"):
            await restore(empty, made, replace=True)
    async with await psycopg.AsyncConnection.connect(empty.owners_database, autocommit=True) as owner:
        await owner.execute("CREATE TABLE newer (id int)")
    with pytest.raises(RestoreRefused, match=r"which would stay \(newer\)"):
        await restore(empty, made, replace=True)
    assert await _tables(empty) == ["newer"]


async def _tables(settings: Settings) -> list[str]:
    async with await psycopg.AsyncConnection.connect(settings.owners_database) as owner:
        found = await owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [str(name) for (name,) in await found.fetchall()]


def test_programs_that_are_too_old_or_missing_are_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert programs._version(find("pg_dump", server=18)) >= 18
    with pytest.raises(ProgramMissing, match=r"pg_dump of PostgreSQL 99 or newer is needed \(.*postgresql-client-99"):
        find("pg_dump", server=99)
    monkeypatch.setattr(programs, "_places", lambda _: iter(()))
    with pytest.raises(ProgramMissing, match="pg_dump of PostgreSQL 18 or newer is needed: install it"):
        find("pg_dump", server=18)


def test_no_password_stands_among_the_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$@ and $PGPASSWORD" >&2; exit 1\n')
    program.chmod(0o755)
    url = make_url("postgresql://owner@db.example:5433/care?sslmode=verify-full").set(password="hunter2")
    with pytest.raises(ProgramFailed) as told:
        programs.run(program, ["--file=x"], url=url.render_as_string(hide_password=False))
    said = str(told.value)
    assert said == (
        "pg_dump failed: --file=x --dbname=user=owner dbname=care host=db.example port=5433 sslmode=verify-full"
        " and hunter2"
    )
