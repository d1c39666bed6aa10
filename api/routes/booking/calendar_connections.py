"""Connecting a calendar at Google or Microsoft: the way there, and the way back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends
from pydantic import Field

from api.access_log.declared import shows_no_client
from api.accounts.oidc.fetching import ProviderAway
from api.accounts.tokens import hash_of
from api.bodies import Body
from api.calendars import consents
from api.commands import wake_calendar
from api.deps import PracticeOrAdmin, ShowingCode, Svc, allow
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses, wrong_fields
from api.routes.booking.outside_calendars import CalendarId, must_be_theirs
from api.views.base import View
from models.reads.booking.therapists import therapist_by_slug
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from models.writes.booking.calendar_consents import claim_consent, give_back_consent
from models.writes.booking.connected_calendars import connect_calendar
from models.writes.booking.outside import lock_calendar
from rules.accounts.caller import Caller
from rules.booking.calendar_vendors import BY_CONSENT
from rules.enums import CalendarKind, Role
from rules.refusals import Problem

log = structlog.get_logger(__name__)

router = APIRouter(
    prefix="/v1",
    tags=["calendars"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("of a therapist's own calendars")],
)

TherapistOrAdmin = Annotated[Caller, Depends(allow(Role.THERAPIST, Role.ADMIN))]


class ConnectBody(Body):
    """``return_to``: where the vendor sends the browser back to, below ``STAFF_URL`` and known to the vendor."""

    return_to: Annotated[str | None, Field(max_length=500)] = None


class ConnectView(View):
    """``connect_url`` is where the browser goes, until ``connect_by``; it comes back with ``code`` and ``state``."""

    connect_url: str
    connect_by: datetime


class ComesBack(Body):
    """What the vendor sent the browser back with."""

    state: Annotated[str, Field(min_length=1, max_length=200, repr=False)]
    code: Annotated[str, Field(min_length=1, max_length=4096, repr=False)]


class ConnectedView(View):
    """The calendar that was connected, and whose it is."""

    id: UUID
    kind: CalendarKind
    therapist: str


@router.post(
    "/therapists/{slug}/calendars/{calendar_id}/connect",
    status_code=201,
    summary="Begin to connect a calendar at its vendor",
    responses=responses(Problem.NOT_FOUND),
)
async def begin_calendar_connection(
    slug: str, calendar_id: CalendarId, services: Svc, caller: PracticeOrAdmin, body: ConnectBody | None = None
) -> ConnectView:
    """Again, too, where a consent was withdrawn. What was begun before for this calendar is over."""
    must_be_theirs(caller, slug)
    return_to = consents.return_url(services, body.return_to if body is not None else None)
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        row = must_find("calendar", await lock_calendar(session, therapist.id, calendar_id))
        if row.kind not in BY_CONSENT:
            raise wrong_fields([("calendar_id", "is of a calendar that is read without a vendor's consent")])
        url, until = await consents.begin(session, services, row, return_to=return_to, caller=caller)
        await session.commit()
    return ConnectView(connect_url=url, connect_by=until)


@router.post(
    "/calendar-connections",
    summary="Connect a calendar with what its vendor sent the browser back with",
    responses=responses(Problem.LINK_INVALID),
)
async def complete_calendar_connection(
    body: ComesBack, services: Svc, caller: TherapistOrAdmin, showing: ShowingCode
) -> ConnectedView:
    """By whoever began it, once. While the vendor is away nothing is used up: the same can be sent again."""
    hash_ = hash_of(body.state)
    async with services.sessions() as session:
        consent = await claim_consent(session, hash_, by=caller.actor, real=showing.real)
        if consent is None:
            raise consents.consent_over("This was begun by somebody else, too long ago, or is over.")
        row = await session.get_one(OutsideCalendarRow, consent.calendar_id)
        vendor = consents.vendor_of(services, row.kind)
        verifier, return_url = consent.verifier, consent.return_url
        therapist = await session.get_one(Therapist, row.therapist_id)
        told = ConnectedView(id=row.id, kind=row.kind, therapist=therapist.slug)
        await session.commit()
    try:
        access = await consents.redeem(vendor, body.code, verifier=verifier, redirect_uri=return_url)
    except ProviderAway as away:
        log.warning("A calendar's vendor is away", vendor=vendor.kind.value, why=str(away))
        async with services.sessions() as session:
            await give_back_consent(session, hash_)
            await session.commit()
        raise consents.vendor_away() from away
    async with services.sessions() as session:
        there = await connect_calendar(session, told.id, access)
        await session.commit()
    if not there:  # it was taken away meanwhile
        await consents.give_back(vendor, access, calendar_id=told.id)
        raise consents.consent_over("The calendar was taken away meanwhile.")
    await wake_calendar(services, told.id)
    return told
