"""What should have happened by itself and has not is found by the rows alone, and is a task, once."""

from datetime import timedelta
from uuid import uuid4

import pytest

from models.reads.keeping import overdue
from models.tables import BulkArchiveRecord, Reconciliation
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, Stage, TaskKind
from rules.keeping import PRACTICE_MAIL_ID
from tests.activities.keeping.conftest import Kept, mail_of
from tests.care.rows import DAY, NOW
from workflows.messages import appointment_workflow_id, bulk_archive_id, journey_id


async def test_payments_past_their_deadline_and_sessions_unmarked_are_tasks_once(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara = await kept.journey()
    held = await kept.appointment(sara, status=AppointmentStatus.OCCURRED, starts_at=now - 5 * DAY)
    payment = await kept.rows.payment(held, status=PaymentStatus.SCHEDULED, due_at=now - 4 * DAY, deadline=now - DAY)
    unmarked = await kept.appointment(sara, starts_at=now - 3 * DAY)
    fresh = await kept.appointment(sara, starts_at=now - timedelta(hours=30))
    told = await kept.round()
    tasks = {task.kind: task for task in await kept.tasks()}
    assert told.tasks == 2
    assert tasks[TaskKind.OVERDUE].data["payment_id"] == str(payment.id)
    assert "is scheduled after its deadline" in tasks[TaskKind.OVERDUE].text
    assert tasks[TaskKind.OUTCOME_MISSING].data["appointment_id"] == str(unmarked.id) != str(fresh.id)
    assert [fact.kind for fact in await kept.facts(sara)] == ["task_opened", "task_opened"]
    while await kept.of(sara).query("heard") != ["news", "news"]:
        pass
    assert (await kept.round()).tasks == 0


async def test_nobody_is_nudged_about_an_archived_client(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    gone = await kept.journey(status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED, archived_at=now)
    await kept.appointment(gone, starts_at=now - 3 * DAY)
    assert (await kept.round()).tasks == 0


async def test_what_has_been_running_for_a_day_is_a_task(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    archive = uuid4()
    await kept.rows.add(
        BulkArchiveRecord(id=archive, asked_by="desk", asked_at=now - 2 * DAY),
        Reconciliation(id=uuid4(), asked_by="desk", started_at=now - timedelta(hours=2), since=NOW, until=NOW + DAY),
    )
    assert (await kept.round()).tasks == 1
    [task] = await kept.tasks()
    assert bulk_archive_id(str(archive)) in task.text


async def test_what_nobody_delivers_is_a_task(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara, tina = await kept.journey(), await kept.journey()
    await kept.rows.add(mail_of(sara, due=now - timedelta(hours=2)), mail_of(tina, due=now - timedelta(minutes=5)))
    assert (await kept.round()).tasks == 1
    [task] = await kept.tasks()
    assert (task.kind, task.client_id) == (TaskKind.OVERDUE, sara.id)
    assert (await kept.round()).tasks == 0


async def test_what_is_known_to_be_undelivered_hides_nothing_and_the_deliverer_is_named(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "_MOST", 1)
    now = await kept.deps.clock.now()
    sara, gone = await kept.journey(), await kept.journey(started=False, closed_at=now)
    session = await kept.appointment(sara)
    waiting = [mail_of(sara, due=now - DAY), mail_of(sara, due=now - DAY / 2, appointment=session)]
    await kept.rows.add(*waiting, mail_of(gone, due=now - DAY / 4))
    for deliverer in (journey_id(str(sara.id)), appointment_workflow_id(str(session.id)), PRACTICE_MAIL_ID):
        known = {task.key for task in await kept.tasks()}
        assert (await kept.round()).tasks == 1
        [task] = [task for task in await kept.tasks() if task.key not in known]
        assert deliverer in task.text
