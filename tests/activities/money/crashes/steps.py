"""The payment steps as the engine runs them, by a process that dies at named points and is started again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from temporalio.testing import ActivityEnvironment

from activities.gateways.stripe import StripeGateway
from activities.money.charge import StillProcessing
from activities.ports import GatewayUnavailable
from activities.registry import build
from activities.types.mail import DeliverOrder
from activities.types.reconciliation import (
    JourneyNews,
    ReconciliationOrder,
)
from models.tables.money.reconciliation import Reconciliation
from tests.activities.money.crashes.failpoints import Failpoints, named_gateway, named_sessions, with_named_parts
from tests.care.crash_points import Death, NeverEnds
from tests.care.practice import MONDAY, Practice
from tests.care.reconciler import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 2.0  # seconds that the gateway waits for an answer
SLOW = 2.5  # seconds that a slow answer takes: nobody waits for it any more
_MOST_RUNS = 100
_PAUSE = 0.03  # seconds between two runs of a step that met trouble

# The workflow whose step is running.
_workflow: ContextVar[str] = ContextVar("workflow", default="nobody")


class PaymentSteps:
    """Runs steps until they end.

    Attributes:
        meanwhile: by workflow, what happens once while no process runs: right after a death.
        deaths: how many there were at each point.
    """

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.failpoints = Failpoints(self._die)
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}
        self.deaths: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.gateway = StripeGateway(
            api_key="sk_test_crashes", api_base=f"{practice.sandbox_url}/stripe", timeout_seconds=PATIENCE
        )
        deps = replace(
            practice.money.deps,
            sessions=named_sessions(practice.sessions, self.failpoints),
            payments=named_gateway(self.gateway, self.failpoints),
        )
        self._steps = {step.__name__: step for step in with_named_parts(build(deps))}
        self.at_stripe = practice.at_stripe

    async def aclose(self) -> None:
        await self.gateway.aclose()

    @contextmanager
    def as_workflow(self, name: str) -> Iterator[None]:
        token = _workflow.set(name)
        try:
            yield
        finally:
            _workflow.reset(token)

    async def run(self, step: str, *arguments: Any) -> Any:
        """One step, run again until it ends."""
        workflow = _workflow.get()
        for attempt in range(1, _MOST_RUNS + 1):
            environment = ActivityEnvironment()
            environment.info = replace(environment.info, activity_type=step, workflow_id=workflow, attempt=attempt)
            try:
                return await environment.run(self._steps[step], *arguments)
            except Death:
                if workflow in self.meanwhile:
                    await self.meanwhile.pop(workflow)()
            except (GatewayUnavailable, StillProcessing):
                self.troubles[step] += 1
                await asyncio.sleep(_PAUSE)
        message = f"{step} for {workflow}"
        raise NeverEnds(message)

    async def deliver(self, client: str, appointment: str | None = None) -> None:
        """All that waits in an outbox, however often Stripe must be asked."""
        due: datetime | None = self.practice.clock.instant
        while due is not None:
            self.practice.clock.instant = max(self.practice.clock.instant, due)
            delivered = await self.run("deliver", DeliverOrder(client_id=client, appointment_id=appointment))
            due = delivered.deliver_at

    def _die(self, workflow: str, point: str) -> None:
        self.deaths[point] += 1
        message = f"{workflow} at {point}"
        raise Death(message)

    # ------------------------------------------------------------ Stripe's stand-in

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await self.at_stripe.ask(method, path, body)

    async def arrange(self, faults: list[dict[str, Any]]) -> None:
        """These faults from now on, and no others."""
        await self.ask("DELETE", "_faults")
        if faults:
            await self.ask("POST", "_faults", faults)

    # ------------------------------------------------------------ the reconciler

    async def reconcile(self, hear: Callable[[JourneyNews], Awaitable[object]] | None = None) -> Reconciliation:
        """One comparison, as its workflow makes it. ``hear`` is the journeys' part."""
        since, until = MONDAY.replace(month=1), self.practice.clock.instant
        order = ReconciliationOrder(id=str(uuid4()), asked_by="test", since=since, until=until)
        with self.as_workflow("reconcile-payments"):
            news, _ = await compare(self.run, order)
        for told in news:
            if hear is not None:
                await hear(told)
        async with self.practice.sessions() as session:
            return await session.get_one(Reconciliation, UUID(order.id))
