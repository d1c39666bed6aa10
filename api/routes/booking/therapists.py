"""Therapists: profiles and settings, and tokens for them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid5

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import AfterValidator, Field
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Currency, Email, Flag, Line, Name, Note, Slug, Whole, Words, Zone
from api.commands import tell_of_new_link, wake_line
from api.deps import Anyone, BySlug, CareTeamOrAdmin, Now, PracticeOrAdmin, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.matching.vocabulary import IN_PROFILES, by_code, vocabulary_of
from api.problems import must_find, refuse, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.views.booking import TherapistView, therapist_view
from api.views.lists import Listed, cut, listed
from api.views.outside_hours import OutsideHoursView, outside_hours
from models.reads.booking.appointments import zoom_appointments_ahead
from models.reads.booking.hours import load_availability
from models.reads.booking.therapists import active_clients, therapist_by_slug
from models.reads.booking.therapists import list_therapists as read_list_therapists
from models.tables.booking.therapist import Therapist
from models.writes.accounts.profiles import tell_therapist
from models.writes.clients.form_words import lock_words
from models.writes.events.publish import publish_therapist
from models.writes.locks import lock_therapist
from rules.accounts.caller import Caller
from rules.clients.vocabulary import FormPart
from rules.enums import IntroCalls, Modality, Role
from rules.events.kinds import TherapistPart
from rules.money.fees import CHARGEABLE
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["therapists"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("profiles of therapists")],
)

_WEB = re.compile(r"https://[^\s\"'<>]{3,490}\Z", re.IGNORECASE)


def _web_address(text: str) -> str:
    if not _WEB.match(text):
        raise ValueError("must be an https:// address")
    return text


def _chargeable(currency: str) -> str:
    if currency not in CHARGEABLE:
        raise ValueError("must be a currency that cards can be charged in, such as USD")
    return currency


class FeeBody(Body):
    amount: Annotated[Whole, Field(ge=0, le=100_000_000)]
    currency: Annotated[Currency, AfterValidator(_chargeable)]


class LicenceBody(Body):
    """The number under which they may work in a state."""

    state: Name
    number: Name


def _one_for_each_state(licences: list[LicenceBody]) -> list[LicenceBody]:
    states = [one.state.casefold() for one in licences]
    if len(set(states)) < len(states):
        raise ValueError("must have one licence for each state")
    return licences


class TherapistChanges(Body):
    """What is left out stays as it is. Words are those of the matching form (``GET /v1/matching-form``), by code."""

    name: Line | None = None
    email: Email | None = None
    time_zone: Zone | None = None
    licensed_in: Words | None = None
    licences: Annotated[list[LicenceBody], Field(max_length=100), AfterValidator(_one_for_each_state)] | None = None
    credentials: Name | None = None
    about: Note | None = None
    concerns: Words | None = None
    languages: Words | None = None
    modalities: Annotated[list[Modality], Field(max_length=100)] | None = None
    gender: Name | None = None
    insurances: Words | None = None
    session_fee: FeeBody | None = None
    intro_calls: IntroCalls | None = None
    zoom_link: Annotated[str, Field(max_length=500), AfterValidator(_web_address)] | None = None
    accepting_clients: Flag | None = None
    caseload_limit: Annotated[Whole, Field(ge=0, le=100_000)] | None = None

    def columns(self) -> dict[str, Any]:
        """The columns to change. Only what may be empty can be set to null."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        empty = sorted(name for name, value in said.items() if value is None and name not in _MAY_BE_EMPTY)
        if empty:
            raise wrong_fields([(name, "must not be null") for name in empty])
        if "licences" in said:
            said["licences"] = [one.model_dump() for one in said["licences"]]
        fee = said.pop("session_fee", None)
        if fee is not None:
            said |= {"session_fee_amount": fee.amount, "session_fee_currency": fee.currency}
        return said


_MAY_BE_EMPTY = ("credentials", "about", "gender", "zoom_link", "caseload_limit")


class NewTherapist(TherapistChanges):
    slug: Slug
    name: Line
    email: Email
    time_zone: Zone
    session_fee: FeeBody


