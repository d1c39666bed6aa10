"""A time that becomes free is offered to the first in line, then to the next."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person
from tests.journeys.booking.waitlists.waitlist import (
    ONE_HOUR_A_DAY,
    SETTINGS,
    comes,
    declines,
    hour_of,
    is_running,
    leaves,
    offer_to,
    offered_start,
    offers_mailed,
    opens,
    takes,
    waits_for,
)

DAY = timedelta(days=1)


async def full_day(care: Care, *names: str, days: int = 1) -> tuple[Booked, list[Person]]:
    """Ana's hour three days from now is taken; others wait for it (or for some days from then on), in this order."""
    await opens(care)
    taken = await takes(care, "Holder", day=3)
    people = []
    for name in names:
        people.append(await comes(care, name))
        await waits_for(people[-1], taken.starts_at, days=days)
    return taken, people


async def test_a_freed_time_is_offered_to_the_first_and_then_to_the_next(care: Care) -> None:
    taken, [first, second] = await full_day(care, "First", "Second")
    await care.rest()
    assert await offers_mailed(first) == []

    await taken.cancelled()
    offer = await offer_to(first)
    assert offer is not None
    assert datetime.fromisoformat(offer["starts_at"]) == taken.starts_at
    until = datetime.fromisoformat(offer["expires_at"])
    assert timedelta() <= await care.now() + timedelta(hours=2) - until < timedelta(minutes=1)
    [mail] = await offers_mailed(first)
    assert offer["hold_id"] in mail["text"]
    assert await offer_to(second) is None
    assert await offers_mailed(second) == []

    # It is held: nobody else sees or takes it, not even the practice for somebody else.
    assert taken.starts_at not in await care.slots("ana", "session")
    stranger = await comes(care, "Stranger")
    for person, by in ((stranger, "site"), (second, "site"), (stranger, "desk")):
        problem = await person.cannot_book("session", name="slot-taken", by=by, starts_at=taken.starts_at)
        others = [datetime.fromisoformat(one["starts_at"]) for one in problem["alternatives"]]
        assert len(others) == 3
        assert taken.starts_at not in others

    await care.until(until)
    offer = await offer_to(second)
    assert offer is not None
    assert len(await offers_mailed(first)) == len(await offers_mailed(second)) == 1
    assert await offer_to(first) is None
    await second.books("session", taken.starts_at, hold_id=offer["hold_id"])
    assert await second.places() == []
    assert [place["position"] for place in await first.places()] == [1]
    await care.pass_time(hours=3)
    assert len(await offers_mailed(first)) == 1, "the same time is never offered twice to one"
    facts = await first.facts()
    assert [kind for kind in facts if "waitlist" in kind or "offer" in kind] == [
        "waitlist_joined",
        "time_offered",
        "offer_ran_out",
    ]
    assert (await care.get(f"/v1/clients/{first.id}/timeline/verify"))["valid"] is True


async def test_what_is_offered_can_be_taken_in_every_way(care: Care) -> None:
    """Without its hold; by the staff; and by moving what one already has, with the hold and without."""
    await opens(care)

    async def freed_for(person: Person, day: int) -> tuple[datetime, str]:
        taken = await takes(care, f"Holder{day}", day=day)
        await waits_for(person, taken.starts_at)
        await taken.cancelled(by="desk")
        offer = await offer_to(person)
        assert offer is not None
        return taken.starts_at, offer["hold_id"]

    anna, berta, carla = [await comes(care, name) for name in ("Anna", "Berta", "Carla")]
    await anna.completes_forms()
    await carla.completes_forms()
    start, _ = await freed_for(anna, 3)
    [hers] = await anna.books("session", start)
    start, _ = await freed_for(berta, 4)
    [_] = await berta.books("session", start, by="desk")
    start, hold = await freed_for(carla, 5)
    slots = await care.get(
        "/v1/therapists/ana/slots",
        by=None,
        type="session",
        time_zone="UTC",
        hold_id=hold,
        **{"from": start.date().isoformat(), "to": start.date().isoformat()},
    )
    assert [slot["starts_at"] for day in slots["days"] for slot in day["slots"]] == [
        start.isoformat().replace("+00:00", "Z")
    ]
    [later] = await carla.books("session", await hour_of(care, 9))
    assert await carla.places() == [], "any session ends the place, whatever its time"
    await care.rest()
    assert start in await care.slots("ana", "session"), "and frees what was offered"

    start, hold = await freed_for(anna, 6)
    move = {"starts_at": start.isoformat(), "reason": "sooner", "hold_id": hold}
    moved = await care.post(f"/v1/appointments/{hers.id}/reschedule", move, expect=200)
    assert datetime.fromisoformat(moved["starts_at"]) == start
    start, _ = await freed_for(carla, 7)
    assert datetime.fromisoformat((await later.moved(start))["starts_at"]) == start
    for person in (anna, berta, carla):
        assert await person.places() == []
    await care.rest()
    assert not await is_running(care)


