"""The worker: runs the journeys and their steps. Start as many as needed with ``python worker.py``.

It waits for the database and for the engine, and says so. SIGTERM and SIGINT drain it: it takes nothing new,
lets running activities end, and leaves with 0.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

import structlog
import uvloop
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.accounts.believing import BelievesTheVouchedFor
from activities.base import Dependencies
from activities.events.waking import WebhookWaker
from activities.failures import TellsFailures
from activities.gateways.calendars.sources import calendar_channels, calendar_sources
from activities.gateways.outbound.door import Door
from activities.gateways.sendgrid import SendGridMailer
from activities.gateways.simulated import SimulatedGateway
from activities.gateways.stripe import StripeGateway
from activities.mail.overrides.folder import WrongTemplates, templates_in
from activities.mail.rendering import Templates
from activities.practice import Links, Practice, Witness
from activities.registry import build
from config import Settings, SettingsProblem, leave, settings_or_exit, ways_out
from config.calendars import calendar_vendors
from engine.clock import clock_for
from engine.codec import data_converter
from engine.connect import TASK_QUEUE, connect
from engine.ending import end
from engine.executions import Executions
from engine.logs import set_up_logs
from engine.memory import settle_memory
from engine.message_record import TemporalMessageRecord
from engine.signed_links import SignedLinks
from engine.vouching import Vouching
from engine.watching.port import OK, CannotListen, Check, WatchedProgram
from engine.watching.sdk_numbers import SdkNumbers
from engine.watching.traces import tracing_to_otlp
from models import database
from models.privileges import RefusedRole, refuse_owner
from models.schema import Fit, Schema, schema_of
from models.sealing import found_unreadable
from rules.accounts import vouching
from rules.mail import unsubscribe
from workflows.registry import OF_A_VERSION, WORKFLOWS
from workflows.starting import beginning_of

# What is not imported anew for every run of a workflow, which would take ten milliseconds: values and rules, and the
# parts that workflows are made of. They keep no state of their own, and `make check` refuses them clocks, chance, I/O.
PASSED_THROUGH = (
    "activities.types",
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "rules",
    "typing_extensions",
    "typing_inspection",
    "workflows.handling",
    "workflows.messages",
    "workflows.parts",
    "workflows.patches",
    "workflows.requests",
    "workflows.shown",
    "workflows.steps",
)
READY = "Ready: taking work"
_DRAIN = timedelta(seconds=30)
_CONCURRENT_STEPS = 30  # at a time; the pool has a connection for each
_CACHED_WORKFLOWS = 1000
_GLANCE = timedelta(seconds=3)  # at the engine
_AWAY = "unavailable"
_QUIET = 3.0  # seconds of waiting for a database that nobody needs to hear of

Result = TypeVar("Result")
log = structlog.get_logger("worker")


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox that the worker and the replay tests share."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def build_worker(
    client: Client,
    dependencies: Dependencies,
    *,
    task_queue: str = TASK_QUEUE,
    max_cached_workflows: int = _CACHED_WORKFLOWS,
    graceful_shutdown_timeout: timedelta = _DRAIN,
    version: WorkerDeploymentVersion | None = None,
    holds_patches: bool = False,
) -> Worker:
    """A worker for every workflow and activity of the registries; not yet running.

    Args:
        version: it gets nothing until that is current. None: it is not versioned, and gets what is not routed.
        holds_patches: no run begins with a patch that it has not begun already, so that older code can follow it.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=OF_A_VERSION if version else WORKFLOWS,
        activities=build(dependencies),
        interceptors=[TellsFailures(), BelievesTheVouchedFor(dependencies.vouching)],
        workflow_runner=workflow_runner(),
        max_cached_workflows=max_cached_workflows,
        max_concurrent_activities=_CONCURRENT_STEPS,
        max_concurrent_local_activities=_CONCURRENT_STEPS,
        graceful_shutdown_timeout=graceful_shutdown_timeout,
        deployment_config=WorkerDeploymentConfig(
            version=version,
            use_worker_versioning=True,
            # What lives for a year follows the present code. What is over within hours says itself that it is pinned.
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
        if version
        else None,
        patch_activation_callback=(lambda _: False) if holds_patches else None,
    )


