"""A step: an activity by name, with the types of what it takes and gives, its timeouts and its retry policy.

Short database writes run as local activities, which cost one marker instead of three events. Everything that talks to
a vendor is an ordinary activity. A database that is away is waited for: giving up after a write that may have been
committed would leave rows that no workflow knows of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy

if TYPE_CHECKING:
    from typing_extensions import TypeForm

Argument = TypeVar("Argument")
Further = TypeVar("Further")
Result = TypeVar("Result")

UNTIL_DONE = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""For writes to our own database: it comes back, and then the step finds what it may already have done."""

UNLESS_BROKEN = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[
        "AttributeError",
        "DataError",
        "IndexError",
        "IntegrityError",
        "KeyError",
        "OverflowError",
        "ProgrammingError",
        "RowMissing",
        "TypeError",
        "ValueError",
    ],
)
"""For writes that somebody asked for: what no waiting can heal fails the request, not the whole journey."""

PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""For money: a vendor's outage is waited for, however long it lasts."""

UNLESS_REFUSED = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=["GatewayRejected", *(UNLESS_BROKEN.non_retryable_error_types or ())],
)
"""For errands at Stripe: outages are waited for, but what is refused today is refused tomorrow, and others wait behind
it. The comparison of the books finds what was left undone."""

UNLESS_UNWRITABLE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=[
        "DataError",
        "IncompleteMail",
        "UndefinedError",
        "UnknownMail",
        "ValueError",
        "ZoneInfoNotFoundError",
    ],
)
"""For mails: outages are waited for, but what cannot be written today cannot be tomorrow, and others wait behind it."""

WHILE_SOMEBODY_WAITS = RetryPolicy(
    initial_interval=timedelta(milliseconds=300),
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=4,
    non_retryable_error_types=["GatewayRejected"],
)
"""For calls of a vendor that a person waits for: better a clear answer soon than a late one."""

ONCE = RetryPolicy(maximum_attempts=1)
"""For what the story can do without."""


@dataclass(eq=False)
class Where:
    """Where a step runs: how long one try may take, and how often it must give a sign of life meanwhile."""

    longest: timedelta
    sign_of_life: timedelta | None = None


LOCAL = Where(timedelta(seconds=30))
"""In the workflow's own worker: milliseconds as a rule; a burst of bookings with one therapist waits in line."""

VENDOR = Where(timedelta(seconds=30))
"""An ordinary activity, in any worker."""

LONG = Where(timedelta(minutes=10), sign_of_life=timedelta(seconds=60))
"""An ordinary activity with many questions to a vendor; each answer is a sign of life."""


@dataclass(frozen=True)
class _Entry(Generic[Argument, Result]):
    """One line of the table. ``summary`` is the label in the history; ``within`` bounds all tries together, for a step
    that the story does not wait for."""

    name: str
    argument: "TypeForm[Argument]"
    result: "TypeForm[Result]"
    summary: str | Callable[[Argument], str]
    retry: RetryPolicy
    where: Where = LOCAL
    within: timedelta | None = None

    async def _run(self, argument: Argument, *further: object) -> Result:
        arguments = (argument, *further)
        result = cast("type[Result]", self.result)  # the SDK decodes unions too, and says only classes
        label = self.summary if isinstance(self.summary, str) else self.summary(argument)
        if self.where is LOCAL:
            return await workflow.execute_local_activity(  # type: ignore[no-any-return]
                self.name,
                args=arguments,
                result_type=result,
                start_to_close_timeout=self.where.longest,
                schedule_to_close_timeout=self.within,
                retry_policy=self.retry,
                summary=label,
            )
        return await workflow.execute_activity(  # type: ignore[no-any-return]
            self.name,
            args=arguments,
            result_type=result,
            start_to_close_timeout=self.where.longest,
            heartbeat_timeout=self.where.sign_of_life,
            retry_policy=self.retry,
            summary=label,
        )


class Step(_Entry[Argument, Result]):
    """A step that takes one argument, and is awaited with it."""

    async def __call__(self, argument: Argument) -> Result:
        return await self._run(argument)


@dataclass(frozen=True)
class StepWith(_Entry[Argument, Result], Generic[Argument, Result, Further]):
    """A step that takes one argument more, of the type ``further``."""

    further: "TypeForm[Further]" = field(kw_only=True)

    async def __call__(self, argument: Argument, further: Further) -> Result:
        return await self._run(argument, further)
