"""What runs, beside pages of rows: no page has what another has, whatever order the engine's store keeps ids in."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest

from activities.keeping.listed import Listing
from activities.types.keeping import Place
from rules.keeping import Kept as Kind
from tests.activities.keeping.conftest import Kept
from workflows.messages import reconciliation_id


async def test_each_that_runs_is_on_the_page_of_its_row_and_the_engine_is_asked_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted([str((await kept.journey()).id) for _ in range(5)])
    while len(await kept.executions.running(Kind.JOURNEY.value) or {}) < len(ids):
        await asyncio.sleep(0.05)  # the engine lists what it has just started a moment later
    asked = _questions(kept, monkeypatch)
    listed = Listing(kept.executions)
    assert sorted(await listed.running(Place(), until=ids[1], keys=[])) == ids[:2]
    assert sorted(await listed.running(Place(after=ids[1]), until=None, keys=[])) == ids[2:]
    assert len(asked) == 1


async def test_the_engine_is_never_asked_which_id_comes_before_which(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL sorts by the collation of its database, in which `-` and `:` may count for nothing."""
    asked = _questions(kept, monkeypatch)
    await kept.journey()
    await kept.round()
    assert len([query for query in asked if "WorkflowType" in query]) == len(Kind)
    assert [query for query in asked if "WorkflowId" in query] == []


async def test_another_kind_of_id_is_no_row_s(kept: Kept) -> None:
    """The same type under an id of its own, as a person may start it, is neither a row's nor a stranger."""
    known = reconciliation_id(str(uuid4()))
    for id in (known, "started-by-hand"):
        await kept.client.start_workflow("ReconcilePayments", {}, id=id, task_queue="care-journeys")
    while not (found := await kept.executions.running(Kind.COMPARISON.value)):
        await asyncio.sleep(0.05)
    assert [Kind.COMPARISON.id_of(key) for key in found] == [known]
    assert await kept.executions.running(Kind.WAITLIST.value) == {}


def _questions(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    service = kept.client.workflow_service
    ask = service.list_workflow_executions

    async def listening(request: ListWorkflowExecutionsRequest, **how: Any) -> Any:
        asked.append(request.query)
        return await ask(request, **how)

    monkeypatch.setattr(service, "list_workflow_executions", listening)
    return asked
