"""SIGKILL, for one program after the other; the stack starts each again, as an operator's supervisor would."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from itertools import cycle, islice

from local.problems import CannotStart
from local.processes import Process, until

IN_TURN = ("worker", "api", "temporal", "worker-2", "postgres", "sandbox")
_WAITED_FOR = 20.0  # seconds; a practice that is away for longer meets the next kill as it is
_COMES_BACK = 60.0  # seconds in which a program that was killed must be there again


async def kill_in_turn(
    processes: Mapping[str, Process], *, ready: Callable[[], Awaitable[bool]], times: int, over: float
) -> Counter[str]:
    """Kill so many, one after the other, over so many seconds, or longer where the practice needs longer until it is
    ``ready`` again: what never comes back could not lose anything. Returns how often each was killed."""
    killed: Counter[str] = Counter()
    for name in islice(cycle(IN_TURN), times):
        await asyncio.sleep(over / times)
        await until(ready, within=_WAITED_FOR)
        process = processes[name]
        if not await until(_is_there(process), within=_COMES_BACK) or process.pid is None:
            raise CannotStart(f"The {name} did not come back ({process.last_words}).")
        process.log.line("chaos", f"kills {name} (process {process.pid})")
        os.kill(process.pid, signal.SIGKILL)
        killed[name] += 1
    return killed


def _is_there(process: Process) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return process.running

    return there
