"""Whatever anybody asks: no fault of ours, nothing that the description does not say, nothing of somebody else's.

The same requests on every run. ``make fuzz`` looks at others, for as long as it is told to.
"""

import pytest
from fastapi import FastAPI

from tests.api.fuzz.asking import Asking
from tests.api.fuzz.cases import operations_of
from tests.api.fuzz.two_clients import WHO

PARTS = 4  # so that the run's processes share them: each is all callers of every fourth call


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_call_as_everybody(asking: Asking, app: FastAPI, part: int) -> None:
    calls = list(enumerate(operations_of(app)))[part::PARTS]
    for place, call in calls:
        await asking.ask(call, place)
    faults = asking.faults
    assert not faults.found, f"{len(faults.found)} faults\n\n{faults}"
    assert faults.asked == len(WHO) * len(calls)
    done = sum(number for status, number in faults.statuses.items() if status < 300)
    assert done > faults.asked / 20  # most callers are refused
