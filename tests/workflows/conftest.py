"""The practice of the stories, and a look at what the engine itself knows of a workflow."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowHandle

from tests.care.house import open_house
from tests.care.story import Care
from tests.journeys.conftest import care, policy

__all__ = ["attributes_of", "care", "policy", "run_of"]


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
