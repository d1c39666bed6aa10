"""What routes ask for: the services, who is asking, and the id that what they create follows from."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import AwareDatetime

from api.accounts.callers import Asker, token_caller
from api.accounts.factors.challenges import Passkeys
from api.accounts.factors.enrolling import opens_without_factor
from api.accounts.factors.showing import Showing
from api.accounts.key_uses import KeyUses
from api.accounts.oidc.provider import Provider
from api.accounts.on_behalf import HEADER as ON_BEHALF_OF
from api.accounts.on_behalf import RENEWAL, on_behalf_of
from api.accounts.programs import program_with
from api.accounts.reach import must_be_in_reach
from api.accounts.signing_in.passwords import Passwords
from api.accounts.tokens import read_bearer, unauthenticated
from api.accounts.visitors import Visitor, counted_for, visitor_of
from api.bounds.disk import Disk
from api.bounds.making import Making
from api.engine import JourneyEngine
from api.problems import Refused, not_found, refuse, wrong_fields
from api.request_ids import take_request_id
from api.settings import ApiSettings
from api.slots.kept import KeptSlots
from api.watching.practice import WatchedPractice
from api.watching.requests import Metrics
from engine.clock import Clock, SystemClock
from engine.codec import PayloadKeys
from engine.watching.requests import route_of
from models.database import Sessions
from models.paging import DEFAULT_LIMIT, MOST, BadCursor, Page, read_cursor
from models.pulse import Pulse
from models.reads.booking.appointments import AppointmentRow, visible_appointment
from models.reads.clients.clients import overseen_client, visible_client
from models.tables.accounts.account import Account
from models.tables.accounts.token import TokenKind
from models.tables.clients.client import Client
from rules.accounts.budgets import CountedFor
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem

_UPLOADS = 2  # files that one process has in memory at a time


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything the API stands on. ``real_clock`` is for what the world outside measures; ``clock``, which may be a
    movable one, for all else."""

    sessions: Sessions
    engine: JourneyEngine
    clock: Clock
    settings: ApiSettings
    cipher: PayloadKeys
    passwords: Passwords
    metrics: Metrics
    practice: WatchedPractice
    disk: Disk
    uploads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_UPLOADS))
    making: Making = field(default_factory=Making)  # of files
    pulse: Pulse | None = None  # of the database
    key_uses: KeyUses = field(default_factory=KeyUses)
    slots: KeptSlots = field(default_factory=KeptSlots)
    real_clock: Clock = field(default_factory=SystemClock)
    provider: Provider | None = None  # by which staff may sign in

    @property
    def passkeys(self) -> Passkeys:
        return Passkeys(sessions=self.sessions, settings=self.settings, engine=self.engine)


@dataclass(frozen=True, kw_only=True)
class SignedInAs:
    """A person who has signed in: their account, and the hash of the token that they showed."""

    account: Account
    token_hash: str


def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Svc = Annotated[Services, Depends(services_of)]

_bearer = HTTPBearer(
    auto_error=False,
    description="A program's key, a person's token (POST /v1/sessions), or a therapist's token.",
)
_beside = APIKeyHeader(
    name=ON_BEHALF_OF,
    auto_error=False,
    description="Beside a program's key, for whom it speaks: Bearer, and a client's pass or a person's token.",
)


async def asker_of(request: Request) -> Asker | None:
    """Who is asking, or for whom a program asks; None without a token. Raises Refused for a token that is not valid
    (any more)."""
    if hasattr(request.state, "asker"):
        known = request.state.asker
        assert known is None or isinstance(known, Asker)
        return known
    services = services_of(request)
    said = request.headers.getlist("authorization")
    if len(said) > 1:  # whoever reads another one of them than we do would let in somebody else
        raise unauthenticated("Authorization is said once.")
    token = read_bearer(said[0] if said else None)
    asker: Asker | None = None
    if token is not None:
        asker = await _asker_with(request, services, token)
        if asker is None:
            raise unauthenticated("This token is not valid, or not valid any more.")
    if beside := request.headers.getlist(ON_BEHALF_OF):
        asker = await on_behalf_of(
            services.sessions,
            asker,
            beside,
            factor_demanded=_factor_demanded(request, services),
            policy=services.settings.policy,
            now=await services.clock.now(),
            about=_about(request),
            asks_again=_may_renew_again(request),
        )
    if asker is not None and asker.program is not None:
        take_request_id(request.scope)
    request.state.asker = asker
    return asker