@router.post(
    "/therapists",
    status_code=201,
    summary="Add a therapist",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def add_therapist(
    body: NewTherapist, services: Svc, caller: CareTeamOrAdmin, request_id: RequestId, now: Now
) -> TherapistView:
    columns = body.columns()
    async with services.sessions() as session:
        columns |= await _in_words(session, columns, services=services)
        row = Therapist(id=uuid5(request_id, "therapist"), created_at=now, **columns)
        known = await therapist_by_slug(session, body.slug)
        if known is None:
            session.add(row)
            publish_therapist(session, row.slug, TherapistPart.PROFILE, at=now)
            try:
                await session.commit()
            except IntegrityError:
                await session.rollback()
                known = await therapist_by_slug(session, body.slug)
        if known is not None and known.id != row.id:
            raise wrong_fields([("slug", "is taken")])
        return await _view(session, row, services=services, caller=caller)


class ChangedTherapist(TherapistView):
    """``outside_hours``: booked appointments, ahead or running, that a change of time zone left outside the hours. To
    an admin, who sees no appointment, it is not there."""

    outside_hours: list[OutsideHoursView] = Field(default_factory=list)


@router.patch(
    "/therapists/{slug}",
    summary="Change a therapist's settings",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def change_therapist(
    *,
    slug: str,
    body: TherapistChanges,
    services: Svc,
    caller: PracticeOrAdmin,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> ChangedTherapist:
    """Where mails go to another address from now on, the former one is told."""
    columns = body.columns()
    must_be_own(caller, slug)
    async with services.sessions() as session:
        found = must_find("therapist", await therapist_by_slug(session, slug))
        therapist = await lock_therapist(session, found.id)
        if "zoom_link" in columns and columns["zoom_link"] is None:
            await _no_zoom_ahead(session, therapist, now=now)
        if columns.get("email", therapist.email) != therapist.email:
            await tell_therapist(session, therapist, reason=str(request_id), at=now)
            after.add_task(have_delivered, services.engine)
        columns |= await _in_words(session, columns, services=services)
        moved = columns.get("time_zone", therapist.time_zone) != therapist.time_zone
        for name, value in columns.items():
            setattr(therapist, name, value)
        session.add(therapist)
        if columns:
            publish_therapist(session, therapist.slug, TherapistPart.PROFILE, at=now)
        await session.flush()
        outside: dict[str, list[OutsideHoursView]] = {} if caller.role is Role.ADMIN else {"outside_hours": []}
        if moved:
            availability = await load_availability(session, therapist)
            outside = await outside_hours(session, therapist, availability, caller=caller, now=now)
        view = await _view(session, therapist, services=services, caller=caller)
        await session.commit()
    if moved:
        await wake_line(services, therapist)
    if "zoom_link" in columns:
        await tell_of_new_link(services, therapist, by=caller, request_id=request_id, now=now)
    return ChangedTherapist(**view.model_dump(exclude_unset=True), **outside)


async def _in_words(session: AsyncSession, columns: Mapping[str, Any], *, services: Svc) -> dict[str, Any]:
    """Those of the columns that hold words of the matching form, by code; none of them leaves the form meanwhile.
    Raises Refused for other words."""
    if not columns.keys() & {*IN_PROFILES, "licences"}:
        return {}
    vocabulary = vocabulary_of(await lock_words(session), services.settings)
    coded = by_code(vocabulary, IN_PROFILES, columns)
    if "licences" in columns:
        coded["licences"] = [
            licence | by_code(vocabulary, {"state": FormPart.STATES}, licence, under=f"licences[{number}].")
            for number, licence in enumerate(columns["licences"])
        ]
    return coded


async def _no_zoom_ahead(session: AsyncSession, therapist: Therapist, *, now: datetime) -> None:
    """A link that clients were told, and will need, can be changed but not taken away. Raises Refused."""
    number = await zoom_appointments_ahead(session, therapist.id, now=now)
    if therapist.zoom_link is not None and number:
        needed = "1 Zoom appointment is" if number == 1 else f"{number} Zoom appointments are"
        message = f"cannot be removed while {needed} ahead; give a new link instead, or cancel them first"
        raise wrong_fields([("zoom_link", message)])


def must_be_own(caller: Caller, slug: str) -> None:
    """A therapist changes their own settings; the care team and admins anybody's."""
    if not caller.keeps_profiles and caller.therapist != slug:
        raise refuse(Problem.NOT_ALLOWED, "A therapist can change only their own settings.")


@router.get(
    "/therapists",
    dependencies=[versioned(MadeOf.PUBLIC)],
    summary="Therapists",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_therapists(
    services: Svc,
    caller: Anyone,
    page: BySlug,
    accepting_clients: Annotated[bool | None, Query()] = None,
) -> Listed[TherapistView]:
    async with services.sessions() as session:
        found = await read_list_therapists(session, page=page, accepting=accepting_clients)
        rows, last = cut(found, page)
        active = await active_clients(session, [row.id for row in rows])
    url = services.settings.public_url
    views = [therapist_view(row, caller=caller, public_url=url, active=active.get(row.id, 0)) for row in rows]
    return listed(views, (last.slug,) if last else None)


@router.get(
    "/therapists/{slug}",
    dependencies=[versioned(MadeOf.PUBLIC)],
    summary="One therapist",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_therapist(slug: str, services: Svc, caller: Anyone) -> TherapistView:
    async with services.sessions() as session:
        therapist = must_find("therapist", await therapist_by_slug(session, slug))
        return await _view(session, therapist, services=services, caller=caller)


async def _view(session: AsyncSession, therapist: Therapist, *, services: Svc, caller: Caller | None) -> TherapistView:
    active = await active_clients(session, [therapist.id])
    return therapist_view(
        therapist,
        caller=caller,
        public_url=services.settings.public_url,
        active=active.get(therapist.id, 0),
    )
