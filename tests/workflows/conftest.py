"""The practice of the stories, and a look at what the engine itself knows of a workflow."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowHandle

from rules.policy import SHORTEST_HISTORY
from tests.care.house import open_house
from tests.care.story import Care, Person
from tests.journeys.conftest import care, policy

__all__ = ["attributes_of", "care", "policy", "run_of", "with_short_histories"]


@pytest.fixture
async def live(database_url: str) -> AsyncIterator[Care]:
    """On the dev server, for what the time-skipping one does not do: histories read backwards, and a cancellation that
    meets a running step, on which it stands still."""
    async with (
        open_house(database_url, real_time=True) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        yield Care(house, http)


async def _described(handle: WorkflowHandle[Any, Any]) -> DescribeWorkflowExecutionResponse:
    """As the engine answers: the time-skipping server keeps an unset attribute as null, which the SDK cannot read."""
    client = handle._client
    return await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=handle.id, run_id=handle.run_id or "")
        )
    )


async def run_of(handle: WorkflowHandle[Any, Any]) -> str:
    """The id of the newest run."""
    return (await _described(handle)).workflow_execution_info.execution.run_id


async def attributes_of(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """The search attributes that are set, as JSON values."""
    fields = (await _described(handle)).workflow_execution_info.search_attributes.indexed_fields
    return {name: json.loads(payload.data) for name, payload in fields.items() if payload.data not in (b"", b"null")}


async def with_short_histories(care: Care, *people: Person) -> None:
    """All are started again by themselves: the time-skipping server stops moving once an appointment ends, or begins a
    new run, whose journey started it and has begun another run since."""
    house = care.house
    await care.rest()
    await house.stop_worker()
    house.dependencies = replace(
        house.dependencies, policy=replace(house.dependencies.policy, history_limit=SHORTEST_HISTORY)
    )
    await house.start_worker()
    workflows = [workflow for person in people for workflow in (person.journey, person.session(1).workflow)]
    for workflow in workflows:
        await workflow.terminate()
    await care.pass_time(minutes=2)
    kept = await care.post("/v1/keepings?wait=60", by="desk", expect=200)
    assert len(kept["resumed"]) == len(workflows)
