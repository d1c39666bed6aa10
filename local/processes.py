"""Child processes of the local stack: one prefixed log, restarts with back-off, and none left behind.

Each child has its own session, so that Ctrl-C reaches the parent alone, which then stops the children in
order. On Linux the kernel ends a child whose parent was killed.
"""

import asyncio
import atexit
import contextlib
import errno
import os
import secrets
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from local.problems import CannotStart

ROOT = Path(__file__).resolve().parent.parent
_LEASH = Path(__file__).with_name("leash.py")
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)
_BACK_OFF = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a restart; the last one repeats
_STEADY = 30.0  # seconds of life after which a child is trusted again


class Log:
    """One log for all processes: ``name | line``, coloured on a terminal, and in a file when one is given."""

    def __init__(self, *, console: bool = True, file: Path | None = None) -> None:
        self._console = console
        self._colour = console and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._file: IO[str] | None = file.open("a", encoding="utf-8") if file else None
        self._names: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        colour = self._names.setdefault(name, _COLOURS[len(self._names) % len(_COLOURS)])
        if self._console:
            prefix = f"\033[{colour}m{name:>9} |\033[0m" if self._colour else f"{name:>9} |"
            print(prefix, text, flush=True)
        if self._file:
            self._file.write(f"{name:>9} | {text}\n")
            self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


@dataclass(kw_only=True)
class Process:
    """One child.

    Attributes:
        stop_signal: what asks it to stop; after ``stop_within`` seconds it is killed.
        env: on top of this process's environment; None takes a variable away.
        death_signal: what the kernel sends it when the parent dies without stopping it.
        restart: start it again when it ends by itself, with back-off.
        user: run as this system user (needs root).
    """

    name: str
    command: Sequence[str]
    log: Log
    env: Mapping[str, str | None] = field(default_factory=dict)
    cwd: Path = ROOT
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_within: float = 35.0
    restart: bool = False
    user: str | None = None
    on_end: Callable[["Process", int], None] | None = None
    tail: list[str] = field(default_factory=list)  # its last lines, for the sentence when it does not start

    _child: asyncio.subprocess.Process | None = field(default=None, init=False)
    _reader: asyncio.Task[None] | None = field(default=None, init=False)
    _keeper: asyncio.Task[None] | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.returncode is None

    @property
    def last_words(self) -> str:
        """The last line it wrote, for a sentence about why it did not start."""
        said = next((line for line in reversed(self.tail) if line.strip()), "it said nothing")
        return said.strip()[:300]

    async def start(self) -> None:
        """Start it. Raises CannotStart when the program itself is missing."""
        self._stopping = False
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self, *, kill: bool = False) -> int | None:
        """Stop it, at once with ``kill``. Returns its exit code; None when it was not running."""
        self._stopping = True
        code = await self._stop_child(kill=kill)
        for task in (self._keeper, self._reader):
            if task is not None:
                if task is self._keeper:
                    task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._keeper = self._reader = None
        return code

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await self._child.wait() if self._child else 0

    async def all_read(self) -> None:
        """Once it has ended: until its last line has been read."""
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=2)

    async def _spawn(self) -> None:
        try:
            self._child = await asyncio.create_subprocess_exec(
                *leashed(self.command, death_signal=self.death_signal, user=self.user),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={name: value for name, value in {**os.environ, **self.env}.items() if value is not None},
                cwd=self.cwd,
                start_new_session=True,
                limit=1 << 20,
            )
        except OSError as error:
            raise CannotStart(f"{self.name} could not be started: {error}.") from error
        self._reader = asyncio.create_task(self._read(self._child), name=f"read {self.name}")

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        while True:
            try:
                raw = await child.stdout.readline()
            except ValueError:  # a line longer than the buffer: what was read of it is dropped
                continue
            if not raw:
                return
            text = raw.decode(errors="replace").rstrip()
            self.tail = [*self.tail[-19:], text]
            self.log.line(self.name, text)

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            code = await self.wait()
            if self._stopping:
                return
            if self.on_end:
                self.on_end(self, code)
            if not self.restart:
                return
            failures = 0 if time.monotonic() - started > _STEADY else failures
            pause = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
            failures += 1
            self.log.line(self.name, f"ended unexpectedly ({_ending(code)}); starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            await self._spawn()

    async def _stop_child(self, *, kill: bool) -> int | None:
        child = self._child
        if child is None:
            return None
        if child.returncode is None:
            _signal(child.pid, signal.SIGKILL if kill else self.stop_signal)
            try:
                await asyncio.wait_for(child.wait(), self.stop_within)
            except TimeoutError:
                self.log.line(self.name, f"did not stop within {self.stop_within:g} s; killed")
                _signal(child.pid, signal.SIGKILL)
                await child.wait()
        _kill_group(child.pid)
        return child.returncode


def leashed(
    command: Sequence[str], *, death_signal: signal.Signals = signal.SIGKILL, user: str | None = None
) -> list[str]:
    """The command line that runs ``command`` so that it ends with this process, as ``user`` when given."""
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(death_signal)), user or ""]
    return [*leash, *command]


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_group(leader: int) -> None:
    """End whatever a child left behind in its own session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Several different ones.

    They lie below the range from which the system hands out ports by itself: the Temporal dev server takes a
    handful of those for its own use, and would now and then take one that was found free a moment before.

    Until a server listens, the port is marked as found by a UDP socket of the same number, which nothing else here
    uses: another process that looks at the same moment does not find it too.
    """
    found: list[int] = []
    while len(found) < count:
        port = 20000 + secrets.randbelow(12000)
        if port_is_free(port) and _mark(port):
            found.append(port)
    return found


_marks: deque[socket.socket] = deque(maxlen=64)  # an old mark goes when a new one comes; its server listens by then


def _mark(port: int) -> bool:
    mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        mark.bind(("127.0.0.1", port))
    except OSError:
        mark.close()
        return False
    if len(_marks) == _marks.maxlen:
        _marks.popleft().close()
    _marks.append(mark)
    return True


@atexit.register
def _unmark() -> None:
    while _marks:
        _marks.pop().close()


def port_is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        probe.listen(1)
        return True


async def until(ready: Callable[[], Awaitable[bool]], *, within: float, process: Process | None = None) -> bool:
    """Ask ``ready`` until it says yes. False when the time (seconds) is over or the process has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if process is not None and not process.running and not process.restart:
            await process.all_read()
            return False
        if await ready():
            return True
        await asyncio.sleep(0.02)
    return False


@contextlib.asynccontextmanager
async def or_killed(process: Process) -> AsyncIterator[None]:
    """The rest of a start: when it fails or is given up, the process is killed, not left behind."""
    try:
        yield
    except BaseException:
        await process.stop(kill=True)
        raise


async def wait_until_listening(port: int, *, within: float = 20.0, process: Process | None = None) -> bool:
    """Wait for a server on 127.0.0.1:port. False when it is not there in time, or its process has ended."""

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return await until(answers, within=within, process=process)
