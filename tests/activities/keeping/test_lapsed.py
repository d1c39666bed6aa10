"""What has lapsed has no task any more, though nobody touched it: a round of the keeper sees to it."""

from datetime import datetime, timedelta
from uuid import uuid4

from models.tables import Approval, Client, Task
from rules.enums import ApprovalAct, ApprovalStatus, Role, TaskKind
from rules.money.second_person import LAPSES_AFTER
from tests.activities.keeping.conftest import Kept

MINUTE = timedelta(minutes=1)


async def asked(kept: Kept, client: Client, at: datetime, *, settled: ApprovalStatus | None = None) -> Task:
    """An approval that waits since then, or was settled, and its task."""
    approval = Approval(
        id=uuid4(),
        request_id=str(uuid4()),
        act=ApprovalAct.CREDIT,
        client_id=client.id,
        amount=100,
        currency="USD",
        order={"reason": "a gift"},
        asked_by="care_team:maria",
        asked_role=Role.CARE_TEAM,
        asked_as="maria",
        person="program:maria",
        asked_at=at,
        lapses_at=at + LAPSES_AFTER,
        settled=settled,
        settled_at=at if settled else None,
    )
    task = Task(
        id=uuid4(),
        key=f"second_person:{approval.id}",
        client_id=client.id,
        kind=TaskKind.SECOND_PERSON,
        text="A credit waits for a second person.",
        data={"approval_id": str(approval.id)},
        opened_at=at,
    )
    await kept.rows.add(approval, task)
    return task


async def test_a_round_closes_the_task_of_what_has_lapsed_and_no_other(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara, tina, gone = await kept.journey(), await kept.journey(), await kept.journey(closed_at=now)
    over = [await asked(kept, client, now - LAPSES_AFTER - MINUTE) for client in (sara, sara, gone)]
    waits = [await asked(kept, client, now - LAPSES_AFTER + 10 * MINUTE) for client in (sara, tina)]
    await kept.round()
    tasks = {task.id: task for task in await kept.tasks()}
    assert {(tasks[task.id].resolved_by, tasks[task.id].note) for task in over} == {("system", "It has lapsed.")}
    assert [tasks[task.id].resolved_at for task in waits] == [None, None]
    assert [fact.kind for fact in await kept.facts(sara)] == ["task_resolved", "task_resolved"]
    assert [fact.kind for fact in await kept.facts(gone)] == ["task_resolved"]
    assert await kept.facts(tina) == []
    while await kept.of(sara).query("heard") != ["news"]:
        pass
    await kept.round()  # finds nothing more to do
    assert len(await kept.facts(sara)) == 2


async def test_a_task_of_one_that_was_settled_is_left_to_whoever_settled_it(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    sara = await kept.journey()
    await asked(kept, sara, now - 2 * LAPSES_AFTER, settled=ApprovalStatus.APPROVED)
    await kept.round()
    [task] = await kept.tasks()
    assert (task.resolved_at, await kept.facts(sara)) == (None, [])
