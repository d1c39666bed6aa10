"""Every kind of task has a sentence, a reason and a button, on a page that there is."""

import re

import pytest
from fastapi.routing import APIRoute

from rules.enums import TaskKind
from web.asking.api import Json
from web.staff import ROUTERS
from web.staff.desk.kinds import KINDS, kind_of, path_of

_PAGES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
_DATA = {"payment_id": "p", "appointment_id": "a", "other_id": "o"}


def test_there_is_each_kind_and_no_other() -> None:
    assert set(KINDS) == {kind.value for kind in TaskKind}


@pytest.mark.parametrize("client_id", ["c", None])
@pytest.mark.parametrize("data", [{}, _DATA])
@pytest.mark.parametrize("kind", list(TaskKind))
def test_each_says_why_and_leads_to_what_settles_it(
    kind: TaskKind, data: dict[str, str], client_id: str | None
) -> None:
    task = {"id": "t", "kind": kind.value, "client_id": client_id, "data": data}
    its = kind_of(task)
    assert its.title
    assert its.does
    assert its.why.endswith(".")
    path = re.split(r"[?#]", path_of(task))[0]
    assert any("GET" in (page.methods or ()) and page.path_regex.fullmatch(path) for page in _PAGES), path


def test_one_that_the_pages_do_not_know_yet_is_settled_with_a_note() -> None:
    task: Json = {"id": "t", "kind": "quite_new", "client_id": None, "data": {}}
    assert path_of(task) == "/tasks/t#settle"
    assert kind_of(task).does