async def test_a_declined_time_goes_to_the_next_at_once_and_other_times_are_still_offered(care: Care) -> None:
    taken, [first, second] = await full_day(care, "First", "Second")
    await taken.cancelled()
    await care.rest()
    await declines(first)
    assert await offered_start(second) == taken.starts_at
    assert await offer_to(first) is None

    # Three times without an answer: the place is over, and the last mail had said so.
    await waits_for(first, taken.starts_at, days=5)
    days = [taken.starts_at + timedelta(days=day) for day in range(1, 5)]
    for day in days[:3]:
        assert await offered_start(first) == day
        await care.pass_time(hours=2)
    await care.rest()
    assert await first.places() == []
    mails = await offers_mailed(first)
    ends = ["your place in line then ends" in mail["text"] for mail in mails]
    assert ends == [False, False, False, True]
    facts = await first.facts()
    assert (facts.count("offer_declined"), facts.count("offer_ran_out"), facts[-1]) == (1, 3, "waitlist_left")
    assert set(days[:2]) <= set(await care.slots("ana", "session")), "and nothing is held"


async def test_joining_while_a_time_is_open_is_offered_it_at_once(care: Care) -> None:
    await opens(care)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    start = await hour_of(care, 3)
    await anna.waits("session", first=(start - timedelta(hours=2)).isoformat(), last=start.isoformat())
    assert await offer_to(anna) is None, "the end of the wish is not in it"
    after = start + timedelta(minutes=1)
    await anna.waits("session", first=start.isoformat(), last=after.isoformat())
    assert await offered_start(anna) == start
    # Two wait for two open times: each has one.
    await waits_for(berta, start, days=2)
    assert await offered_start(berta) == start + timedelta(days=1)


# ---------------------------------------------------------------- what frees time


async def _by_the_client(care: Care, taken: Booked) -> None:
    del care
    await taken.cancelled()


async def _by_the_practice(care: Care, taken: Booked) -> None:
    del care
    await taken.cancelled(by="desk")


async def _moved_away(care: Care, taken: Booked) -> None:
    del care
    await taken.moved(taken.starts_at + timedelta(days=30), by="desk")


async def _archived(care: Care, taken: Booked) -> None:
    del care
    await taken.person.is_archived()


async def _rematched(care: Care, taken: Booked) -> None:
    match = {"therapist": "ben", "reason": "evenings", "cancel_appointments": True}
    shown = (await care.call("PUT", f"/v1/clients/{taken.person.id}/match", match, by="desk", expect=200)).json()
    assert (shown["open_appointments"], shown["cancelled"]) == ([], [await taken.look()])


async def _cancelled_late(care: Care, taken: Booked) -> None:
    await care.until(taken.starts_at - timedelta(hours=47))
    answer = await taken.cancelled(by="desk", requested_by="client")
    assert answer["status"] == "late_cancelled"


WAYS: tuple[Callable[[Care, Booked], Awaitable[None]], ...] = (
    _by_the_client,
    _by_the_practice,
    _moved_away,
    _archived,
    _rematched,
    _cancelled_late,
)


