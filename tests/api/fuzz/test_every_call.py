"""Whatever anybody asks: no fault of ours, nothing that the description does not say, nothing of somebody else's.

The same requests on every run. ``make fuzz`` looks at others, for as long as it is told to.
"""

from fastapi import FastAPI

from tests.api.fuzz.asking import Asking
from tests.api.fuzz.cases import operations_of
from tests.api.fuzz.two_clients import WHO


async def test_every_call_as_everybody(asking: Asking, app: FastAPI) -> None:
    calls = operations_of(app)
    await asking.walk(calls)
    faults = asking.faults
    assert not faults.found, f"{len(faults.found)} faults\n\n{faults}"
    assert faults.asked == len(WHO) * len(calls)
    assert sum(number for status, number in faults.statuses.items() if status < 300) > faults.asked / 10
