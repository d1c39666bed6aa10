"""What the files of a deployment run, in their order, in production, from nothing but what the image has."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from local.postgres import Postgres, socket_folder
from local.postgres_user import programs_for, system_user
from local.processes import Log, Process, free_ports, until, wait_until_listening
from local.stack import settings_of_a_practice
from local.temporal import TemporalServer
from ops.deployment.fill import FILES, OWNER, PAGES, SETTINGS, main
from tests.ops.deployment.reading import HERE, compose, environment, fill_image
from tests.ops.deployment.test_files import BY_HAND, PROGRAMS

pytestmark = [pytest.mark.crowd, pytest.mark.timeout(420)]

SECRETS = ("STRIPE_API_KEY", "SENDGRID_API_KEY", "PAYLOAD_KEYS", "CHAIN_KEYS", "API_KEYS", "SITE_API_KEY")
NOWHERE = "https://127.0.0.1:1"  # no test asks Stripe or SendGrid


@pytest.fixture
async def engine() -> AsyncIterator[TemporalServer]:
    port, ui_port = free_ports(2)
    async with await TemporalServer.start_dev(data_dir=None, port=port, ui_port=ui_port) as server:
        yield server


class Machine:
    """One that has the image, the three files of settings, and the servers."""

    def __init__(self, folder: Path, postgres: Postgres, engine: TemporalServer) -> None:
        self.image, self.backups = folder / "app", folder / "backups"
        self.image.mkdir()
        self.backups.mkdir()
        fill_image(self.image)
        assert main(folder) == 0
        self.api, self.pages = free_ports(2)
        self.services = compose()["services"]
        self._postgres = postgres
        sockets = socket_folder(postgres.folder)
        self._files = {name: environment(folder / name) for name in FILES}
        self._here = {
            **BY_HAND,
            "STRIPE_API_BASE": NOWHERE, "SENDGRID_API_HOST": NOWHERE,
            "TEMPORAL_ADDRESS": engine.address, "API_PORT": str(self.api), "WEB_PORT": str(self.pages),
            "API_URL": f"http://127.0.0.1:{self.api}", "TMPDIR": str(folder),
        }  # fmt: skip
        self._sockets = str(sockets)

    def environment(self, files: str | list[str]) -> dict[str, str]:
        """As a container gets it; database and ports are where they are here."""
        given: dict[str, str] = {}
        for file in [files] if isinstance(files, str) else files:
            given |= self._files[file]
        given |= self._here
        for name in given.keys() & {"DATABASE_URL", "DATABASE_OWNER_URL"}:
            role = re.fullmatch(r"postgresql://(\w+):\S+@127\.0\.0\.1:5432/care_journeys", given[name])
            assert role
            given[name] = f"postgresql://{role[1]}@/care_journeys?host={self._sockets}"
        own = {name: value for name, value in os.environ.items() if name not in settings_of_a_practice()}
        own["PATH"] = os.pathsep.join((str(programs_for(system_user(), Log(console=False))), own["PATH"]))
        return own | {name: value for name, value in given.items() if value}

    def command(self, name: str) -> list[str]:
        words = self.services[name]["command"]
        here = [word.replace("$$", "$").replace("/backups/", f"{self.backups}/") for word in words]
        return [sys.executable if word == "python" else word.replace("python ", f"{sys.executable} ") for word in here]

    async def run(self, name: str, command: list[str] | None = None) -> tuple[int, str]:
        """What runs to its end."""
        process = await asyncio.create_subprocess_exec(
            *(command or self.command(name)),
            cwd=self.image, env=self.environment(self.services[name]["env_file"]),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), timeout=90)
        return process.returncode or 0, said.decode()

    def program(self, name: str) -> Process:
        unset: dict[str, str | None] = dict.fromkeys(settings_of_a_practice())
        env = unset | self.environment(self.services[name]["env_file"])
        return Process(name=name, command=self.command(name), log=Log(console=False), env=env, cwd=self.image)

    async def roles(self) -> None:
        """The script that makes them, as PostgreSQL's image runs it."""
        passwords = self._files[OWNER]
        process = await asyncio.create_subprocess_exec(
            "sh", str(HERE / "roles.sh"),
            env={**self.environment(SETTINGS), **passwords, "PGHOST": self._sockets, "POSTGRES_USER": "postgres"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert (process.returncode, said) == (0, b"")


@pytest.fixture
async def machine(tmp_path: Path, postgres: Postgres, engine: TemporalServer) -> AsyncIterator[Machine]:
    one = Machine(tmp_path, postgres, engine)
    yield one
    await postgres.drop_database("care_journeys")
    async with await psycopg.AsyncConnection.connect(postgres.owner_url("postgres"), autocommit=True) as admin:
        await admin.execute("DROP ROLE IF EXISTS care_owner")
        await admin.execute("DROP ROLE IF EXISTS care_app")
    shutil.rmtree(one.image, ignore_errors=True)


async def test_every_command_in_order(machine: Machine) -> None:
    await machine.roles()
    for name in ("migrate", "register"):
        code, said = await machine.run(name)
        assert code == 0, said
    async with AsyncExitStack() as running:
        await asyncio.gather(*(_comes_up(machine, name, running) for name in PROGRAMS))
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            front = await http.get(f"http://127.0.0.1:{machine.pages}/", headers={"Host": "care.test"})
            assert front.status_code == 200, front.text[:300]

        code, said = await machine.run("worker-1", [sys.executable, "-m", "ops.doctor"])
        wrong = [line.split(":")[0].split()[1] for line in said.splitlines() if line.startswith("wrong ")]
        assert (code, wrong) == (1, ["stripe", "sendgrid"]), said
        assert "2 take work from care-journeys" in said
        given = machine.environment([PAGES, SETTINGS])
        assert not [name for name in SECRETS if given[name] in said]

        code, said = await machine.run("backup")
        assert code == 0, said
        [made] = machine.backups.iterdir()
    stopped = await machine.run("backup", [sys.executable, "-m", "ops.restore", str(made), "--replace"])
    assert stopped[0] == 0, stopped[1]


async def _comes_up(machine: Machine, name: str, running: AsyncExitStack) -> None:
    """A worker takes work; of the others the health check that the container has is content."""
    process = machine.program(name)
    await process.start()
    running.push_async_callback(process.stop)
    if name.startswith("worker"):

        async def takes_work() -> bool:
            return any("Ready: taking work" in line for line in process.tail)

        assert await until(takes_work, within=120, process=process), process.last_words
        return
    port, theirs = {"api": (machine.api, 8000), "pages": (machine.pages, 8080)}[name]
    assert await wait_until_listening(port, within=120, process=process), process.last_words
    [first, *words] = machine.services[name]["healthcheck"]["test"]
    assert first == "CMD"
    command = [sys.executable if word == "python" else word.replace(f":{theirs}/", f":{port}/") for word in words]
    code, said = await machine.run(name, command)
    assert code == 0, said
