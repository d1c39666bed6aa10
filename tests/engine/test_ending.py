"""Programs end without the interpreter being taken down beneath the SDK's threads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = [
    path
    for path in (
        *(path for path in ROOT.glob("*.py") if path.name != "website.py"),  # it has no SDK, and nothing of ours
        *(path for room in ("bench", "chaos", "engine", "ops") for path in (ROOT / room).rglob("*.py")),
    )
    if 'if __name__ == "__main__":' in path.read_text()
    and not path.is_relative_to(ROOT / "bench/peers")  # other programs, in environments of their own
    and path != ROOT / "ops/deployment/fill.py"  # it runs before anything is installed
]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_program_ends_so(path: Path) -> None:
    """But those that end by being killed."""
    block = next(node for node in ast.parse(path.read_text()).body[::-1] if isinstance(node, ast.If))
    called = {
        node.func.id for node in ast.walk(block) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    exits = [node for node in ast.walk(block) if isinstance(node, ast.Attribute) and node.attr == "exit"]
    assert not exits
    assert "end" in called or path.name == "nothing.py"


def test_what_was_printed_and_what_was_left_for_the_end_is_done() -> None:
    program = """
import atexit, threading, time
from engine.ending import end
atexit.register(lambda: print("stopped"))
threading.Thread(target=lambda: (time.sleep(0.2), print("waited for"))).start()
print("done", end="")
end(3)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (3, "donewaited for\nstopped\n", "")


def test_pools_of_threads_that_wait_for_work_end_too_and_what_they_do_is_done() -> None:
    """A worker whose door has looked up a name once was to wait for its idle thread for good."""
    program = """
import time
from concurrent.futures import ThreadPoolExecutor
from engine.ending import end
used, busy = ThreadPoolExecutor(2), ThreadPoolExecutor(2)
used.submit(int).result()
busy.submit(lambda: (time.sleep(0.2), print("done")))
end(0)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")