class WorkerStanding:
    """How the worker stands: what ``/readyz`` says."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.client: Client | None = None
        self.work = "starting"
        self._engine = engine

    @property
    def checks(self) -> dict[str, Check]:
        return {"database": self._database, "engine": self._temporal, "work": self._work}

    async def _database(self) -> str:
        """Reached, and with a schema that this code can run with; else, in a word, how that is."""
        schema = await _schema(self._engine)
        if schema is None:
            return _AWAY
        return OK if schema.usable else schema.fit

    async def _temporal(self) -> str:
        try:
            there = self.client is not None and await self.client.service_client.check_health(timeout=_GLANCE)
        except (RPCError, RuntimeError):
            there = False
        return OK if there else _AWAY

    async def _work(self) -> str:
        """Polling its queue: neither before it was all there, nor once it was asked to stop."""
        return self.work


async def run(settings: Settings, numbers: SdkNumbers) -> None:
    """Work until asked to stop, and answer at the worker's port meanwhile. ``numbers``: where the SDK tells its own."""
    templates = templates_of(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = database.connect(settings.database, pool_size=_CONCURRENT_STEPS)
    tracing = tracing_to_otlp(service="care-journeys-worker") if settings.traces else None
    if tracing is not None:
        tracing.database(engine)
    payments = StripeGateway(api_key=settings.stripe_api_key.get_secret_value(), api_base=settings.stripe_base)
    mailer = SendGridMailer(
        api_key=settings.sendgrid_api_key.get_secret_value(), host=settings.sendgrid_host, at_once=_CONCURRENT_STEPS
    )
    standing, port = WorkerStanding(engine), contextlib.AsyncExitStack()
    try:
        watched = WatchedProgram(standing.checks, unreadable=found_unreadable, more=numbers.text)
        await port.enter_async_context(watched.listening(settings.worker_host, settings.worker_port))
        with contextlib.suppress(asyncio.CancelledError):
            await _until(stop, _database_is_ready(engine))
            if settings.production:
                await refuse_owner(engine)
            client = await _until(
                stop,
                connect(
                    settings.engine,
                    data_converter=data_converter(settings.payload_keys),
                    patience=None,
                    say=log.warning,
                    interceptors=[tracing.client] if tracing is not None else [],
                ),
            )
            standing.client = client
            door = Door(private=settings.calls_private_addresses)
            dependencies = Dependencies(
                sessions=database.session_factory(engine, chain=settings.chain_keys, rows=settings.row_keys),
                clock=clock_for(settings.time_travel_address),
                payments=payments,
                simulated_payments=SimulatedGateway(),
                mailer=mailer,
                links=Links(public_url=settings.site_url, staff_url=settings.staff_site_url),
                practice=practice_of(settings),
                email_from=settings.email_from,
                link_key=settings.payload_keys.derive("links"),
                unsubscribe_links=SignedLinks(settings.payload_keys, unsubscribe.PURPOSE),
                vouching=Vouching(settings.payload_keys, vouching.PURPOSE),
                record=TemporalMessageRecord(client),
                executions=Executions(client, task_queue=settings.temporal_task_queue, beginning_of=beginning_of),
                policy=settings.policy,
                witness=Witness(email=settings.anchor_email, file=settings.anchor_file),
                templates=templates,
                door=door,
                calendar_sources=calendar_sources(door, calendar_vendors(settings)),
                calendar_channels=calendar_channels(door, calendar_vendors(settings), api_url=settings.api_public_url),
            )
            worker = build_worker(
                client,
                dependencies,
                task_queue=settings.temporal_task_queue,
                max_cached_workflows=settings.worker_cached_workflows,
                version=version_of(settings),
                holds_patches=settings.worker_holds_patches,
            )
            settle_memory()
            assert dependencies.executions is not None, "it was given"
            waker = WebhookWaker(engine, dependencies.sessions, dependencies.executions)
            async with worker:
                waking = asyncio.create_task(waker.run())
                standing.work = OK
                log.info(READY, task_queue=settings.temporal_task_queue)
                await stop.wait()
                standing.work = "draining"
                waking.cancel()
                await asyncio.gather(waking, return_exceptions=True)
                log.info("Draining: running steps end, nothing new is taken")
            log.info("Stopped")
    finally:
        await port.aclose()
        await payments.aclose()
        await mailer.aclose()
        await engine.dispose()
        if tracing is not None:
            tracing.close()


def version_of(settings: Settings) -> WorkerDeploymentVersion | None:
    if settings.worker_deployment is None or settings.worker_build_id is None:
        return None
    return WorkerDeploymentVersion(deployment_name=settings.worker_deployment, build_id=settings.worker_build_id)


def practice_of(settings: Settings) -> Practice:
    return Practice(
        letterhead=settings.letterhead,
        care_team_email=settings.care_team_email,
        insurance_email=settings.insurance_email,
        logo=settings.practice_logo,
        colour=settings.practice_colour,
    )


def templates_of(settings: Settings) -> Templates:
    """What mails are made of. Raises SettingsProblem where the practice's own cannot be used."""
    try:
        return templates_in(settings.mail_templates)
    except WrongTemplates as wrong:
        raise SettingsProblem([f"MAIL_TEMPLATES cannot be used: {problem}" for problem in wrong.problems]) from None


async def _until(stop: asyncio.Event, work: Awaitable[Result]) -> Result:
    """The result of ``work``; cancelled when asked to stop meanwhile."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
    return await task


async def _database_is_ready(engine: AsyncEngine) -> None:
    """Until it answers, and this code can run with its schema."""
    pause, waited, said = 0.1, 0.0, ""
    while True:
        schema = await _schema(engine)
        if schema is not None and schema.usable:
            if schema.fit is Fit.NEWER:
                log.info(schema.says)
            if said:
                log.info("The database is ready")
            return
        missing = schema.says if schema is not None else "PostgreSQL cannot be reached"
        if missing != said and waited >= _QUIET:
            log.warning("Waiting for the database", because=missing)
            said = missing
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 2.0)


async def _schema(engine: AsyncEngine) -> Schema | None:
    """Whether this code can run with the database's; None where PostgreSQL cannot be reached."""
    try:
        async with engine.connect() as connection:
            return await schema_of(connection)
    except (SQLAlchemyError, OSError):
        return None


def main() -> int:
    settings = settings_or_exit()
    numbers = SdkNumbers.somewhere()
    set_up_logs(
        production=settings.production,
        time_travel=bool(settings.time_travel_address),
        numbers=numbers if settings.worker_port is not None else None,
    )
    for sentence in ways_out(settings):
        log.warning(sentence)
    try:
        uvloop.run(run(settings, numbers))
    except RefusedRole as refused:
        leave(SettingsProblem([str(refused)]))
    except CannotListen as error:
        leave(SettingsProblem([f"{error}: set WORKER_PORT to another port, or stop what uses it."]))
    except SettingsProblem as error:
        leave(error)
    return 0


if __name__ == "__main__":
    end(main())
