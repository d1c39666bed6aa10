"""The local Temporal service: the dev server with its UI, or the time-skipping test server.

Both come with packages, binaries inside. What they are told stands in ``temporal-dev.yaml``.
"""

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError

from engine.clock import EngineClock
from engine.connect import SERVICE_FILE, register_search_attributes
from local.problems import CannotStart
from local.processes import Log, Process, free_port, or_killed, wait_until_listening

_SQLITE_HEADER = b"SQLite format 3\x00"
_HEALTHY_WITHIN = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Service:
    """What ``temporal-dev.yaml`` says."""

    ip: str
    port: int
    ui_port: int
    namespace: str
    database: str
    sqlite_pragmas: dict[str, str]
    search_attributes: dict[str, str]
    schedules: dict[str, dict[str, str]]
    dynamic_config: dict[str, Any]
    codec_endpoint: str

    @classmethod
    def read(cls, path: Path = SERVICE_FILE) -> Self:
        """Raises CannotStart when the file is missing or does not say what is needed."""
        try:
            return cls(**yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, TypeError) as error:
            because = str(error).replace("\n", " ").replace(f"{cls.__name__}.__init__()", "it")
            raise CannotStart(f"{path} cannot be used: {because}.") from error


class TemporalServer:
    """A running server.

    Attributes:
        address: ``127.0.0.1:port`` of its gRPC service.
        ui_url: its web UI; None on the time-skipping server.
        clock: moves its time; None on the dev server.
    """

    def __init__(self, process: Process, address: str, ui_url: str | None, clock: EngineClock | None) -> None:
        self.process = process
        self.address = address
        self.ui_url = ui_url
        self.clock = clock

    @classmethod
    async def start_dev(
        cls,
        *,
        data_dir: Path | None,
        port: int | None = None,
        ui_port: int | None = None,
        api_port: int = 8000,
        log: Log | None = None,
        dynamic_config: Mapping[str, Any] | None = None,
    ) -> Self:
        """Start the dev server, with its data in ``data_dir`` (in memory when None).

        Ports that are not given are the service file's; ``dynamic_config`` is beside what that has.
        Raises CannotStart when it does not come up.
        """
        service = Service.read()
        port, ui_port = port or service.port, ui_port or service.ui_port
        command = [_program("temporal"), "server", "start-dev", "--ip", service.ip, "--port", str(port)]
        command += ["--ui-port", str(ui_port), "--namespace", service.namespace, "--ui-disable-news-fetch"]
        command += ["--ui-codec-endpoint", service.codec_endpoint.format(api_port=api_port)]
        command += ["--log-level", "error", "--log-format", "text"]
        for name, kind in service.search_attributes.items():
            command += ["--search-attribute", f"{name}={kind}"]
        for name, value in {**service.dynamic_config, **(dynamic_config or {})}.items():
            command += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        if data_dir is not None:
            database = data_dir / service.database
            check_database(database)
            command += ["--db-filename", str(database)]
            for name, value in service.sqlite_pragmas.items():
                command += ["--sqlite-pragma", f"{name}={value}"]
        process = Process(name="temporal", command=command, log=log or Log(console=False), stop_signal=signal.SIGTERM)
        await process.start()
        async with or_killed(process):
            if not await wait_until_listening(port, within=60.0, process=process) or not process.running:
                damaged = data_dir is not None and "address already in use" not in process.last_words
                hint = f": delete {data_dir} to start afresh, or set DATA_DIR to another" if damaged else ""
                raise CannotStart(f"The Temporal dev server could not start ({process.last_words}){hint}.")
            await _until_healthy(f"127.0.0.1:{port}", process)
        return cls(process, f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", None)

    @classmethod
    async def start_time_skipping(cls, *, port: int | None = None, log: Log | None = None) -> Self:
        """Start the time-skipping server: clock locked, search attributes registered, nothing kept."""
        port = port or free_port()
        process = Process(
            name="temporal",
            command=[_program("temporal-test-server"), str(port), "--enable-time-skipping"],
            log=log or Log(console=False),
            stop_within=5.0,
        )
        await process.start()
        async with or_killed(process):
            if not await wait_until_listening(port, within=60.0, process=process):
                raise CannotStart(f"The time-skipping Temporal server could not start ({process.last_words}).")
            address = f"127.0.0.1:{port}"
            clock = EngineClock(address)
            await clock.lock()  # it starts unlocked and would race ahead
            client = await Client.connect(address, data_converter=DataConverter.default)
            await register_search_attributes(client)
        return cls(process, address, None, clock)

    async def stop(self) -> None:
        await self.process.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _until_healthy(address: str, process: Process) -> None:
    """Wait until the server says that it serves: it listens a while before it does, longer on a busy machine."""
    last: RuntimeError | RPCError | None = None
    try:
        async with asyncio.timeout(_HEALTHY_WITHIN):
            while process.running:
                try:
                    client = await Client.connect(address, data_converter=DataConverter.default)
                    if await client.service_client.check_health(timeout=timedelta(seconds=5)):
                        return
                except (RuntimeError, RPCError) as error:
                    last = error
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    raise CannotStart(f"The Temporal dev server does not serve ({last or process.last_words}).")


def _program(name: str) -> str:
    """The program beside this Python, else on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise CannotStart(f"The program {name!r} is not installed: run `make install`.")
    return found


def check_database(path: Path) -> None:
    """Refuse, in one sentence, a file that the server could not use (it would only crash)."""
    again = f"delete it (and {path.name}-wal, {path.name}-shm) to start afresh, or set DATA_DIR to another."
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            header = file.read(len(_SQLITE_HEADER))
        if header and header != _SQLITE_HEADER:
            raise CannotStart(f"Temporal's data {path} is not a database: {again}")
        with closing(sqlite3.connect(path, timeout=2)) as database:
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (OSError, sqlite3.Error) as error:
        raise CannotStart(f"Temporal's data {path} cannot be read ({error}): {again}") from error
    if verdict != "ok":
        raise CannotStart(f"Temporal's data {path} is damaged ({verdict.splitlines()[-1]}): {again}")
