"""Commands of the clients' tools: their generators, compilers and programs."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
MADE = HERE / ".made"
TOOLS = MADE / "venv/bin"
LONGEST = 120.0  # seconds that one command may take


class Failed(Exception):
    """Something did not end well; with what it said."""


async def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """What it wrote. Raises Failed with all it said when it ends with another code than 0, or takes too long."""
    async with started(*command, env=env) as process:
        try:
            async with asyncio.timeout(LONGEST):
                said, noted = await process.communicate()
        except TimeoutError:
            raise Failed(f"{' '.join(command)} took more than {LONGEST:.0f} s") from None
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}{noted.decode()}")
    return said.decode()


@contextlib.asynccontextmanager
async def started(*command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A process in this folder, with the tools on its path; at the end there is none."""
    path = os.pathsep.join(map(str, (TOOLS, HERE / "node_modules/.bin", os.environ["PATH"])))
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=HERE,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(MADE / "python"), "NO_COLOR": "1", **(env or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # `node` of a wheel is a program that starts another
            await process.wait()
