"""How places on a waitlist end, what the client sees of it, and what becomes of the line's workflow."""

from datetime import datetime, timedelta

from temporalio.client import WorkflowExecutionStatus

from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.story import Care
from tests.journeys.booking.waitlists.waitlist import (
    comes,
    declines,
    hour_of,
    is_running,
    leaves,
    offered_start,
    offers_mailed,
    opens,
    takes,
    waitlist_of,
    waits_for,
)
from tests.workflows.conftest import run_of

DAY = timedelta(days=1)


async def test_s37_an_archive_passes_the_place_on_and_the_client_is_not_told(care: Care) -> None:
    await opens(care)
    taken, later = await takes(care, "Holder", day=3), await takes(care, "Other", day=4)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    await anna.completes_forms()
    for person in (anna, berta):
        await waits_for(person, taken.starts_at, days=2)
    await taken.cancelled(by="desk")
    await care.rest()
    [before] = await anna.places()
    assert before["offer"]["starts_at"] == taken.booked["starts_at"]

    wish: Json = {"therapist": "ana", "type": "session", "from": before["from"], "to": before["to"]}
    preview = await care.get(f"/v1/clients/{anna.id}/archive")
    done = await anna.is_archived()
    for told in (preview, done):
        [line] = told["waitlist"]
        assert {name: _instant(value) for name, value in line.items()} == {
            name: _instant(value) for name, value in wish.items()
        }
    assert await offered_start(berta) == taken.starts_at
    assert await anna.places(by="desk") == []
    [seen] = await anna.places()
    assert seen == before | {"offer": None}
    assert [place["position"] for place in await berta.places()] == [1]
    mails = await offers_mailed(anna)

    # By an own wish the client is in line again, as ever: and is told, and comes back by booking.
    again = await waits_for(anna, taken.starts_at, days=2)
    assert (again["id"], again["joined_at"], again["position"]) == (before["id"], before["joined_at"], 1)
    assert (await anna.look())["status"] == "archived"
    await later.cancelled(by="desk")
    assert await offered_start(anna) == later.starts_at
    assert len(await offers_mailed(anna)) == len(mails) + 1
    await anna.books("session", later.starts_at)
    assert (await anna.look())["status"] == "active"
    assert await anna.places() == await anna.places(by="desk") == []

    # Archived and given up: not even coming back brings it up again.
    await waits_for(anna, taken.starts_at, days=2)
    await anna.is_archived()
    [seen] = await anna.places()
    await leaves(anna, seen)
    await leaves(anna, seen)
    assert await anna.places() == []
    await anna.is_unarchived()
    assert await anna.places() == []


def _instant(value: str) -> datetime | str:
    return datetime.fromisoformat(value) if value[:1] == "2" else value


async def test_a_line_ends_with_its_last_place_and_begins_anew_with_the_next(care: Care) -> None:
    await opens(care)
    await care.therapist("ben")
    taken = await takes(care, "Holder", day=3)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    runs = set[str]()

    async def over() -> None:
        await care.rest()
        assert not await is_running(care)
        assert (await waitlist_of(care).describe()).status is WorkflowExecutionStatus.COMPLETED
        runs.add(await run_of(waitlist_of(care)))

    place = await waits_for(anna, taken.starts_at)
    await care.rest()
    assert await is_running(care)
    await leaves(anna, place)
    await over()
    await leaves(anna, place)  # twice is fine, and at most looks at an empty line once more
    await over()

    await waits_for(anna, taken.starts_at)
    match = {"therapist": "ben", "reason": "evenings"}
    await care.call("PUT", f"/v1/clients/{anna.id}/match", match, by="desk", expect=200)
    assert await anna.places() == []
    await over()

    await waits_for(berta, taken.starts_at, days=2)
    assert await offered_start(berta) == taken.starts_at + DAY
    await berta.books("session", taken.starts_at + 10 * DAY)
    await over()
    assert taken.starts_at + DAY in await care.slots("ana", "session")

    otto = await comes(care, "Otto")
    await waits_for(otto, taken.starts_at)
    await care.until(taken.starts_at + DAY)
    assert await otto.places() == []
    await over()
    assert (await otto.facts())[-1] == "waitlist_left"
    assert await offers_mailed(otto) == []
    assert len(runs) >= 4


async def test_a_day_that_comes_within_the_horizon_is_offered(care: Care) -> None:
    """Nothing frees it: time alone brings it near enough."""
    await opens(care)
    anna = await comes(care, "Anna")
    start = await hour_of(care, 3) + 60 * DAY
    await waits_for(anna, start)
    await care.until(start - 60 * DAY - timedelta(minutes=1))
    await care.rest()
    assert await offers_mailed(anna) == []
    await care.pass_time(days=1)
    await care.rest()
    [mail] = await offers_mailed(anna)
    assert start.strftime("%Y-%m-%dT%H") in mail["text"]


async def test_s66_who_is_unsubscribed_is_told_and_of_a_test_client_the_staff_is(care: Care) -> None:
    await opens(care)
    start = await hour_of(care, 3)
    anna = await comes(care, "Anna")
    await care.call("PATCH", f"/v1/clients/{anna.id}", {"unsubscribed": True}, by="desk", expect=200)
    trial = await comes(care, "Trial", source="care_team", by="desk", test=True)
    await waits_for(anna, start)
    await waits_for(trial, start)
    assert await offered_start(anna) == start
    assert len(await offers_mailed(anna)) == 1
    await declines(anna)
    assert await offered_start(trial) == start
    assert await offers_mailed(trial) == []
    [mail] = await care.mails(to=CARE_TEAM_EMAIL, template="slot_offered")
    assert mail["subject"].startswith("[TEST]")


async def test_who_waits_with_a_token_of_their_own_sees_and_leaves_with_it(care: Care) -> None:
    await opens(care)
    anna = await comes(care, "Anna")
    [_] = await anna.books("session", await hour_of(care, 3))
    await care.rest()
    await anna.activates()
    await anna.completes_forms()
    place = await waits_for(anna, await hour_of(care, 5), by=anna.email)
    [seen] = await anna.places(by=anna.email)
    assert seen["id"] == place["id"]
    await leaves(anna, place, by=anna.email)
    assert await anna.places(by=anna.email) == []
