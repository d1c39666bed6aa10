"""A practice whose two stores can be lost, each by itself, while Stripe and the mail service remember everything.

The engine is the real dev server: its file is copied and put back while it is stopped. The database goes back by the
commands of the runbook, from a dump that was made while everything ran.
"""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import text

from local.postgres import Postgres
from local.processes import free_ports
from local.temporal import Service, TemporalServer
from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.house import House, open_house
from tests.care.story import Care
from tests.conftest import TEMPLATE

# Twins are compared to the mail: whether one is the seventh of a day is a matter of seconds on a real clock.
_POLICY = JourneyPolicy(**NO_LIMITS)


@dataclass
class Stores:
    """Where they lie, and what was copied of them, by name.

    ``care`` stays the same through all restarts, so that people of a story stay who they are.
    """

    postgres: Postgres
    folder: Path
    database: str = "stores"
    ports: tuple[int, ...] = field(default_factory=lambda: tuple(free_ports(2)))
    care: Care = field(init=False)

    @property
    def url(self) -> str:
        return self.postgres.url(self.database)

    @property
    def stand_ins(self) -> Path:
        return self.folder / "stand-ins.sqlite"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    async def open(self) -> None:
        """Empty ones."""
        self.folder.mkdir(exist_ok=True)
        await self.postgres.drop_database(self.database)
        await self.postgres.create_database(self.database, template=TEMPLATE)

    async def close(self) -> None:
        for name in (
            self.database,
            *(self._of_copy(folder.name) for folder in self.folder.iterdir() if folder.is_dir()),
        ):
            await self.postgres.drop_database(name)

    # ------------------------------------------------------------ running

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[TemporalServer]:
        """The engine alone: nothing of ours runs."""
        port, ui_port = self.ports
        async with await TemporalServer.start_dev(data_dir=self.folder, port=port, ui_port=ui_port) as server:
            yield server

    @asynccontextmanager
    async def movable_engine(self, *, at: datetime | None = None) -> AsyncIterator[TemporalServer]:
        """An empty one, on a clock that can be moved; it stands at that instant already."""
        async with await TemporalServer.start_time_skipping(port=self.ports[0]) as server:
            assert server.clock is not None
            if at is not None and (ahead := at - await server.clock.now()) > timedelta():
                await server.clock.advance(ahead)
            yield server

    @asynccontextmanager
    async def running(self, engine: TemporalServer) -> AsyncIterator[House]:
        """Worker, API and stand-ins, on the stores as they are."""
        async with (
            open_house(self.url, _POLICY, temporal=engine, stand_ins=self.stand_ins) as house,
            httpx.AsyncClient(timeout=60, trust_env=False) as http,
        ):
            if hasattr(self, "care"):
                self.care.house, self.care.http = house, http
            else:
                self.care = Care(house, http)
            yield house

    # ------------------------------------------------------------ copies; only while nothing runs

    async def copy(self, name: str) -> None:
        """Everything as it is, Stripe and the mail service included."""
        self._copy_engine(self.folder, self._copies(name))
        shutil.copy(self.stand_ins, self._copies(name))
        await self.postgres.create_database(self._of_copy(name), template=self.database)

    async def put_back(self, *, database: str, engine: str | None, stand_ins: str) -> None:
        """Each store as it was at that copy; without an engine's there is an empty one."""
        for file in self._files(self.folder):
            file.unlink()
        if engine is not None:
            self._copy_engine(self._copies(engine), self.folder)
        shutil.copy(self._copies(stand_ins) / self.stand_ins.name, self.stand_ins)
        await self.postgres.drop_database(self.database)
        await self.postgres.create_database(self.database, template=self._of_copy(database))

    def forget_idempotency_keys(self) -> None:
        """As Stripe does after a day."""
        with closing(sqlite3.connect(self.stand_ins)) as file, file:
            file.execute("DELETE FROM answers")

    def _of_copy(self, name: str) -> str:
        return f"{self.database}-{name}"

    def _copies(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _copy_engine(self, source: Path, target: Path) -> None:
        for file in self._files(source):
            shutil.copy(file, target)

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        return list(folder.glob(f"{Service.read().database}*"))

    # ------------------------------------------------------------ rows

    async def run(self, statement: str, **parameters: object) -> None:
        """Change rows by hand: nobody wants to wait for a session's end."""
        async with self.care.house.sessions.begin() as session:
            await (await session.connection()).execute(text(statement), parameters)

    async def says(self, query: str) -> object:
        """One value of one row."""
        async with self.care.house.sessions() as session:
            return (await (await session.connection()).execute(text(query))).scalar_one()
