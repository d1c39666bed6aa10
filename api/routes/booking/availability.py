"""A therapist's hours: read and written as one document."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access_log.declared import shows
from api.bodies import NOT_WRITTEN_BACK
from api.commands import wake_line
from api.deps import Now, PracticeOrAdmin, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.routes.booking.therapists import must_be_own
from api.views.availability import AvailabilityDocument, AvailabilityView
from api.views.outside_hours import OutsideHoursView, outside_hours
from models.reads.booking.hours import load_availability
from models.reads.booking.therapists import therapist_by_slug
from models.sealed import UNREADABLE
from models.tables.booking.therapist import Therapist
from models.writes.booking.hours import save_availability
from models.writes.events.publish import publish_therapist
from models.writes.locks import lock_therapist
from rules.accounts.accesses import AccessKind
from rules.booking.availability import (
    Availability,
    InvalidAvailability,
    ignored_windows,
    read_availability,
    write_availability,
)
from rules.events.kinds import TherapistPart
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["therapists"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)


class IgnoredLine(BaseModel):
    """A line that is kept out because it offers nothing."""

    field: str
    message: str


class SavedAvailability(BaseModel):
    """``outside_hours``: booked appointments, ahead or running, that the new hours would not offer; they stand. To an
    admin, who sees no appointment, it is not there."""

    outside_hours: list[OutsideHoursView] = Field(default=[])
    ignored: list[IgnoredLine]


@router.get(
    "/therapists/{slug}/availability",
    summary="A therapist's hours, overrides, time off and slot settings",
    responses=responses(Problem.NOT_FOUND),
)
async def get_availability(slug: str, services: Svc, caller: PracticeOrAdmin) -> AvailabilityView:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        availability = await load_availability(session, therapist, reasons=True)
    return AvailabilityView(time_zone=therapist.time_zone, **write_availability(availability))


@router.put(
    "/therapists/{slug}/availability",
    summary="Replace them as a whole",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def replace_availability(
    slug: str,
    document: AvailabilityDocument,
    services: Svc,
    caller: PracticeOrAdmin,
    now: Now,
) -> SavedAvailability:
    """What is left out is empty, and a setting that is left out has its default. Either all of it is saved, or the
    answer names every wrong line (``weekly[2].to``) and nothing is changed. Booked appointments stay as they are."""
    must_be_own(caller, slug)
    async with services.sessions() as session:
        found = must_find("therapist", await therapist_by_slug(session, slug))
        therapist = await lock_therapist(session, found.id)
        availability = availability_in(document, therapist)
        await save_availability(session, therapist, availability)
        publish_therapist(session, therapist.slug, TherapistPart.HOURS, at=now)
        outside = await outside_hours(session, therapist, availability, caller=caller, now=now)
        await session.commit()
    await wake_line(services, therapist)
    return SavedAvailability(**outside, ignored=ignored_lines(availability))


def availability_in(document: Mapping[str, Any], therapist: Therapist) -> Availability:
    """Raises Refused, naming every wrong line (``weekly[2].to``)."""
    try:
        availability = read_availability(document, time_zone=therapist.time_zone)
    except InvalidAvailability as error:
        raise wrong_fields([(line.path, line.message) for line in error.problems]) from error
    unread = [n for n, period in enumerate(availability.time_off) if period.reason == UNREADABLE]
    if unread:
        raise wrong_fields([(f"time_off[{n}].reason", NOT_WRITTEN_BACK) for n in unread])
    return availability


def ignored_lines(availability: Availability) -> list[IgnoredLine]:
    return [IgnoredLine(field=line.path, message=line.message) for line in ignored_windows(availability)]
