"""The same, round after round, each with requests of its own, until the time is over. Only ``make fuzz`` runs it."""

import os
import time
from itertools import count

import pytest
from fastapi import FastAPI

from tests.api.fuzz.asking import Asking
from tests.api.fuzz.cases import operations_of

SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))
FIRST = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.timeout(0)
async def test_every_call_for_longer(asking: Asking, app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    """What is found is told at once; the search goes on."""
    asking.each, asking.wrongly = 3, 1
    calls, faults, told = operations_of(app), asking.faults, Told(asking)
    for asking.number in count(FIRST):
        for place, call in enumerate(calls):
            await asking.ask(call, place)
            with capsys.disabled():
                told.on(call.label)
            if told.is_over():
                assert not faults.found, f"{len(faults.found)} faults, shown above"
                return


class Told:
    """What was told of the search, on whose clock it is over."""

    EVERY = 20  # seconds

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._shown = 0
        self._next = self._began = time.monotonic()

    def is_over(self) -> bool:
        return time.monotonic() > self._began + SECONDS

    def on(self, call: str) -> None:
        faults = self._asking.faults
        for (label, what), shown in list(faults.found.items())[self._shown :]:
            print(f"\n{label}: {what}\n{shown}\n", flush=True)
        self._shown = len(faults.found)
        if time.monotonic() > self._next or self.is_over():
            self._next += self.EVERY
            spent = f"{time.monotonic() - self._began:5.0f} s, seed {self._asking.number}, {call}"
            print(f"{spent}: {faults.asked} requests, {faults.counted()}; {self._shown} faults", flush=True)
