"""Test clients are marked wherever they are named (S16): no view is forgotten, and every answer says so."""

from collections.abc import Iterator
from typing import Any

import httpx
from fastapi import FastAPI

from rules.enums import TaskKind
from tests.api.accounts.test_roles import CALLS
from tests.api.callers import Callers
from tests.api.conftest import StandingClock
from tests.api.everything import one_of_everything
from tests.api.test_practice_only import _models_in, _routes
from tests.care.rows import Rows

# Whoever asks is told their own id, or the id of the record that their link belongs to.
OWN = {"SignedIn", "Activated", "JoinedByLink", "Me", "LinkMailed"}


def test_every_view_that_names_a_client_says_whether_it_is_a_test_client(whole_app: FastAPI) -> None:
    naming = {
        model
        for route in _routes(whole_app)
        for model in _models_in(route.response_model, set())
        if "client_id" in model.model_fields
    }
    assert len(naming) > 15
    forgotten = {model.__name__ for model in naming if "test" not in model.model_fields}
    assert forgotten <= OWN, "a view that names a client has the base OfClient (api.access_log.marking)"


async def test_every_answer_marks_a_test_client_and_nobody_else(
    api: httpx.AsyncClient, people: Callers, rows: Rows, clock: StandingClock
) -> None:
    world = await one_of_everything(rows, people)
    for test in (True, False):
        await rows.change(people.sara, test=test)
        walked = set()
        for call, line in CALLS.items():
            if not call.startswith("GET /v1"):
                continue
            path = call.split()[1].format(
                **world.ids | {"kind": "informed_consent", "token": "unknown", "name": "slot-taken"}
            )
            for by in {"ana", "desk"} & set(line.let_in.split()):
                query = f"?{line.query}" if line.query else ""
                answer = await api.get(path + query, headers=people.by(by))
                if answer.headers.get("content-type") != "application/json":
                    continue
                for named in _naming(answer.json(), str(people.sara.id)):
                    assert named.get("test") is test, (call, named)
                    walked.add(call)
        assert len(walked) > 15


def _naming(value: Any, client_id: str) -> Iterator[dict[str, Any]]:
    """Whatever names her in an answer, but its own free documents: what a fact recorded, or a task is about."""
    if isinstance(value, dict):
        if value.get("client_id") == client_id:
            yield value
        for name, part in value.items():
            if name != "data":
                yield from _naming(part, client_id)
    elif isinstance(value, list):
        for part in value:
            yield from _naming(part, client_id)


async def test_tasks_and_approvals_say_whose_they_are(api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
    world = await one_of_everything(rows, people)
    whose = {"ref": people.sara.ref, "name": people.sara.full_name}
    for path in ("/v1/tasks", f"/v1/tasks/{world.ids['task_id']}", "/v1/approvals"):
        told = (await api.get(path, headers=people.by("desk"))).json()
        named = list(_naming(told, str(people.sara.id)))
        assert named, path
        assert all(one["client"] == whose for one in named), path
    listed = (await api.get("/v1/tasks?limit=1", headers=people.by("desk"))).json()
    other = next(kind.value for kind in TaskKind if kind.value not in listed["totals"])
    none = (await api.get(f"/v1/tasks?kind={other}", headers=people.by("desk"))).json()
    assert (none["items"], none["totals"]) == ([], listed["totals"])
    assert listed["totals"][listed["items"][0]["kind"]] >= 1
