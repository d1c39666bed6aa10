"""What should have happened by itself and has not is found by the rows alone, and is a task, once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from activities.keeping.overdue import Overdue
from models.reads.keeping import overdue
from models.tables import BulkArchiveRecord, Client, OutboxItem, Reconciliation, Task
from models.tables.mail.outbox import OutboxKind, OutboxStatus
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, Stage, TaskKind
from rules.keeping import PRACTICE_MAIL_ID, TRIED_FOR_LONG
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


async def test_what_is_tried_in_vain_is_one_task_for_each_vendor_and_outage(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara, tina, tom = [await kept.journey(started=False) for _ in range(3)]

    def refused(client: Client, *, minutes: int, **columns: Any) -> OutboxItem:
        """One that was made so long ago, and is tried again in a quarter of an hour."""
        columns = {"tries": TRIED_FOR_LONG, "next_try_at": now + timedelta(minutes=15), **columns}
        item = mail_of(client, due=now - timedelta(minutes=minutes))
        for name, value in {"key": str(uuid4()), **columns}.items():
            setattr(item, name, value)
        return item

    async def found() -> list[Task]:
        """What a round adds."""
        known = {task.key for task in await kept.tasks()}
        told = await Overdue(kept.deps, keeping_id=str(uuid4())).note(at=now)
        assert told.news == ()
        return [task for task in await kept.tasks() if task.key not in known]

    async def done(statement: Any) -> None:
        async with kept.sessions() as session:
            await session.exec(statement)
            await session.commit()

    settled = update(Task).values(resolved_at=now)
    oldest = refused(sara, minutes=42)
    await kept.rows.add(
        oldest,
        refused(tina, minutes=41),
        refused(tom, minutes=40),
        refused(sara, minutes=120, kind=OutboxKind.CANCEL_INTENT),
        refused(tina, minutes=180, tries=0, next_try_at=now + DAY),  # put off, for another day
        refused(tina, minutes=180, next_try_at=None),  # by an archive
        refused(tina, minutes=180, status=OutboxStatus.SENT),
        refused(tom, minutes=20),
        refused(tom, minutes=60, tries=TRIED_FOR_LONG - 1),
    )
    mails, errands = await found()
    assert (mails.kind, mails.client_id) == (TaskKind.OVERDUE, None)
    assert "mails, 3 in number. The oldest has waited for 42 minutes" in mails.text
    assert "errands at Stripe, 1 in number. The oldest has waited for 120 minutes" in errands.text
    await done(delete(OutboxItem).where(col(OutboxItem.key) == oldest.key))
    assert await found() == []  # while the task is open
    await done(settled)
    assert len(await found()) == 1  # of others than the one that was told
    await done(settled)
    assert await found() == []
    await kept.rows.add(refused(sara, minutes=50))
    assert len(await found()) == 1  # another outage
