"""What a step raises: what may pass is tried again, whatever else is told at once, in few words."""

from typing import Any
from unittest.mock import MagicMock

import pytest
from sqlalchemy import exc
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.failures import TellsFailures
from activities.money.charge import StillProcessing
from activities.ports import GatewayRejected, GatewayUnavailable, MailerUnavailable
from activities.words import NothingHandedIn
from engine.clock import ClockUnavailable
from models.sealed import NotOfThisRow, UnknownRowKey
from models.writes.locks import RowMissing

AWAY = {"ambiguous": True, "retry_with_same_key": True}


class Raises(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        raise self.error


async def failure(error: Exception) -> ApplicationError:
    step = TellsFailures().intercept_activity(Raises(error))
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(step.execute_activity, MagicMock())
    return raised.value


@pytest.mark.parametrize(
    "error",
    [
        exc.OperationalError("SELECT 1", {}, Exception("the server is gone")),
        exc.InterfaceError("SELECT 1", {}, Exception("closed")),
        exc.TimeoutError("the pool is empty"),
        GatewayUnavailable("away", **AWAY),
        StillProcessing("pi_1"),
        MailerUnavailable("away", ambiguous=False),
        ClockUnavailable("away"),
        TimeoutError(),
        UnknownRowKey("a worker has it"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_may_pass_is_tried_again(error: Exception) -> None:
    told = await failure(error)
    assert (told.type, told.non_retryable) == (type(error).__name__, False)


@pytest.mark.parametrize(
    "error",
    [
        exc.IntegrityError("INSERT", {}, Exception("twice")),
        exc.ProgrammingError("SELECT", {}, Exception("no such column")),
        GatewayRejected("a wrong parameter"),
        RowMissing("no such client"),
        NotOfThisRow("changed"),
        NothingHandedIn(),
        KeyError("x"),
        ZeroDivisionError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_will_not_pass_is_told_at_once(error: Exception) -> None:
    told = await failure(error)
    assert (told.type, told.non_retryable) == (type(error).__name__, True)


async def test_a_failure_is_told_in_few_words() -> None:
    """Its text, and the chain of what caused it, stands in the history, and in the engine's UI."""
    long = exc.ProgrammingError(
        "INSERT " + "x" * 9000, {"name": "Sara"}, Exception("no such column\nLINE 1: " + "y" * 9000)
    )
    told = await failure(long)
    assert (told.message, told.cause, told.__cause__) == ("no such column", None, None)
    assert len((await failure(ValueError("z" * 9000))).message) == 300


async def test_what_a_step_has_put_in_words_itself_stays_so() -> None:
    said = ApplicationError("not for you", type="Refused", non_retryable=True)
    assert await failure(said) is said
