"""A time that becomes free is offered to the first in line, then to the next."""

from datetime import timedelta
from typing import Any

from tests.journeys.care import Booked, Care, Person

Json = dict[str, Any]
ONE_HOUR_A_DAY = [
    {"weekday": day, "from": "10:00", "to": "11:00", "types": ["session"]}
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
]


async def full_practice(care: Care, *, waiting: int) -> tuple[Booked, list[Person]]:
    """Ana has one hour a day; that of one day is taken, and others wait for it, in the order of their names."""
    await care.therapist("ana", weekly=ONE_HOUR_A_DAY, intro_calls="off", settings={"session": {"step": 60}})
    holder = await care.arrives(name="Holder")
    [taken] = await holder.books("session", after=timedelta(days=3))
    day = taken.starts_at.date().isoformat()
    line = []
    for number in range(waiting):
        person = await care.arrives(name=f"Waiter{number}", client={**_details(f"Waiter{number}")})
        await person.waits("session", first=day, last=day)
        line.append(person)
    return taken, line


def _details(name: str) -> Json:
    return {
        "first_name": name,
        "last_name": "Lind",
        "email": f"{name.lower()}@example.com",
        "phone": "+12125550100",
        "time_zone": "America/New_York",
    }


async def offers_to(care: Care, person: Person) -> list[Json]:
    return await care.mails(to=person.email, template="slot_offered")


async def test_a_freed_time_is_offered_to_the_first_and_then_to_the_next(care: Care) -> None:
    taken, [first, second] = await full_practice(care, waiting=2)
    await care.rest()
    assert await offers_to(care, first) == []

    await taken.cancelled()
    await care.rest()
    [mail] = await offers_to(care, first)
    assert await offers_to(care, second) == []
    [place] = await first.places()
    assert place["offer"]["starts_at"] == taken.booked["starts_at"]
    assert place["offer"]["hold_id"] in mail["text"]
    assert taken.starts_at not in await care.slots("ana", "session", after=timedelta(days=3))

    await care.pass_time(hours=2)
    await care.rest()
    assert len(await offers_to(care, first)) == 1
    [_] = await offers_to(care, second)
    [place] = await second.places()
    hold = place["offer"]["hold_id"]
    assert (await first.places())[0]["offer"] is None

    [booked] = await second.books("session", taken.starts_at, hold_id=hold)
    assert booked.starts_at == taken.starts_at
    assert await second.places() == []
    assert [place["position"] for place in await first.places()] == [1]