async def test_every_end_of_an_appointment_frees_its_time_for_the_line(care: Care) -> None:
    await opens(care)
    await care.therapist("ben")
    nobody_waits = await takes(care, "Early", day=3)
    await nobody_waits.cancelled()
    hours: Json = {"weekly": ONE_HOUR_A_DAY, "settings": SETTINGS}
    await care.call("PUT", "/v1/therapists/ana/availability", hours, by="ana", expect=200)
    await care.rest()
    assert not await is_running(care), "nobody waits, and nothing is started"

    anna = await comes(care, "Anna")
    for number, free in enumerate(WAYS):
        taken = await takes(care, f"Holder{number}", day=3 + number)
        start = taken.starts_at
        place = await waits_for(anna, start)
        assert await offer_to(anna) is None
        await free(care, taken)
        assert await offered_start(anna) == start, free.__name__
        await leaves(anna, place)
        await care.rest()
        assert not await is_running(care)
    assert len(await offers_mailed(anna)) == len(WAYS)


async def test_a_series_a_hold_and_new_hours_free_time_for_the_line(care: Care) -> None:
    await opens(care)
    anna = await comes(care, "Anna")
    first = await takes(care, "Weekly", day=3, weeks=4)
    _, second, third, _ = first.person.appointments
    week = timedelta(weeks=1)

    await waits_for(anna, third.starts_at)
    change: Json = {"starts_at": (third.starts_at + timedelta(days=2)).isoformat(), "scope": "following"}
    await care.post(f"/v1/appointments/{third.id}/reschedule", change, by="desk", expect=200)
    assert await offered_start(anna) == third.starts_at
    await declines(anna)
    await waits_for(anna, second.starts_at + timedelta(days=2) + week)  # where the third has moved to
    assert await offer_to(anna) is None
    await second.cancelled(by="desk", scope="following")
    assert await offered_start(anna) == third.starts_at + timedelta(days=2)
    await declines(anna)

    # Somebody's hold: it runs out, or is released.
    start = await hour_of(care, 4)
    hold = {"type": "session", "starts_at": start.isoformat()}
    for runs_out in (True, False):
        held = await care.post("/v1/therapists/ana/holds", hold)
        await waits_for(anna, start)
        assert await offer_to(anna) is None
        if runs_out:
            await care.until(datetime.fromisoformat(held["expires_at"]))
        else:
            await care.call("DELETE", f"/v1/holds/{held['hold_id']}", expect=204)
        assert await offered_start(anna) == start
        await declines(anna)
        await care.rest()
        hold["starts_at"] = (start := start + timedelta(days=1)).isoformat()

    # A day off that is worked after all, and time off that is called off.
    hours: Json = {"weekly": ONE_HOUR_A_DAY, "settings": SETTINGS}
    off: Json = {"starts_at": f"{start.date() + DAY}T00:00:00Z", "ends_at": f"{start.date() + 2 * DAY}T00:00:00Z"}
    for closed in (
        {"overrides": [{"date": start.date().isoformat(), "windows": []}]},
        {"time_off": [off]},
    ):
        await care.call("PUT", "/v1/therapists/ana/availability", hours | closed, by="ana", expect=200)
        await waits_for(anna, start)
        assert await offer_to(anna) is None
        await care.call("PUT", "/v1/therapists/ana/availability", hours, by="ana", expect=200)
        assert await offered_start(anna) == start
        await declines(anna)
        start += DAY


async def test_times_freed_at_once_are_offered_to_as_many(care: Care) -> None:
    await opens(care)
    taken = [await takes(care, f"Holder{day}", day=day) for day in (3, 4, 5)]
    people = [await comes(care, name) for name in ("Anna", "Berta", "Carla", "Dora")]
    for person in people:
        await waits_for(person, taken[0].starts_at, days=3)
    await asyncio.gather(*(one.cancelled(by="desk") for one in taken))
    got = [await offered_start(person) for person in people]
    assert sorted(start for start in got[:3] if start) == [one.starts_at for one in taken]
    assert got[3] is None
    assert [len(await offers_mailed(person)) for person in people] == [1, 1, 1, 0]
