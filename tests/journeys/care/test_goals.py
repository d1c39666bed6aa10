"""Goals on the running system: weekly reminders at the client's own wall time, until they are told to stop."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.local_time import WEEKDAYS
from rules.policy import JourneyPolicy
from tests.care.defaults import Json
from tests.care.story import Care, Person, key

NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
SECRET = "Sleep without the radio"


@pytest.fixture
def policy() -> JourneyPolicy:
    return JourneyPolicy(history_limit=40)  # so that the plan travels from one run to the next


async def newcomer(care: Care, name: str = "Sara") -> Person:
    person = await care.arrives(name=name, client={"first_name": name, "email": f"{name.lower()}@example.com"})
    await care.call("PATCH", f"/v1/clients/{person.id}", {"time_zone": NEW_YORK.key}, expect=200)
    return person


async def ana_signs_in(care: Care) -> None:
    """Her token ends after a month."""
    care.tokens["ana"] = await care.token_of("ana")


async def reminders(person: Person) -> list[datetime]:
    """When each reminder was mailed, to the minute."""
    mails = await person.care.mails(to=person.email, template="goal_reminder")
    return [datetime.fromisoformat(mail["sent_at"]).replace(second=0, microsecond=0) for mail in mails]


async def sets_goal(person: Person, remind: Json | None, **more: Any) -> Json:
    path, body = f"/v1/clients/{person.id}/goals", {"text": SECRET, "remind": remind}
    goal: Json = await person.care.post(path, body, by="ana", **more)
    return goal


async def changed(person: Person, goal: Json, *, by: str = "ana", **changes: Any) -> Json:
    answer = await person.care.call("PATCH", f"/v1/goals/{goal['id']}", changes, by=by, expect=200)
    fresh: Json = answer.json()
    return fresh


def next_change(now: datetime, zone: ZoneInfo) -> datetime:
    """The first noon after the clocks change."""
    noon = now.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
    while (noon + DAY).utcoffset() == noon.utcoffset():
        noon += DAY
    return noon + DAY


def weekly(instant: datetime, zone: ZoneInfo) -> Json:
    local = instant.astimezone(zone)
    return {"weekday": WEEKDAYS[local.weekday()], "at": f"{local:%H:%M}"}


async def test_s30_reminders_keep_their_wall_time_over_both_changes_of_the_clock_and_stop_when_completed(
    care: Care,
) -> None:
    await care.therapist("ana", time_zone="Europe/London")
    sara = await newcomer(care)
    for number in range(2):
        change = next_change(await care.now(), NEW_YORK)
        await care.until(change - 9 * DAY)
        await ana_signs_in(care)
        start = await care.now()
        local = (change - 8 * DAY).replace(hour=9, minute=30)
        goal = await sets_goal(sara, weekly(local, NEW_YORK))
        _ = await sets_goal(sara, None)  # one without a reminder
        before = len(await reminders(sara))
        await care.until(start + 20 * DAY)
        told = (await reminders(sara))[before:]
        assert [at.astimezone(NEW_YORK) for at in told] == [local + week * 7 * DAY for week in range(3)]
        assert told[2] - told[1] != 7 * DAY  # in between the clocks changed
        if number == 0:
            goal = await changed(sara, goal, status="completed")
            assert (goal["status"], goal["remind"]) == ("completed", weekly(local, NEW_YORK))
            assert goal["completed_at"] is not None
        else:
            assert (await changed(sara, goal, remind=None))["remind"] is None
        await care.pass_time(days=15)
        assert len(await reminders(sara)) == before + 3
    assert len((await care.get(f"/v1/clients/{sara.id}/goals", by="site"))["items"]) == 4
    # Neither a mail nor the timeline says what a goal is about.
    assert SECRET not in json.dumps([await care.mails(), await sara.timeline()])
    [mail, *_] = await care.mails(to=sara.email, template="goal_reminder")
    assert "http://portal.example/goals" in mail["text"]
    assert [kind for kind in await sara.facts() if kind.startswith("goal")] == [
        "goal_set", "goal_set", "goal_completed", "goal_set", "goal_set", "goal_changed"
    ]  # fmt: skip


async def test_s44_no_reminders_while_archived_or_switched_off_and_nothing_missed_is_made_up(care: Care) -> None:
    await care.therapist("ana")
    sara = await newcomer(care)
    client = f"/v1/clients/{sara.id}"
    tomorrow = (await care.now()).astimezone(NEW_YORK) + DAY
    first = tomorrow.replace(hour=12, minute=30, second=0, microsecond=0)  # and every week from then on
    headers = key()
    goal = await sets_goal(sara, weekly(first, NEW_YORK), headers=headers)
    assert await sets_goal(sara, weekly(first, NEW_YORK), headers=headers) == goal
    other = await sets_goal(sara, weekly(first, NEW_YORK))  # due at the same time: they share a mail

    async def a_week_later(*mailed: datetime) -> None:
        """``mailed`` are the reminders that went out meanwhile."""
        known = await reminders(sara)
        await care.pass_time(days=7)
        assert (await reminders(sara))[len(known) :] == list(mailed)

    def week(number: int) -> datetime:
        return first + number * 7 * DAY

    await a_week_later(week(0))
    off = {"portal_settings": {"goals": False}}
    await care.call("PATCH", client, off, by="desk", expect=200)
    done = {"status": "completed"}
    await care.refused("GET", f"{client}/goals", by="site", name="not-allowed", status=403)
    await care.refused("PATCH", f"/v1/goals/{goal['id']}", done, by="site", name="not-allowed", status=403)
    assert len((await care.get(f"{client}/goals", by="ana"))["items"]) == 2
    await a_week_later()
    await care.call("PATCH", client, {"portal_settings": {"goals": True}, "unsubscribed": True}, by="desk", expect=200)
    await a_week_later()
    await care.call("PATCH", client, {"unsubscribed": False}, by="desk", expect=200)
    await a_week_later(week(3))

    preview = await care.get(f"{client}/archive")
    assert [line["id"] for line in preview["goals"]] == [goal["id"], other["id"]]
    assert [line["kind"] for line in preview["reminders"] if line["kind"] == "goal_reminder"] == ["goal_reminder"] * 2
    seen = await care.get(f"{client}/goals", by="site")
    await sara.is_archived()
    await a_week_later()
    assert await care.get(f"{client}/goals", by="site") == seen
    await ana_signs_in(care)
    more: list[tuple[str, str, Json]] = [
        ("POST", f"{client}/goals", {"text": "More", "remind": None}),
        ("PATCH", f"/v1/goals/{goal['id']}", {"remind": {"weekday": "mon", "at": "10:00"}}),
    ]
    for method, path, body in more:
        await care.refused(method, path, body, by="ana", name="client-archived")
    assert (await changed(sara, goal, by="site", status="completed"))["status"] == "completed"
    await sara.is_unarchived()
    await a_week_later(week(5))

    # In another zone it is the same time on another wall.
    await care.pass_time(days=2)
    known = await reminders(sara)
    assert known[-1] == week(6)
    await care.call("PATCH", client, {"time_zone": "Asia/Tokyo"}, by="site", expect=200)
    await care.pass_time(days=7)
    [moved] = (await reminders(sara))[len(known) :]
    assert weekly(moved, ZoneInfo("Asia/Tokyo")) == other["remind"]
