"""The port of a program that serves nothing else."""

import asyncio
import signal
from collections import Counter
from time import monotonic

import httpx
import pytest

from engine.watching import port as port_module
from engine.watching.port import OK, CannotListen, WatchedProgram
from engine.watching.sdk_numbers import SdkNumbers
from local.processes import free_port


class Standing:
    def __init__(self) -> None:
        self.work = "starting"
        self.hangs = False
        self.unreadable = Counter[str]()

    async def database(self) -> str:
        await asyncio.sleep(60 if self.hangs else 0)
        return OK

    async def says(self) -> str:
        return self.work

    def program(self) -> WatchedProgram:
        checks = {"database": self.database, "work": self.says}
        return WatchedProgram(checks, unreadable=self.unreadable, more=SdkNumbers.somewhere().text)


async def ask(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://127.0.0.1:{port}{path}")


async def test_it_is_ready_while_all_is_as_it_must_be() -> None:
    standing, port = Standing(), free_port()
    async with standing.program().listening("127.0.0.1", port):
        assert (await ask(port, "/healthz")).json() == {"status": "ok"}
        for work, code, word in (("starting", 503, "unavailable"), (OK, 200, "ok"), ("draining", 503, "unavailable")):
            standing.work = work
            answer = await ask(port, "/readyz")
            assert answer.status_code == code
            assert answer.json() == {"status": word, "database": "ok", "work": work}
            numbers = (await ask(port, "/metrics")).text
            assert f'worker_ready{{what="work"}} {1.0 if work == OK else 0.0}' in numbers
            assert "process_resident_memory_bytes" in numbers
        assert (await ask(port, "/metrics/../etc")).status_code == 404
    with pytest.raises(httpx.ConnectError):
        await ask(port, "/healthz")


async def test_it_tells_how_often_something_did_not_open() -> None:
    standing, port = Standing(), free_port()
    async with standing.program().listening("127.0.0.1", port):
        assert "values_unreadable_total{" not in (await ask(port, "/metrics")).text
        standing.unreadable["goal.text"] += 2
        assert 'values_unreadable_total{column="goal.text"} 2.0' in (await ask(port, "/metrics")).text


async def test_what_stands_still_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert port_module._GLANCE < 4
    monkeypatch.setattr(port_module, "_GLANCE", 0.1)
    standing, port = Standing(), free_port()
    standing.hangs, standing.work = True, OK
    async with standing.program().listening("127.0.0.1", port):
        began = monotonic()
        assert (await ask(port, "/readyz")).json()["database"] == "unavailable"
        assert (await ask(port, "/healthz")).status_code == 200
        assert monotonic() - began < 2


async def test_a_port_that_somebody_has_is_named() -> None:
    standing, port = Standing(), free_port()
    async with standing.program().listening("127.0.0.1", port):
        with pytest.raises(CannotListen, match=rf"127.0.0.1:{port} cannot be listened on \(Address already in use\)"):
            async with standing.program().listening("127.0.0.1", port):
                pass


async def test_without_a_port_nothing_listens() -> None:
    async with Standing().program().listening("127.0.0.1", None):
        pass


async def test_signals_stay_the_programs_own() -> None:
    before = signal.getsignal(signal.SIGTERM)
    port = free_port()
    async with Standing().program().listening("127.0.0.1", port):
        await ask(port, "/healthz")
        assert signal.getsignal(signal.SIGTERM) is before