def _may_renew_again(request: Request) -> bool:
    """Whether what is stored for an ``Idempotency-Key`` may be what a pass was renewed to. A pass that has ended renews
    nothing: by another key it is refused."""
    return request.method == "POST" and route_of(request.scope) == RENEWAL and "Idempotency-Key" in request.headers


def _factor_demanded(request: Request, services: Services) -> bool:
    return services.settings.staff_second_factor and not opens_without_factor(request)


async def _asker_with(request: Request, services: Services, token: str) -> Asker | None:
    sessions, settings, clock = services.sessions, services.settings, services.clock
    program = await program_with(sessions, token, settings=settings, clock=clock)
    if program is not None:
        return Asker(callers=(program.caller,), program=program)
    kinds = (TokenKind.SESSION, TokenKind.THERAPIST)
    return await token_caller(
        sessions,
        token,
        kinds,
        factor_demanded=_factor_demanded(request, services),
        policy=settings.policy,
        now=await clock.now(),
        about=_about(request),
    )


def _about(request: Request) -> UUID | None:
    """The client in the path of what changes something."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    with suppress(ValueError):  # what is no id, the route says
        return UUID(str(request.path_params.get("client_id")))
    return None


async def caller_of(request: Request) -> Caller | None:
    """In which role they ask. Raises Refused for a token that is not valid (any more)."""
    asker = await asker_of(request)
    tried: Caller | None = getattr(request.state, "caller", None)
    return tried or (asker.callers[0] if asker is not None else None)


async def _from_where(request: Request) -> Visitor:
    return visitor_of(request, await asker_of(request), services_of(request).cipher)


FromWhere = Annotated[Visitor, Depends(_from_where)]


async def _for_whom(request: Request, visitor: FromWhere) -> CountedFor:
    return counted_for(await asker_of(request), visitor, services_of(request).cipher)


ForWhom = Annotated[CountedFor, Depends(_for_whom)]


async def must_reach(request: Request) -> None:
    """Raises Refused for a call that a key's scopes leave out, or a pass does not open, whatever the role."""
    asker = await asker_of(request)
    if asker is not None:
        must_be_in_reach(request, asker)


ROLES = "roles_let_in"


