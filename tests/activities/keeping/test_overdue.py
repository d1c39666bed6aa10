"""What should have happened by itself and has not is found by the rows alone, and is a task, once."""

from datetime import timedelta
from uuid import uuid4

from models.tables import BulkArchiveRecord, OutboxItem, Reconciliation
from models.tables.mail.outbox import OutboxKind
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, Stage, TaskKind
from tests.activities.keeping.conftest import Kept
from tests.care.rows import DAY, NOW
from workflows.messages import bulk_archive_id


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
    for client, due in ((sara, now - timedelta(hours=2)), (tina, now - timedelta(minutes=5))):
        await kept.rows.add(
            OutboxItem(
                key=f"welcome:{client.id}",
                kind=OutboxKind.MAIL,
                client_id=client.id,
                order={},
                made_at=due,
                next_try_at=due,
            )
        )
    assert (await kept.round()).tasks == 1
    [task] = await kept.tasks()
    assert (task.kind, task.client_id) == (TaskKind.OVERDUE, sara.id)
    assert (await kept.round()).tasks == 0
