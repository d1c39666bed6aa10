"""People on a therapist's waitlist, as the stories of the waitlist need them: Ana has one hour a day."""

from datetime import datetime, timedelta
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from tests.care.defaults import Json, details, weekly_hours
from tests.care.story import Booked, Care, Person
from workflows.messages import waitlist_id

ONE_HOUR_A_DAY = weekly_hours("10:00", "11:00", types=("session",))
SETTINGS = {"session": {"step": 60}}


async def opens(care: Care, **changes: Any) -> None:
    """Ana, with one hour a day, for sessions only."""
    await care.therapist("ana", weekly=ONE_HOUR_A_DAY, intro_calls="off", settings=SETTINGS, **changes)


async def comes(care: Care, name: str, **more: Any) -> Person:
    """Somebody of Ana's, whose details are known."""
    client = details(name) | more.pop("client", {})
    return await care.arrives(name=name, client=client, **more)


async def takes(care: Care, name: str, *, day: int, weeks: int = 1) -> Booked:
    """Somebody new has Ana's hour of that day, counted from today, booked by the practice."""
    holder = await comes(care, name)
    first, *_ = await holder.books("session", await hour_of(care, day), by="desk", weeks=weeks)
    return first


async def hour_of(care: Care, day: int) -> datetime:
    """When Ana's hour of that day begins, counted from today."""
    return await care.slot("ana", "session", after=timedelta(days=day))


async def waits_for(person: Person, instant: datetime, *, days: int = 1, by: str = "site") -> Json:
    """Joins for the day of an instant, or some days from it on."""
    first, last = instant.date(), instant.date() + timedelta(days=days - 1)
    return await person.waits("session", first=first.isoformat(), last=last.isoformat(), by=by)


async def leaves(person: Person, place: Json, *, by: str = "site") -> None:
    await person.care.call("DELETE", f"/v1/waitlist/{place['id']}", by=by, expect=204)


async def declines(person: Person) -> None:
    """Releases the hold of what is offered."""
    offer = await offer_to(person)
    assert offer is not None
    await person.care.call("DELETE", f"/v1/holds/{offer['hold_id']}", expect=204)


async def offer_to(person: Person) -> Json | None:
    """What is offered to somebody who has one place."""
    await person.care.rest()
    [place] = await person.places()
    offer: Json | None = place["offer"]
    return offer


async def offered_start(person: Person) -> datetime | None:
    offer = await offer_to(person)
    return datetime.fromisoformat(offer["starts_at"]) if offer else None


async def offers_mailed(person: Person) -> list[Json]:
    return await person.care.mails(to=person.email, template="slot_offered")


def waitlist_of(care: Care, therapist: str = "ana") -> WorkflowHandle[Any, Any]:
    return care.house.engine.get_workflow_handle(waitlist_id(therapist))


async def is_running(care: Care, therapist: str = "ana") -> bool:
    """Whether the therapist's line has a workflow that runs."""
    try:
        return (await waitlist_of(care, therapist).describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
