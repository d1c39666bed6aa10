"""Goals over the API: who may set, read, change and complete one, and what is wrong with a request."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from activities.base import derived_id
from activities.types.care import GoalChange, GoalOrder
from activities.types.clients import Done
from models.tables.care.goal import Goal
from rules.enums import GoalStatus
from rules.journey.goals import WeeklyTime
from tests.api.callers import Callers
from tests.api.conftest import ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import CHANGE_GOAL, CREATE_GOAL

MONDAYS = {"weekday": "mon", "at": "09:00"}


async def add_goal(rows: Rows, people: Callers, **more: Any) -> Goal:
    goal = Goal(
        id=uuid4(),
        client_id=people.sara.id,
        text=more.pop("text", "Sleep"),
        remind_weekday=6,
        remind_minute=1439,
        remind_since=NOW,
        made_by="therapist:ana",
        made_at=more.pop("made_at", NOW),
        **more,
    )
    await rows.add(goal)
    return goal


async def test_only_the_therapist_sets_a_goal(
    api: httpx.AsyncClient, people: Callers, rows: Rows, engine: ToldEngine
) -> None:
    async def does(order: GoalOrder) -> Done:
        id = derived_id(order.request_id, "goal")
        text = (await rows.handed_in(order))["text"]
        await rows.add(Goal(id=id, client_id=people.sara.id, text=text, made_by=order.by.actor, made_at=NOW))
        return Done()

    engine.answers_to[CREATE_GOAL.name] = does
    path, body = f"/v1/clients/{people.sara.id}/goals", {"text": " Sleep ", "remind": MONDAYS}
    for who, name in (
        ("site", "not-allowed"), ("sara", "not-allowed"), ("tom", "not-allowed"), ("desk", "not-allowed"),
        ("admin", "not-allowed"), ("ben", "not-found"),
    ):  # fmt: skip
        assert problem_of(await api.post(path, json=body, headers=people.by(who))) == name, who
    assert problem_of(await api.post(path, json=body)) == "unauthenticated"
    assert engine.asked == []
    answer = await api.post(path, json=body, headers=people.by("ana"))
    assert answer.status_code == 201, answer.text
    order = engine.asked[0].order
    assert (order.text, order.remind) == ("", WeeklyTime(weekday="mon", at="09:00"))
    assert await rows.handed_in(order) == {"text": "Sleep"}
    goal = answer.json()
    assert (goal["text"], goal["status"], goal["remind"], goal["completed_at"]) == ("Sleep", "open", None, None)
    for wrong, field in (
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"remind": {"weekday": "monday", "at": "09:00"}}, "remind.weekday"),
        ({"remind": {"weekday": "mon", "at": "24:00"}}, "remind.at"),
        ({"remind": {"weekday": "mon"}}, "remind.at"),
        ({"remind": MONDAYS | {"zone": "UTC"}}, "remind.zone"),
        ({"status": "completed"}, "status"),
    ):
        assert fields_of(await api.post(path, json=body | wrong, headers=people.by("ana"))) == [field]


async def test_the_therapist_and_the_client_side_read_goals_and_nobody_else(
    api: httpx.AsyncClient, people: Callers, rows: Rows
) -> None:
    first = await add_goal(rows, people)
    second = await add_goal(rows, people, made_at=NOW + timedelta(hours=1), text="<script>alert(1)</script>")
    path = f"/v1/clients/{people.sara.id}/goals"
    for who, name in (
        ("desk", "opening-required"),
        ("admin", "not-allowed"),
        ("tom", "not-found"),
        ("ben", "not-found"),
    ):
        assert problem_of(await api.get(path, headers=people.by(who))) == name, who
    for who in ("ana", "sara", "site"):
        items = (await api.get(path, headers=people.by(who))).json()["items"]
        assert [item["id"] for item in items] == [str(first.id), str(second.id)]
        assert [item["text"] for item in items] == ["Sleep", "<script>alert(1)</script>"]
        assert items[0]["remind"] == {"weekday": "sun", "at": "23:59"}
    page = (await api.get(path, params={"limit": 1}, headers=people.by("sara"))).json()
    rest = await api.get(path, params={"limit": 1, "cursor": page["next_cursor"]}, headers=people.by("sara"))
    assert [item["id"] for item in (*page["items"], *rest.json()["items"])] == [str(first.id), str(second.id)]
    assert rest.json()["next_cursor"] is None


async def test_the_therapist_changes_a_goal_and_the_client_side_completes_it(
    api: httpx.AsyncClient, people: Callers, rows: Rows, engine: ToldEngine
) -> None:
    engine.answers_to[CHANGE_GOAL.name] = Done()
    goal = await add_goal(rows, people)
    path = f"/v1/goals/{goal.id}"

    async def patched(by: str, **body: Any) -> httpx.Response:
        return await api.patch(path, json=body, headers=people.by(by))

    def asked() -> GoalChange:
        change = engine.asked[-1].order
        assert isinstance(change, GoalChange)
        return change

    for who, name in (("desk", "not-allowed"), ("admin", "not-allowed"), ("tom", "not-found"), ("ben", "not-found")):
        assert problem_of(await patched(who, status="completed")) == name, who
    for who in ("sara", "site"):
        for body in ({"text": "x"}, {"remind": None}, {"status": "open"}, {"status": "completed", "text": "x"}, {}):
            assert problem_of(await patched(who, **body)) == "not-allowed", body
        assert (await patched(who, status="completed")).status_code == 200
        assert asked().status is GoalStatus.COMPLETED
    assert (await patched("ana", remind=MONDAYS)).status_code == 200
    assert (asked().remind, asked().no_reminder, asked().text) == (WeeklyTime(weekday="mon", at="09:00"), False, None)
    assert (await patched("ana", remind=None, text="x")).status_code == 200
    assert (asked().remind, asked().no_reminder, await rows.handed_in(asked())) == (None, True, {"text": "x"})
    assert (await patched("ana", status="open")).status_code == 200
    assert (asked().no_reminder, asked().status) == (False, GoalStatus.OPEN)
    mistakes: list[dict[str, Any]] = [{"status": "done"}, {"text": ""}, {"remind": {}}, {"id": str(goal.id)}]
    for wrong in mistakes:
        assert fields_of(await patched("ana", **wrong))
    unknown = await api.patch(f"/v1/goals/{uuid4()}", json={"text": "x"}, headers=people.by("ana"))
    assert problem_of(unknown) == "not-found"


async def test_where_goals_are_switched_off_they_are_closed_to_the_client_side_alone(
    api: httpx.AsyncClient, people: Callers, rows: Rows, engine: ToldEngine
) -> None:
    engine.answers_to[CHANGE_GOAL.name] = Done()
    goal = await add_goal(rows, people)
    people.sara.portal_settings = people.sara.portal_settings | {"goals": False}
    await rows.add(people.sara)
    for who, closed in (("sara", True), ("site", True), ("ana", False)):
        for answer in (
            await api.get(f"/v1/clients/{people.sara.id}/goals", headers=people.by(who)),
            await api.patch(f"/v1/goals/{goal.id}", json={"status": "completed"}, headers=people.by(who)),
        ):
            assert (answer.status_code == 403) is closed, who
