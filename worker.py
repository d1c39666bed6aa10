"""The worker: runs the journeys and their steps. Start as many as needed with ``python worker.py``.

It waits for the database and for the engine, and says so. SIGTERM and SIGINT drain it: it takes nothing new,
lets running activities end, and leaves with 0.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

import structlog
import uvloop
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
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
from engine.message_record import TemporalMessageRecord
from engine.signed_links import SignedLinks
from engine.vouching import Vouching
from models import database
from models.privileges import RefusedRole, refuse_owner
from models.schema import Fit, schema_of
from rules.accounts import vouching
from rules.mail import unsubscribe
from workflows.registry import WORKFLOWS
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
    "workflows.requests",
    "workflows.shown",
    "workflows.steps",
)
READY = "Ready: taking work"
_DRAIN = timedelta(seconds=30)
_CONCURRENT_STEPS = 30  # at a time; the pool has a connection for each
_CACHED_WORKFLOWS = 1000
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
        workflows=WORKFLOWS,
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


async def run(settings: Settings) -> None:
    """Work until asked to stop."""
    templates = templates_of(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    engine = database.connect(settings.database, pool_size=_CONCURRENT_STEPS)
    payments = StripeGateway(api_key=settings.stripe_api_key.get_secret_value(), api_base=settings.stripe_base)
    mailer = SendGridMailer(
        api_key=settings.sendgrid_api_key.get_secret_value(), host=settings.sendgrid_host, at_once=_CONCURRENT_STEPS
    )
    try:
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
                ),
            )
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
                log.info(READY, task_queue=settings.temporal_task_queue)
                await stop.wait()
                waking.cancel()
                await asyncio.gather(waking, return_exceptions=True)
                log.info("Draining: running steps end, nothing new is taken")
            log.info("Stopped")
    finally:
        await payments.aclose()
        await mailer.aclose()
        await engine.dispose()


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


def settle_memory() -> None:
    """What was imported stays for good: the collector need not walk it again, at a tenth of a second a time."""
    gc.collect()
    gc.freeze()


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
        try:
            async with engine.connect() as connection:
                schema = await schema_of(connection)
            missing = "" if schema.usable else schema.says
            if schema.fit is Fit.NEWER:
                log.info(schema.says)
        except (DBAPIError, OSError):
            missing = "PostgreSQL cannot be reached"
        if not missing:
            if said:
                log.info("The database is ready")
            return
        if missing != said and waited >= _QUIET:
            log.warning("Waiting for the database", because=missing)
            said = missing
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 2.0)


def main() -> int:
    settings = settings_or_exit()
    set_up_logs(production=settings.production, time_travel=bool(settings.time_travel_address))
    for sentence in ways_out(settings):
        log.warning(sentence)
    try:
        uvloop.run(run(settings))
    except RefusedRole as refused:
        leave(SettingsProblem([str(refused)]))
    except SettingsProblem as error:
        leave(error)
    return 0


if __name__ == "__main__":
    end(main())
