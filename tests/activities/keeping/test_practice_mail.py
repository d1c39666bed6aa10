"""What waits for closed records is delivered, whatever becomes of one of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.testing import ActivityEnvironment

from activities.delivery.outbox import DeliveryActivities
from activities.keeping.practice_mail import PracticeMailActivities
from activities.types.mail import Delivered, DeliverOrder
from engine.executions import Execution
from models.tables.clients.client import Client
from models.writes.outbox import client_mail
from rules.mail.kinds import Mail
from tests.activities.mail.sending import nothing_else, put
from tests.care.practice import Practice
from workflows.messages import journey_id


class SomeStillRun:
    """An engine, as far as it is asked whether a journey runs."""

    def __init__(self) -> None:
        self.running: set[str] = set()

    async def look_at(self, workflow_id: str) -> Execution | None:
        status = "running" if workflow_id in self.running else "completed"
        return Execution(workflow_id=workflow_id, run_id="1", status=status, started_at=datetime.now(UTC))


async def test_one_that_still_runs_and_one_that_cannot_be_delivered_hold_up_nobody(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, clients = SomeStillRun(), [await practice.client(name=name) for name in ("Ada", "Bea", "Cleo")]
    for number, client in enumerate(clients):
        await nothing_else(practice, client)
        row = await practice.row(client)
        practice.clock.instant += timedelta(seconds=number)
        await put(practice, client_mail(Mail.WE_WILL_GET_BACK, row, "closed"))
        async with practice.sessions.begin() as session:
            (await session.get_one(Client, row.id)).closed_at = practice.clock.instant
    runs, breaks, fine = clients
    engine.running.add(journey_id(runs))
    deliver = DeliveryActivities.deliver

    async def sometimes(self: DeliveryActivities, order: DeliverOrder) -> Delivered:
        if order.client_id == breaks:
            raise ValueError("a bug")
        return await deliver(self, order)

    monkeypatch.setattr(DeliveryActivities, "deliver", sometimes)
    deps = replace(practice.delivery.deps, executions=cast(Any, engine))
    told = await ActivityEnvironment().run(PracticeMailActivities(deps).deliver_practice_mail, "closed")
    assert [mail.to for mail in practice.post.sent] == [(await practice.row(fine)).email]
    assert told.look_at == practice.clock.instant + timedelta(seconds=30), "the one that is about to end"
