"""The engine as the API sees it: start a journey, ask it for something, tell it something."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar, cast
from uuid import UUID, uuid4

import structlog
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.types.clients import NewJourney, Opened
from activities.types.keeping import KeepingOrder
from activities.types.reconciliation import ReconciliationOrder
from api.problems import EngineUnavailable, Refused, refuse
from api.resuming import Resumer
from engine.executions import in_epoch
from engine.vouching import Vouching
from models.pulse import Pulse, Silent
from rules.accounts.vouching import vouched
from rules.clients.refs import ref_of
from rules.refusals import Problem, Refusal
from workflows.messages import (
    BEGIN,
    BULK_ARCHIVE,
    CLIENT_JOURNEY,
    JOURNEY_CLOSED,
    KEEP,
    KEEP_JOURNEYS,
    KEEP_JOURNEYS_ID,
    LOOK_AGAIN,
    OUTSIDE_CALENDAR,
    PRACTICE_MAIL,
    PRACTICE_MAIL_ID,
    RECONCILE_PAYMENTS,
    TASK_QUEUE,
    WAITLIST_OFFER,
    WEBHOOK_ENDPOINT,
    BulkArchiveInput,
    CalendarInput,
    JourneyInput,
    KeepingInput,
    ReconciliationInput,
    Update,
    WaitlistInput,
    WebhookInput,
    bulk_archive_id,
    calendar_id,
    journey_id,
    reconciliation_id,
    waitlist_id,
    webhook_workflow_id,
)

log = structlog.get_logger(__name__)

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_ENDED = (
    WorkflowExecutionStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
)
_AGAIN = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
_ENDED_MEANWHILE = "AcceptedUpdateCompletedWorkflow"


class Gone:
    """The workflow has ended, or never was."""


GONE: Final = Gone()


AT_ONCE = 50  # calls of one process; some hundred at a time only get in each other's way


class JourneyEngine:
    """Journeys behind Temporal's client. ``patience`` bounds each call; a call is made at most twice. What can be
    done without is waited for no longer than a ``glance``.

    At most ``at_once`` requests are with the engine at a time. The others wait in line, which is no part of their
    patience: a burst takes its time, and its last request is answered like its first. A busy engine is waited for;
    one that does not answer at all, which ``pulse`` asks for all who wait, lets everybody go within five seconds.

    A workflow that has ended while its record is open is started again by ``resumer``, and asked as if nothing was.
    Every update carries the request's id, so that asking again joins the first instead of repeating it. Whom a message
    is by it vouches for by ``vouching``; without it nobody believes that.
    Raises EngineUnavailable when nobody knows how it ended, and Refused for what a workflow would not accept.
    """

    def __init__(
        self,
        client: Client,
        *,
        vouching: Vouching | None = None,
        resumer: Resumer | None = None,
        task_queue: str = TASK_QUEUE,
        patience: timedelta = timedelta(seconds=15),
        glance: timedelta = timedelta(seconds=2),
        at_once: int = AT_ONCE,
        pulse: Pulse | None = None,
    ) -> None:
        self.client = client
        self._vouching = vouching
        self._pulse = pulse or Pulse(self.answers)
        self._resumer = resumer
        self._task_queue = task_queue
        self._patience = patience
        self._glance = glance
        self._places = asyncio.Semaphore(at_once)

    async def start(self, new: NewJourney, *, epoch: UUID | None = None) -> Opened:
        """Start a client's journey and wait for its first step. The same request again finds the same one. ``epoch``:
        the database's, where it was read a moment ago."""
        attributes = await self._attributes(epoch)
        new = self._vouched(new, workflow_id=journey_id(new.client_id), message=BEGIN.name)

        async def attempt(update_id: str, reuse: WorkflowIDReusePolicy) -> Opened:
            # Such an operation can be used once only.
            operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                CLIENT_JOURNEY,
                JourneyInput(client_id=new.client_id, new=new),
                id=journey_id(new.client_id),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=reuse,
                search_attributes=attributes,
                static_summary=f"Care journey of client {ref_of(new.client_id)}",
                static_details=f"Began by {new.source.value.replace('_', ' ')}, asked for by {new.by.actor}.",
            )
            answer = await self.client.execute_update_with_start_workflow(
                BEGIN.name,
                new,
                start_workflow_operation=operation,
                id=update_id,
                result_type=Opened,
                rpc_timeout=self._patience,
            )
            return cast(Opened, answer)

        async def once(update_id: str) -> Opened:
            return await attempt(update_id, WorkflowIDReusePolicy.REJECT_DUPLICATE)

        async def anew(update_id: str) -> Opened:
            return await attempt(update_id, WorkflowIDReusePolicy.ALLOW_DUPLICATE)

        workflow_id = journey_id(new.client_id)
        opened = await self._call(once, new.request_id)
        if isinstance(opened, Gone) and self._resumer is not None:
            if await self._resumer.resume(workflow_id):
                opened = await self.update(workflow_id, BEGIN, new, request_id=new.request_id)
            elif not await self._resumer.has_row(workflow_id):  # it was ended before it wrote anything
                opened = await self._call(anew, new.request_id)
        if isinstance(opened, Gone):
            raise refuse(Problem.NOT_FOUND, "This request was answered already, and the journey it began has ended.")
        return opened

    async def update(
        self, workflow_id: str, update: Update[Argument, Result], order: Argument, *, request_id: UUID | str
    ) -> Result | Gone:
        """Ask a workflow for something, and wait for its answer. Raises Refused for what it refuses."""
        handle = self.client.get_workflow_handle(workflow_id)
        order = self._vouched(order, workflow_id=workflow_id, message=update.name)

        async def attempt(update_id: str) -> Result:
            answer = await handle.execute_update(
                update.name,
                order,
                id=update_id,
                result_type=update.result,
                rpc_timeout=self._patience,
            )
            return cast(Result, answer)

        return await self._call_or_resume(workflow_id, attempt, str(request_id))

    async def signal(self, workflow_id: str, name: str, argument: object = None) -> Gone | None:
        """Tell a workflow something; who can act on it twice must be told an id that says so."""
        handle = self.client.get_workflow_handle(workflow_id)
        argument = self._vouched(argument, workflow_id=workflow_id, message=name)

        async def attempt(_: str) -> None:
            said = () if argument is None else (argument,)
            await handle.signal(name, args=said, rpc_timeout=self._patience)

        return await self._call_or_resume(workflow_id, attempt, "")

    async def wake_line(self, therapist: str) -> None:
        """Let a therapist's waitlist look again, because time may have been freed; it is started if it does not run."""
        await self._start(
            WAITLIST_OFFER,
            WaitlistInput(therapist=therapist),
            id=waitlist_id(therapist),
            start_signal=LOOK_AGAIN,
            search_attributes=await self._attributes(),
            static_summary=f"The waitlist of {therapist}",
        )

    async def wake_webhook(self, endpoint_id: UUID) -> None:
        """Let an endpoint be told now; its workflow is started if it does not run."""
        await self._start(
            WEBHOOK_ENDPOINT,
            WebhookInput(endpoint_id=str(endpoint_id)),
            id=webhook_workflow_id(str(endpoint_id)),
            start_signal=LOOK_AGAIN,
            search_attributes=await self._attributes(),
            static_summary="Tells a program of events",
        )

    async def wake_calendar(self, id: str) -> None:
        """Let a calendar that is kept elsewhere be read now; what reads it is started if it does not run."""
        await self._start(
            OUTSIDE_CALENDAR,
            CalendarInput(id=id),
            id=calendar_id(id),
            start_signal=LOOK_AGAIN,
            search_attributes=await self._attributes(),
            static_summary="A calendar that a therapist keeps elsewhere",
        )

    async def wake_practice_mail(self) -> None:
        """Let what waits for no journey be delivered now."""

        async def attempt(_: str) -> None:
            await self.client.start_workflow(
                PRACTICE_MAIL,
                id=PRACTICE_MAIL_ID,
                task_queue=self._task_queue,
                start_signal=LOOK_AGAIN,
                static_summary="Mails that belong to no open journey",
                rpc_timeout=self._patience,
            )

        await self._call(attempt, "")

    async def reconcile(self, order: ReconciliationOrder) -> None:
        """Start a comparison with Stripe. The same order again finds the same one."""
        await self._start_once(
            RECONCILE_PAYMENTS,
            ReconciliationInput(order=order),
            id=reconciliation_id(order.id),
            summary="The ledger and Stripe, compared",
            asked_by=order.asked_by,
        )

    async def archive_many(self, archive_id: UUID, *, clients: int, asked_by: str) -> None:
        """Start an archive of many clients, whose rows are there. The same one again finds the same one."""
        await self._start_once(
            BULK_ARCHIVE,
            BulkArchiveInput(archive_id=str(archive_id)),
            id=bulk_archive_id(str(archive_id)),
            summary=f"An archive of {clients} clients",
            asked_by=asked_by,
        )

    async def keep(self, order: KeepingOrder) -> None:
        """Have the keeper make a round, after those that were asked for before. The same order again is one round."""
        await self._start(
            KEEP_JOURNEYS,
            KeepingInput(asked=(order,)),
            id=KEEP_JOURNEYS_ID,
            start_signal=KEEP,
            start_signal_args=[order],
            static_summary="What must run, compared with what runs",
        )

    async def _attributes(self, epoch: UUID | None = None) -> TypedSearchAttributes:
        """What a workflow is started with that follows a row."""
        if self._resumer is None:
            return TypedSearchAttributes.empty
        return in_epoch(str(epoch) if epoch is not None else await self._resumer.epoch())

    async def _start_once(self, workflow: str, input: object, *, id: str, summary: str, asked_by: str) -> None:
        await self._start(
            workflow,
            input,
            id=id,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=await self._attributes(),
            static_summary=summary,
            static_details=f"Asked for by {asked_by}.",
        )

    async def _start(self, workflow: str, input: object, **how: Any) -> None:
        async def attempt(_: str) -> None:
            await self.client.start_workflow(
                workflow, input, task_queue=self._task_queue, rpc_timeout=self._patience, **how
            )

        await self._call(attempt, "")

    async def is_under_way(self, workflow_id: str) -> bool:
        """Whether a workflow runs. So it does where the engine cannot say, at a glance, that it has ended."""
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            async with asyncio.timeout(self._glance.total_seconds()), self._places:
                return (await handle.describe(rpc_timeout=self._glance)).status not in _ENDED
        except RPCError as error:
            return error.status is not RPCStatusCode.NOT_FOUND
        except (TimeoutError, RuntimeError):  # silent, or not connected
            return True

    async def answers(self) -> bool:
        """Whether the engine can be reached now."""
        try:
            return await self.client.service_client.check_health(timeout=timedelta(seconds=3))
        except (RPCError, RuntimeError):
            return False

    def _vouched(self, order: Argument, *, workflow_id: str, message: str) -> Argument:
        """Whom the API has let in is whom the order names: the steps believe nobody else that."""
        if self._vouching is None:
            return order
        return vouched(order, workflow_id=workflow_id, message=message, sign=self._vouching.sign)

    async def _call_or_resume(
        self, workflow_id: str, attempt: Callable[[str], Awaitable[Result]], request_id: str
    ) -> Result | Gone:
        """One that has ended is started again if its record is open, and asked once more."""
        answer = await self._call(attempt, request_id)
        if isinstance(answer, Gone) and self._resumer is not None and await self._resumer.resume(workflow_id):
            answer = await self._call(attempt, request_id)
            if isinstance(answer, Gone):  # its record is open, and yet it ended once more
                raise EngineUnavailable
        return answer

    async def _call(self, attempt: Callable[[str], Awaitable[Result]], request_id: str) -> Result | Gone:
        try:
            async with self._pulse.felt(), self._in_turn():
                return await self._asked(attempt, request_id)
        except Silent as error:
            raise EngineUnavailable from error

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """One of the places at the engine, first come first served.

        Nobody waits in line for longer than two calls may take: that is an engine that answers nobody.
        """
        try:
            async with asyncio.timeout(2 * self._patience.total_seconds()):
                await self._places.acquire()
        except TimeoutError as error:
            raise EngineUnavailable from error
        try:
            yield
        finally:
            self._places.release()

    async def _asked(self, attempt: Callable[[str], Awaitable[Result]], request_id: str) -> Result | Gone:
        update_id = request_id
        for last in (False, True):
            try:
                return await attempt(update_id)
            except WorkflowAlreadyStartedError:
                return GONE
            except WorkflowUpdateFailedError as error:
                if isinstance(error.cause, ApplicationError):
                    return _read_refusal(error.cause)
                if last:
                    raise EngineUnavailable from error
                # A step gave up, and the engine would answer the same id with the same failure for ever.
                # Steps find their own work by the request's id, so the next one may be another update.
                update_id = f"{request_id}/{uuid4()}"
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                if last:
                    raise EngineUnavailable from error
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return GONE
                if last or error.status not in _AGAIN:
                    raise EngineUnavailable from error
            except RuntimeError as error:  # no connection was ever made
                raise EngineUnavailable from error
        raise AssertionError("the second attempt returns or raises")


def _read_refusal(cause: ApplicationError) -> Gone:
    """What an update that was turned down means: the workflow has ended, or it refused, by name."""
    if cause.type in (_ENDED_MEANWHILE, JOURNEY_CLOSED):
        return GONE
    if cause.type in {problem.value for problem in Problem}:
        told = cause.details[0] if cause.details and isinstance(cause.details[0], dict) else {}
        detail, data = told.get("detail", cause.message), told.get("data", {})
        raise Refused(Refusal(name=Problem(cause.type), detail=detail, data=data)) from cause
    log.warning("a workflow refused an update", type=cause.type)
    raise Refused(Refusal(name=Problem.VALIDATION_FAILED, detail="The journey cannot do this as it stands.")) from cause
