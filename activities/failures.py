"""What is tried again, by name: a database, an engine or a vendor that is away. Whatever else goes wrong in a step will
go wrong again, and is told at once, in few words: a failure is stored in the history, and shown in the engine's UI.
"""

from typing import Any

from sqlalchemy import exc
from temporalio import activity, exceptions
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.ports import GatewayUnavailable, MailerUnavailable
from models.sealed import UnknownRowKey

MAY_PASS: tuple[type[Exception], ...] = (
    ConnectionError,  # the clock's and the engine's too
    GatewayUnavailable,
    MailerUnavailable,
    RPCError,
    TimeoutError,
    UnknownRowKey,  # while keys are rotated: until a worker has it
    exc.InterfaceError,
    exc.OperationalError,
    exc.TimeoutError,  # of the pool of connections
)
_LONGEST = 300


class TellsFailures(Interceptor):
    """Looks at what every step raises."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Telling(next)


class _Telling(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except exceptions.FailureError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in our words
            passes = isinstance(error, MAY_PASS)
            if not passes:
                activity.logger.exception("the step cannot be done, and is not tried again")
            raise exceptions.ApplicationError(
                in_few_words(error), type=type(error).__name__, non_retryable=not passes
            ) from None


def in_few_words(error: Exception) -> str:
    """The first line of what an error says, without what was to be written."""
    said = str(error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error)
    line = said.strip().partition("\n")[0] or type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
