"""Clients in every situation that an archive may meet; all of them at the same moment."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from tests.care.defaults import details
from tests.care.story import Care, Person

HOUR = timedelta(hours=1)
CANCELLATIONS = {"appointment_cancelled", "appointment_changed"}


async def of_the_desk(care: Care, name: str, therapist: str = "ana") -> Person:
    """A client who called: made by the care team, with an address of their own."""
    return await care.arrives("care_team", by="desk", name=name, therapist=therapist, client=details(name))


async def by_the_site(care: Care, name: str, *, intro_call: bool = True) -> Person:
    """A client who came by Ben's profile."""
    person = await care.arrives(name=name, therapist="ben", client=details(name))
    if intro_call:
        await person.books("intro_call")
    return person


async def everybody(care: Care) -> dict[str, Person]:
    """All of them by their situation; the names of the first seven are their stages."""
    await care.therapist("ana")
    await care.therapist("ben")
    people: dict[str, Person] = {}
    begin = await care.slot("ana", "session")
    sessions = {
        "failed": 0,
        "requires_action": 1,
        "in_care": 2,
        "unmarked": 3,
        "two_currencies": 23,
        "scheduled": 25,
        "running": 26.5,
    }
    for name, hours in sessions.items():
        person = people[name] = await of_the_desk(care, name.title().replace("_", ""))
        weeks = 4 if name == "in_care" else 1
        await person.books("session", begin + hours * HOUR, weeks=weeks, by="desk")
        if name != "unmarked":
            await person.gives_card("pm_card_authenticationRequired" if name == "requires_action" else "pm_card_visa")
    await people["failed"].bank_says("insufficient_funds")
    await with_another_currency(care, people["two_currencies"], begin + 24 * HOUR)
    people["scheduling"] = await by_the_site(care, "Scheduling")
    await care.rest()
    await people["scheduling"].activates()
    await people["scheduling"].completes_forms()

    await care.until(begin + 4 * HOUR)
    for name in ("failed", "requires_action", "in_care"):
        await people[name].session(1).marked("occurred")
    await care.until(begin + 27 * HOUR)
    await people["scheduled"].session(1).marked("occurred")
    for number in (1, 2):
        await people["two_currencies"].session(number).marked("occurred")
    for amount, currency in ((300, "EUR"), (70, "USD")):
        body = {"amount": amount, "currency": currency, "reason": "thanks"}
        await care.post(f"/v1/clients/{people['two_currencies'].id}/credits", body, by="desk")
    await people["scheduling"].appointments[0].marked("occurred")

    elsewhere = {"state": "WY", "concerns": [], "languages": ["en"], "modality": "individual"}
    people["matching"] = await care.arrives(
        "matching_form", name="Matching", answers=elsewhere, client={"first_name": "M", "email": "matching@example.com"}
    )
    people["anonymous"] = await care.arrives(name="Nobody", therapist="ben")
    people["first_booking"] = await by_the_site(care, "FirstBooking", intro_call=False)
    for name in ("activation", "intake", "intro_call"):
        people[name] = await by_the_site(care, name.title().replace("_", ""))
    await care.rest()
    for name in ("intake", "intro_call"):
        await people[name].activates()
    await people["intro_call"].completes_forms()
    people["busy"] = await with_everything(care)
    await care.rest()
    return people


async def with_another_currency(care: Care, person: Person, starts_at: datetime) -> None:
    """Books another session of Ana's, while she is paid in euros."""
    for fee in ({"amount": 9000, "currency": "EUR"}, {"amount": 12000, "currency": "USD"}):
        await care.call("PATCH", "/v1/therapists/ana", {"session_fee": fee}, by="desk", expect=200)
        if fee["currency"] == "EUR":
            await person.books("session", starts_at, by="desk")


async def with_everything(care: Care) -> Person:
    """A hold, a place on the waitlist, a requested form, goals, credit, and chats of every kind."""
    person = await by_the_site(care, "Busy")
    await care.rest()
    await person.activates()
    starts_at = (await care.slot("ben", "session", after=timedelta(days=5))).isoformat()
    await care.post("/v1/therapists/ben/holds", {"type": "session", "starts_at": starts_at}, by=person.email)
    today = (await care.now()).astimezone(ZoneInfo("America/New_York")).date()
    await person.waits("intro_call", therapist="ben", first=today.isoformat(), last=today.isoformat(), by="desk")
    await care.post(
        f"/v1/clients/{person.id}/credits", {"amount": 500, "currency": "USD", "reason": "thanks"}, by="desk"
    )
    await asks_for_a_form(care, person)
    for remind in ({"weekday": "mon", "at": "09:00"}, None):
        await care.post(f"/v1/clients/{person.id}/goals", {"text": "Walk", "remind": remind}, by="ben")
    for kind in ("direct", "care_team", "group", "community"):
        await starts_chat(care, person, kind, by="ben" if kind == "direct" else "desk")
    return person


async def asks_for_a_form(care: Care, person: Person) -> None:
    fields = [
        {"name": "how", "label": "How was it?", "type": "text", "required": True},
        {"name": "page", "label": "A page of your diary", "type": "file"},
    ]
    await care.post(
        "/v1/form-templates", {"title": "After a month", "kind": "after_a_month", "fields": fields}, by="desk"
    )
    await care.post(f"/v1/clients/{person.id}/forms", {"kind": "after_a_month"}, by="desk")


async def starts_chat(care: Care, person: Person, kind: str, *, by: str) -> str:
    """A chat with two messages in it: of the first a mail goes out at once, the second one's is due in an hour."""
    title = {} if kind in ("direct", "care_team") else {"title": f"A {kind}"}
    chat = await care.post("/v1/chats", {"kind": kind, "members": [person.id], **title}, by=by)
    for text in ("Hello", "And one more thing"):
        await care.post(f"/v1/chats/{chat['id']}/messages", {"text": text}, by=by)
        await care.rest()
    return str(chat["id"])


async def open_timers(handle: WorkflowHandle[Any, Any]) -> int:
    """Timers that the newest run has started and that neither fired nor were cancelled."""
    kinds = Counter(event.event_type for event in (await handle.fetch_history()).events)
    return (
        kinds[EventType.EVENT_TYPE_TIMER_STARTED]
        - kinds[EventType.EVENT_TYPE_TIMER_FIRED]
        - kinds[EventType.EVENT_TYPE_TIMER_CANCELED]
    )


async def timers_of(person: Person) -> int:
    """Open timers of a client's journey and of all their appointments."""
    handles = [person.journey, *(appointment.workflow for appointment in person.appointments)]
    return sum([await open_timers(handle) for handle in handles])
