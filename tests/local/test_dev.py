"""``python dev.py`` as a person uses it: one sentence when it cannot start, and nothing left when it stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import psutil
import pytest

from local.processes import ROOT
from local.stack import Ports


@pytest.fixture
def ports() -> Ports:
    return Ports.free()


@pytest.fixture
def environment(ports: Ports, tmp_path: Path) -> dict[str, str]:
    named = {f"{name.upper()}_PORT": str(port) for name, port in asdict(ports).items()}
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), **named}


def refused(environment: dict[str, str]) -> str:
    """Start it, expect it not to, and return what it said."""
    ended = subprocess.run(
        [sys.executable, "dev.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout == "Starting ...\n"
    assert ended.stderr.count("\n") == 1
    return ended.stderr.strip()


def test_a_busy_port_is_one_sentence(environment: dict[str, str], ports: Ports) -> None:
    with socket.create_server(("127.0.0.1", ports.api)):
        assert refused(environment) == (
            f"Port {ports.api} is already in use; set API_PORT to another or stop what uses it."
        )


@pytest.mark.parametrize("what", ["a file", "under a file", "half a cluster", "a damaged engine"])
def test_a_broken_data_folder_is_one_sentence(environment: dict[str, str], what: str) -> None:
    data = Path(environment["DATA_DIR"])
    if what == "a file":
        data.write_text("")
    elif what == "under a file":
        data.write_text("")
        environment["DATA_DIR"] = str(data / "below")
    elif what == "half a cluster":
        (data / "postgres" / "base").mkdir(parents=True)
    else:
        data.mkdir()
        (data / "temporal.sqlite").write_bytes(b"damaged")
    said = refused(environment)
    assert str(data) in said
    assert "DATA_DIR" in said


class Running:
    """A started dev.py."""

    def __init__(self, environment: dict[str, str], log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "dev.py", *arguments], cwd=ROOT, env=environment, stdout=out, stderr=out
            )

    def wait_until_serving(self) -> None:
        deadline = time.monotonic() + 60
        while "Care Journeys is running" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def started(environment: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    running = Running(environment, tmp_path / "log")
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.wait()


def test_it_serves_and_leaves_no_process(started: Running, environment: dict[str, str], ports: Ports) -> None:
    started.wait_until_serving()
    assert httpx.get(f"http://127.0.0.1:{ports.api}/readyz", trust_env=False).status_code == 200
    assert httpx.get(f"http://127.0.0.1:{ports.api}/dev/clock", trust_env=False).status_code == 404
    assert "in use by a running stack" in refused(environment)
    family = [
        started.process.pid,
        *(child.pid for child in psutil.Process(started.process.pid).children(recursive=True)),
    ]
    assert len(family) >= 6  # itself, PostgreSQL, Temporal, stand-ins, worker, API
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(timeout=60) == 0
    assert not [pid for pid in family if psutil.pid_exists(pid)]
    assert started.log.read_text().endswith("Stopped.\n")
