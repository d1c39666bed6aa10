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
    calls, ends, told, faults = operations_of(app), time.monotonic() + SECONDS, 0, asking.faults
    asking.each, asking.wrongly = 3, 1
    for asking.number in count(FIRST):
        for place, call in enumerate(calls):
            await asking.ask(call, place)
            with capsys.disabled():
                told = _tell(asking, told)
            if time.monotonic() > ends:
                break
        with capsys.disabled():
            print(f"\nseed {asking.number}: {faults.asked} requests so far, {faults.counted()}; {told} faults")
        if time.monotonic() > ends:
            break
    assert not faults.found, f"{told} faults, shown above"


def _tell(asking: Asking, told: int) -> int:
    found = list(asking.faults.found.items())
    for (call, what), shown in found[told:]:
        print(f"\n{call}: {what}\n{shown}")
    return len(found)
