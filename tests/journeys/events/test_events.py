"""What programs are told of whole stories: everything, in order, nothing of anybody's, and of an archive not a word."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.archive.situations import of_the_desk, starts_chat

FACTS = {
    "account_activated": "account.activated",
    "form_completed": "form.completed",
    "card_saved": "card.saved",
    "outcome_recorded": "appointment.occurred",
    "payment_scheduled": "payment.scheduled",
    "payment_paid": "payment.paid",
    "payment_partially_refunded": "payment.refunded",
    "appointment_cancelled": "appointment.cancelled",
}
WORD = re.compile(r"[a-z][a-z0-9_.-]*|[A-Z]{3}")


async def events(care: Care, *, by: str, **asked: Any) -> list[Json]:
    """All that there are, page by page."""
    found: list[Json] = []
    more = True
    while more:
        # The site by its key alone.
        headers = {"Authorization": f"Bearer {care.tokens[by]}"}
        answer: httpx.Response = await care.http.get(
            f"{care.house.api_url}/v1/events", headers=headers, params={"limit": 7} | asked
        )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        asked["after"], more = page["after"], page["more"]
    return found


def values_in(told: Any) -> Iterator[Any]:
    if isinstance(told, dict):
        for each in told.values():
            yield from values_in(each)
    elif isinstance(told, list):
        for each in told:
            yield from values_in(each)
    else:
        yield told


def says_nothing_of_anybody(value: Any) -> bool:
    """A number, an id, an instant, a word of ours, a currency."""
    if value is None or isinstance(value, int):
        return True
    for read in (UUID, datetime.fromisoformat):
        try:
            read(value)
        except ValueError:
            continue
        return True
    return WORD.fullmatch(value) is not None


def kinds_of(told: list[Json]) -> list[str]:
    return [event["kind"] for event in told]


async def test_a_whole_story_is_told_in_order_and_nothing_of_anybody(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    held = sara.session(1)
    await held.occurs()
    await care.pass_time(hours=30)
    chat = await starts_chat(care, sara, "direct", by="ana")
    await care.post(f"/v1/chats/{chat}/messages", {"text": "How are you, Sara?"}, by="ana", expect=201)
    await sara.signs_in()
    await care.post(f"/v1/chats/{chat}/messages", {"text": "Not well"}, by=sara.email, expect=201)
    [paid] = await sara.payments()
    refund = {"amount": 500, "to": "credit", "reason": "she asked nicely"}
    await care.call("POST", f"/v1/payments/{paid['id']}/refund", refund, by="desk")
    await sara.session(2).cancelled(by="ana")
    await care.rest()

    told = await events(care, by="desk", client=sara.id)
    kinds = kinds_of(told)
    happened = [
        "journey.opened",
        "form.requested",
        "appointment.booked",
        "account.activated",
        "form.completed",
        "card.saved",
        "appointment.occurred",
        "payment.scheduled",
        "payment.paid",
        "message.waits",
        "payment.refunded",
        "appointment.cancelled",
    ]
    assert set(happened) <= set(kinds)
    at = [kinds.index(kind) for kind in happened if kind not in ("appointment.occurred", "payment.refunded")]
    assert at == sorted(at), kinds
    assert [event["id"] for event in told] == sorted({event["id"] for event in told})
    assert [event["at"] for event in told] == sorted(event["at"] for event in told)
    facts = sorted(await sara.timeline(), key=lambda fact: fact["seq"])
    assert [kind for kind in kinds if kind in FACTS.values()] == [
        FACTS[fact["kind"]] for fact in facts if fact["kind"] in FACTS
    ]
    to = [event["data"]["to"] for event in told if event["kind"] == "message.waits"]
    assert to == ["client", "client", "client", "practice"]

    everything = await events(care, by="desk")
    for event in everything:
        assert (event["ref"] is None) == (event["client_id"] is None)
        for value in values_in({**event["data"], "kind": event["kind"], "id": event["id"], "at": event["at"]}):
            assert says_nothing_of_anybody(value), event
    text = str(everything).lower()
    person = await care.get(f"/v1/clients/{sara.id}")
    for word in ("nicely", "how are you", person["email"], person["first_name"], person["last_name"], person["phone"]):
        assert word is None or str(word).lower() not in text
    assert "therapist.changed" in kinds_of(everything)

    site = await events(care, by="site")
    heard = [event["id"] for event in site]
    hidden = [event for event in everything if event["id"] not in heard]
    assert [event for event in everything if event["id"] in heard] == site
    assert {event["kind"] for event in hidden} <= {
        *("task.opened", "task.resolved", "therapist.changed", "client.active", "client.archived", "message.waits")
    }
    assert all(event["data"]["to"] == "practice" for event in hidden if event["kind"] == "message.waits")


async def with_something_ahead(care: Care, *names: str) -> list[Person]:
    """Each with a session that was held, whose payment is scheduled, and two ahead."""
    people = [await of_the_desk(care, name) for name in names]
    for person in people:
        await person.books("session", by="desk")
        await person.gives_card("pm_card_visa")
    for person in people:
        await person.session(1).occurs()
    for person in people:
        await person.books("session", weeks=2, by="desk", after=timedelta(days=7))
    return people


async def test_s37_an_archive_is_told_as_the_practices_cancellations_and_not_a_word_more(care: Care) -> None:
    await care.therapist("ana")
    archived, cancelled = await with_something_ahead(care, "Archie", "Cara")
    await care.rest()
    begin = {one.name: len(await events(care, by="site", client=one.id)) for one in (archived, cancelled)}

    await archived.is_archived(reason="moved away")
    for number in (2, 3):
        await cancelled.session(number).cancelled(by="desk")
    await care.rest()

    async def since(one: Person, by: str = "site") -> list[Json]:
        return (await events(care, by=by, client=one.id))[begin[one.name] if by == "site" else 0 :]

    heard, as_usual = await since(archived), await since(cancelled)
    assert kinds_of(heard) == kinds_of(as_usual) == ["appointment.cancelled"] * 2
    for one, other in zip(heard, as_usual, strict=True):
        assert one.keys() == other.keys()
        assert one["data"].keys() == other["data"].keys()
        assert {name: one["data"][name] for name in ("type", "therapist", "late")} == {
            name: other["data"][name] for name in ("type", "therapist", "late")
        }
    assert [event["data"]["appointment_id"] for event in heard] == [archived.session(n).id for n in (2, 3)]
    assert "client.archived" in kinds_of(await since(archived, by="desk"))

    # The payment that was stopped, and what comes of it, is nobody's but the practice's until it is paid.
    answer: Json = await care.post(f"/v1/clients/{archived.id}/unarchive", {"restore": True}, by="desk", expect=200)
    assert answer["restored"]["payments"]
    await care.rest()
    back = (await since(archived))[2:]
    assert kinds_of(back) == ["appointment.booked"] * len(answer["restored"]["appointments"])
    practice = kinds_of(await since(archived, by="desk"))
    assert practice.count("payment.scheduled") == 2
    assert practice.count("client.active") == 1
    await care.pass_time(hours=30)
    assert kinds_of(await since(archived))[-1] == "payment.paid"
    told = str(await events(care, by="site")).lower()
    for word in ("archiv", "suspend", "restor", "stopped", "task"):
        assert word not in told


async def test_an_archived_client_who_pays_and_books_is_told_of_as_anybody(care: Care) -> None:
    await care.therapist("ana")
    [person] = await with_something_ahead(care, "Archie")
    await care.rest()
    before = len(await events(care, by="site", client=person.id))
    await person.is_archived()
    await care.pass_time(days=3)
    await person.books("session", by="desk", after=timedelta(days=1))
    await care.rest()
    heard = kinds_of(await events(care, by="site", client=person.id))[before:]
    assert heard == ["appointment.cancelled", "appointment.cancelled", "appointment.booked"]
