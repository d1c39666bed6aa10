"""Stand-ins for the workflows that follow rows: they know their row's id, and do nothing but wait."""

from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows.messages import TASK_QUEUE

broken: set[str] = set()  # runs whose workflow tasks fail from the next message on


class Follower:
    """Waits for ever, remembers who archived what, and tells how much it knows."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.version = 0

    async def wait(self) -> None:
        await workflow.wait_condition(lambda: False)

    def hear(self, said: Any) -> None:
        if workflow.info().run_id in broken:
            message = "a bad release"
            raise RuntimeError(message)
        self.heard.append(said)


@workflow.defn(name="ClientJourney")
class ClientFollower(Follower):
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        self.client_id = start["client_id"]
        await self.wait()

    @workflow.signal(name="archive")
    def archive(self, said: Any = None) -> None:
        self.hear(said)

    @workflow.signal(name="system.appointment_reported")
    def reported(self, said: Any = None) -> None:
        self.hear("news")

    @workflow.signal(name="system.inbound_event")
    def event(self, id: str) -> None:
        self.hear(id)

    @workflow.signal(name="system.links_changed")
    def link(self, said: Any) -> None:
        self.hear(said["therapist"])

    @workflow.signal(name="system.outbox_filled")
    def outbox(self) -> None:
        self.hear("deliver")

    @workflow.signal(name="knows")
    def knows(self, version: int) -> None:
        self.version = version

    @workflow.signal(name="fail")
    def fail(self) -> None:
        message = "it gives up"
        raise ApplicationError(message, non_retryable=True)

    @workflow.query(name="journey")
    def journey(self) -> dict[str, Any]:
        return {"version": self.version, "ref": "ABC", "stage": "in_care"}

    @workflow.query(name="heard")
    def all_heard(self) -> list[Any]:
        return self.heard


@workflow.defn(name="AppointmentJourney")
class AppointmentFollower(Follower):
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await self.wait()

    @workflow.query(name="appointment")
    def appointment(self) -> dict[str, Any]:
        return {"type": "session", "status": "scheduled", "starts_at": "2026-03-09T12:00:00Z"}


@workflow.defn(name="WaitlistOffer")
class WaitlistFollower(Follower):
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await self.wait()


@workflow.defn(name="BulkArchive")
class BulkArchiveFollower(Follower):
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await self.wait()


@workflow.defn(name="ReconcilePayments")
class ComparisonFollower(Follower):
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await self.wait()


FOLLOWERS = (ClientFollower, AppointmentFollower, WaitlistFollower, BulkArchiveFollower, ComparisonFollower)


def following(client: Client, *more: Any, activities: Any = ()) -> Worker:
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[*FOLLOWERS, *more],
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_activities=20,
    )