def allow(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets these roles in."""

    async def allowed(
        request: Request, _: Annotated[object, Security(_bearer)], __: Annotated[object, Security(_beside)]
    ) -> Caller:
        caller = await caller_of(request)
        if caller is None:
            raise unauthenticated()
        if caller.role is Role.BOOKING_SITE and caller.role not in roles:
            raise refuse(Problem.NOT_ALLOWED, f"The site's key alone opens no record: {ON_BEHALF_OF} says for whom.")
        if caller.role not in roles:
            raise refuse(Problem.NOT_ALLOWED, f"This is not for the role {caller.role.value}.")
        await must_reach(request)
        return caller

    allowed.__dict__[ROLES] = roles  # for the description
    return allowed


async def _anyone(
    request: Request, _: Annotated[object, Security(_bearer)], __: Annotated[object, Security(_beside)]
) -> Caller | None:
    caller = await caller_of(request)
    try:
        await must_reach(request)
    except Refused:  # what anybody may, they may too, as anybody
        return None
    return caller


_anyone.__dict__[ROLES] = ()  # everybody, known or not
PRACTICE = (Role.THERAPIST, Role.CARE_TEAM)
WITH_CLIENTS = (Role.CLIENT, *PRACTICE)  # whom anything about a client can be meant for: no admin, in no call
PERSONS = (*WITH_CLIENTS, Role.ADMIN)
Anyone = Annotated[Caller | None, Depends(_anyone)]


async def _signed_in(request: Request, _: Annotated[Caller, Depends(allow(*PERSONS))]) -> SignedInAs:
    asker = await asker_of(request)
    if asker is None or asker.account is None or asker.token_hash is None:
        raise refuse(Problem.NOT_ALLOWED, "This is for people who have signed in.")
    return SignedInAs(account=asker.account, token_hash=asker.token_hash)


Person = Annotated[SignedInAs, Depends(_signed_in)]
Known = Annotated[Caller, Depends(allow(*WITH_CLIENTS))]
KnownOrSite = Annotated[Caller, Depends(allow(*WITH_CLIENTS, Role.BOOKING_SITE))]
Practice = Annotated[Caller, Depends(allow(*PRACTICE))]
CareTeam = Annotated[Caller, Depends(allow(Role.CARE_TEAM))]
Admin = Annotated[Caller, Depends(allow(Role.ADMIN))]
# What is no client's: oneself, the house, and who looked.
AnyPerson = Annotated[Caller, Depends(allow(*PERSONS))]
AnyRole = Annotated[Caller, Depends(allow(*Role))]
PracticeOrAdmin = Annotated[Caller, Depends(allow(*PRACTICE, Role.ADMIN))]
CareTeamOrAdmin = Annotated[Caller, Depends(allow(Role.CARE_TEAM, Role.ADMIN))]


async def _request_id(request: Request) -> UUID:
    known = getattr(request.state, "request_id", None)
    return known if isinstance(known, UUID) else uuid4()


RequestId = Annotated[UUID, Depends(_request_id)]


async def _now(services: Svc) -> datetime:
    return await services.clock.now()


Now = Annotated[datetime, Depends(_now)]


async def _showing(services: Svc, request_id: RequestId, now: Now) -> Showing:
    return Showing(real=await services.real_clock.now(), now=now, request_id=request_id)


ShowingCode = Annotated[Showing, Depends(_showing)]


Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query(max_length=1000, description="As the page before gave it.")]


def page_of(*kinds: type) -> Callable[..., Page]:
    """A dependency that reads ``limit`` and ``cursor`` of a list sorted by values of these kinds."""

    def read(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page:
        return page_behind(cursor, kinds, limit=limit)

    return read


def page_behind(cursor: str | None, kinds: tuple[type, ...], *, limit: int) -> Page:
    """The page behind a cursor with values of these kinds. Raises Refused for a cursor of no such list."""
    if cursor is None:
        return Page(limit=limit)
    try:
        return Page(limit=limit, after=read_cursor(cursor, kinds))
    except BadCursor as error:
        raise wrong_fields([("cursor", str(error))]) from error


ByTime = Annotated[Page, Depends(page_of(datetime, UUID))]
ByDay = Annotated[Page, Depends(page_of(date))]
UpdatedSince = Annotated[
    AwareDatetime | None,
    Query(
        description="Only what has changed at this instant or later, in the order of its last change, oldest first. Ask"
        " next time with the `as_of` of the first page: nothing is missed then, and something may be told twice."
    ),
]
BySlug = Annotated[Page, Depends(page_of(str))]
ByNumber = Annotated[Page, Depends(page_of(int))]


async def must_see_client(services: Services, caller: Caller, client_id: UUID) -> Client:
    """The client, if the caller may see them. Raises Refused: not found."""
    async with services.sessions() as session:
        client = await visible_client(session, caller, client_id)
    if client is None:
        raise not_found("client")
    return client


async def must_oversee_client(services: Services, caller: Caller, client_id: UUID) -> Client:
    """The client, for what is answered about who looked: whoever sees them, and admins. Raises Refused: not found."""
    async with services.sessions() as session:
        client = await overseen_client(session, caller, client_id)
    if client is None:
        raise not_found("client")
    return client


async def must_see_appointment(services: Services, caller: Caller, appointment_id: UUID) -> AppointmentRow:
    """The appointment, if the caller may see it. Raises Refused: not found."""
    async with services.sessions() as session:
        row = await visible_appointment(session, caller, appointment_id)
    if row is None:
        raise not_found("appointment")
    return row
