"""A therapist's hours: read and written as one document."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel

from api.bodies import Json
from api.deps import Now, Practice, Svc
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses, wrong_fields
from api.routes.therapists import must_be_own
from api.views import AppointmentView, appointment_view
from models import queries
from models.calendar import booked_outside_hours, load_availability, save_availability
from models.locks import lock_therapist
from rules.availability import InvalidAvailability, ignored_windows, read_availability, write_availability
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["therapists"], route_class=IdempotentRoute)

_EXAMPLE = {
    "weekly": [{"weekday": "mon", "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]}],
    "overrides": [{"date": "2026-12-24", "windows": []}],
    "time_off": [{"starts_at": "2026-12-28T00:00:00Z", "ends_at": "2027-01-02T00:00:00Z", "reason": "Holidays"}],
    "settings": {"session": {"duration": 50, "step": 30, "buffer_after": 10}},
}


class Warned(BaseModel):
    """A line that is kept out because it offers nothing."""

    field: str
    message: str


class SavedAvailability(BaseModel):
    """``outside_hours``: booked appointments that the new hours would not offer; they stand."""

    outside_hours: list[AppointmentView]
    ignored: list[Warned]


@router.get(
    "/therapists/{slug}/availability",
    summary="A therapist's hours, overrides, time off and slot settings",
    responses=responses(Problem.NOT_FOUND),
)
async def read(slug: str, services: Svc, caller: Practice) -> dict[str, Any]:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        therapist = await queries.therapist_by_slug(session, slug)
        if therapist is None:
            raise not_found("therapist")
        availability = await load_availability(session, therapist)
    return {"time_zone": therapist.time_zone, **write_availability(availability)}


@router.put(
    "/therapists/{slug}/availability",
    summary="Replace them as a whole",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def replace(
    slug: str,
    document: Annotated[Json, Body(examples=[_EXAMPLE])],
    services: Svc,
    caller: Practice,
    now: Now,
) -> SavedAvailability:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        found = await queries.therapist_by_slug(session, slug)
        if found is None:
            raise not_found("therapist")
        therapist = await lock_therapist(session, found.id)
        try:
            availability = read_availability(document, time_zone=therapist.time_zone)
        except InvalidAvailability as error:
            raise wrong_fields([(line.path, line.message) for line in error.problems]) from error
        await save_availability(session, therapist, availability)
        ids = await booked_outside_hours(session, therapist, availability, now=now)
        outside = await queries.appointments_by_id(session, caller, ids)
        await session.commit()
    return SavedAvailability(
        outside_hours=[appointment_view(row, caller=caller) for row in outside],
        ignored=[Warned(field=line.path, message=line.message) for line in ignored_windows(availability)],
    )
