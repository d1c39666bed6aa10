"""The stand-ins as the tests use them: a process of their own, on a free port, and a receiver for its
webhooks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.processes import free_port

ROOT = Path(__file__).parents[2]


class Sandbox:
    """A running stand-in process. ``url`` is its root; ``stripe`` and ``sendgrid`` what the clients are
    pointed at."""

    def __init__(self, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.stripe = f"{self.url}/stripe"
        self.sendgrid = f"{self.url}/sendgrid"
        command = [sys.executable, "-m", "sandbox", "--port", str(port), *options]
        self.process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{self.url}/healthz", timeout=1, trust_env=False).raise_for_status()
                return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("the stand-ins did not start") from None
                time.sleep(0.05)

    def get(self, path: str, **params: str) -> Any:
        answer = httpx.get(self.url + path, params=params, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = httpx.post(self.url + path, json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def stop(self, *, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
            self.process.wait(timeout=10)


@contextmanager
def running_sandbox(*options: str, port: int | None = None) -> Iterator[Sandbox]:
    sandbox = Sandbox(port or free_port(), *options)
    try:
        yield sandbox
    finally:
        sandbox.stop()
