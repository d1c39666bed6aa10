"""Files are made a few at a time, and the line for them has an end."""

import asyncio
import threading

import pytest

from api.bounds.making import Making
from api.problems import Refused
from rules.refusals import Problem


async def test_a_few_at_a_time_and_the_line_has_an_end() -> None:
    making, go, inside = Making(at_once=2, most_in_line=5, most_of_one=3), threading.Event(), [0, 0]
    one = threading.Lock()

    def work() -> int:
        with one:
            inside[0] += 1
            inside[1] = max(inside)
        go.wait(30)
        with one:
            inside[0] -= 1
        return 7

    waiting = [asyncio.create_task(making.make(work, who=who)) for who in ("a", "a", "a", "b", "b")]
    await asyncio.sleep(0)
    for who, name in (("a", Problem.RATE_LIMITED), ("c", Problem.ENGINE_UNAVAILABLE)):
        with pytest.raises(Refused) as refused:
            await making.make(work, who=who)
        assert (refused.value.refusal.name, refused.value.refusal.data) == (name, {"retry_after": 5})
    while inside[0] < 2:  # threads take their time
        await asyncio.sleep(0.01)
    go.set()
    assert await asyncio.gather(*waiting) == [7] * 5
    assert inside == [0, 2]
    assert await making.make(lambda: 8, who="a") == 8  # nothing is left behind


async def test_work_that_fails_or_is_given_up_leaves_its_place() -> None:
    making = Making(at_once=1, most_in_line=1, most_of_one=1)
    with pytest.raises(ZeroDivisionError):
        await making.make(lambda: 1 // 0, who="a")
    assert await making.make(lambda: 8, who="a") == 8
