"""Archives of many clients, as stories and tests of the workflow need them."""

import asyncio
from typing import Any

from temporalio.client import WorkflowHandle

from tests.care.defaults import Json
from tests.care.story import Care, Person
from workflows.messages import bulk_archive_id

PATIENCE = 60.0  # seconds, on a machine that has other things to do


async def archive_many(care: Care, people: list[Person] | None = None, *, by: str = "desk", **body: Any) -> str:
    """Confirms it; the archive's id."""
    if people is not None:
        body["client_ids"] = [person.id for person in people]
    return str((await care.post("/v1/archives", body, by=by, expect=202))["archive_id"])


async def progress(care: Care, archive_id: str, *, by: str = "desk") -> Json:
    return await care.get(f"/v1/archives/{archive_id}", by=by)


async def finished(care: Care, archive_id: str, *, by: str = "desk") -> Json:
    """What became of it, once it is over. What is told on the way only ever grows."""
    done = 0
    async with asyncio.timeout(PATIENCE):
        while True:
            view = await progress(care, archive_id, by=by)
            assert done <= view["done"] <= view["total"] == len(view["results"])
            done = view["done"]
            assert done == sum(line["result"] != "pending" for line in view["results"])
            if view["status"] == "finished":
                assert done == view["total"]
                return view
            await asyncio.sleep(0.1)


def results(view: Json) -> list[tuple[str, str | None]]:
    """What became of each, in the order asked for."""
    return [(line["result"], line["because"]) for line in view["results"]]


def workflow_of(care: Care, archive_id: str) -> WorkflowHandle[Any, Any]:
    return care.house.engine.get_workflow_handle(bulk_archive_id(archive_id))
