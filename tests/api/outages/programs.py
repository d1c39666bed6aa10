"""The API as a program of its own, which can be killed and measured."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.processes import free_port

ROOT = Path(__file__).parents[3]


@dataclass
class Program:
    process: asyncio.subprocess.Process
    url: str

    async def kill(self) -> None:
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    def most_memory(self) -> int:
        """The most that it ever had, in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the kernel does not tell")


@asynccontextmanager
async def the_api(database_url: str) -> AsyncIterator[Program]:
    """It runs on this database, and on an engine that is away."""
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url, "API_PORT": str(port)}
    environment["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "server.py",
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    program = Program(process, f"http://127.0.0.1:{port}")
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
            while True:
                try:
                    if (await http.get(f"{program.url}/healthz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield program
    finally:
        await program.kill()
