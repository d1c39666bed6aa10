"""A local step that failed is met the same way when its history is replayed, by the next worker after a death of this
one: its failure comes bare from the marker in the history, and came wrapped the first time."""

from typing import Any

import pytest
from temporalio import exceptions, workflow

from workflows import steps

BROKEN = exceptions.ApplicationError("never", type="Broken", non_retryable=True)
AWAY = exceptions.ApplicationError("later", type="OperationalError")
OVER = exceptions.TimeoutError("over", type=exceptions.TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=())


def wrapped(cause: exceptions.FailureError) -> exceptions.ActivityError:
    error = exceptions.ActivityError(
        "failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type="book",
        activity_id="1",
        retry_state=None,
    )
    error.__cause__ = cause
    return error


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the local step fails with; the ordinary one is done."""
    failures: list[Exception] = []

    async def local(*_: Any, **__: Any) -> Any:
        raise failures.pop()

    async def ordinary(*_: Any, **__: Any) -> Any:
        return "done later"

    monkeypatch.setattr(workflow, "execute_local_activity", local)
    monkeypatch.setattr(workflow, "execute_activity", ordinary)
    return failures


step = steps.Step("book", str, str, "Book", steps.UNLESS_BROKEN)


@pytest.mark.parametrize("failure", [OVER, AWAY, wrapped(OVER), wrapped(AWAY)])
async def test_what_may_pass_goes_on_as_an_ordinary_step(failing: list[Exception], failure: Exception) -> None:
    failing.append(failure)
    assert await step("") == "done later"


@pytest.mark.parametrize("failure", [BROKEN, wrapped(BROKEN)])
async def test_what_will_not_pass_is_the_same_error(failing: list[Exception], failure: Exception) -> None:
    failing.append(failure)
    with pytest.raises(exceptions.ActivityError) as raised:
        await step("")
    assert raised.value.cause is BROKEN
