"""Command handlers: a request's body becomes an order, the order an update of a journey, its answer a view's source.

A refusal raises, the rest comes back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID, uuid5

import structlog
from fastapi import Depends, Request
from pydantic import BaseModel, TypeAdapter
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.booking import Changed
from activities.types.words import said_in, without_words
from api.deps import PRACTICE, WITH_CLIENTS, RequestId, Services, Svc, allow, asker_of, must_see_client
from api.engine import GONE, Gone
from api.problems import EngineUnavailable, refuse
from models.reads.booking.appointments import clients_with_an_old_link, visible_appointment
from models.reads.booking.waitlist import somebody_waits, therapists_waited_for
from models.reads.forms.requests import clients_to_ask_again
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.handed_in import HandedIn
from models.tables.forms.text import PracticeText
from models.writes.clients.handed_in import hand_in
from rules.accounts.caller import Caller, client_caller
from rules.enums import AppointmentStatus, Role
from rules.refusals import Problem
from workflows.messages import (
    FORM_VERSION_PUBLISHED,
    LINKS_CHANGED,
    FormVersionSignal,
    LinksSignal,
    Update,
    appointment_workflow_id,
    journey_id,
)

log = structlog.get_logger(__name__)

_LOOK_AGAIN_AFTER = 0.2
_LOOKS = 10


Argument = TypeVar("Argument")
Answer = TypeVar("Answer")
Row = TypeVar("Row", bound=SQLModel)


@cache
def _reader(kind: Any) -> tuple[TypeAdapter[Any], frozenset[str]]:
    """What makes an order from its fields, and their names."""
    assert is_dataclass(kind)
    return TypeAdapter(kind), frozenset(field.name for field in fields(kind))


def order_of(
    kind: type[Argument], body: BaseModel | None = None, /, *, context: dict[str, object], **said: object
) -> Argument:
    """The order (an argument of an update) that a body asks for, field by field of the same name.

    A body declares what differs: another name in the order as ``serialization_alias``, a field that is no part of the
    order with ``exclude``. ``said`` is what the body does not say, or says otherwise. Of the ``context`` an order takes
    what it has a field for. Ids become text. Raises TypeError for a field that the order does not have, and pydantic's
    ValidationError for a value of another type: both are faults of the route, not of the request.
    """
    reader, names = _reader(cast(Any, kind))
    asked = {**(body.model_dump(by_alias=True) if body is not None else {}), **said}
    if unknown := asked.keys() - names:
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    given = {**{name: value for name, value in context.items() if name in names}, **asked}
    order: Argument = reader.validate_python(
        {name: str(value) if isinstance(value, UUID) else value for name, value in given.items()}
    )
    return order


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command has: the services, who asks, and the id of the request, from which the ids of what it makes
    follow. ``own``: who asks, if it is the client whom it is about, as they stood when they were let in.
    ``read_in``: a session that has read what is looked at before, in whose transaction words are handed in."""

    services: Services
    caller: Caller
    request_id: UUID
    own: Client | None = None
    read_in: AsyncSession | None = None

    def order(
        self, kind: type[Argument], body: BaseModel | None = None, /, *, client_id: UUID, **said: object
    ) -> Argument:
        """The order of this command, for a client's journey (``order_of``)."""
        context = {"request_id": self.request_id, "client_id": client_id, "by": self.caller}
        return order_of(kind, body, context=context, **said)

    async def ask(
        self, update: Update[Argument, Answer], body: BaseModel | None = None, /, *, client_id: UUID, **said: object
    ) -> Answer:
        """What a client's journey answers to what the body says (``order_of``).

        Raises Refused, also for a journey that was closed.
        """
        answer = await self.ask_if_open(update, body, client_id=client_id, **said)
        if isinstance(answer, Gone):
            raise refuse(Problem.NOT_FOUND, "This journey was closed. Please begin a new one.")
        return answer

    async def ask_if_open(
        self, update: Update[Argument, Answer], body: BaseModel | None = None, /, *, client_id: UUID, **said: object
    ) -> Answer | Gone:
        """The same, but for a journey that was closed: Gone."""
        order = await self.hand_in(self.order(update.argument, body, client_id=client_id, **said), about=client_id)
        workflow_id = journey_id(str(client_id))
        return await self.services.engine.update(workflow_id, update, order, request_id=self.request_id)

    async def change(
        self, update: Update[Argument, Changed], body: BaseModel, /, *, appointment_id: UUID, **said: object
    ) -> Changed | Gone:
        """What an appointment's workflow answers to what the body says (``order_of``), or Gone when it has ended.

        Raises Refused, and EngineUnavailable when a workflow that should be there does not start.
        """
        context = {"request_id": self.request_id, "appointment_id": appointment_id, "by": self.caller}
        order = await self.hand_in(order_of(update.argument, body, context=context, **said), about=appointment_id)
        workflow_id = appointment_workflow_id(str(appointment_id))
        for _ in range(_LOOKS):
            answer = await self.services.engine.update(workflow_id, update, order, request_id=self.request_id)
            if not isinstance(answer, Gone):
                return answer
            async with self.services.sessions() as session:
                fresh = await visible_appointment(session, self.caller, appointment_id)
            if fresh is not None and fresh.appointment.status is not AppointmentStatus.SCHEDULED:
                return GONE
            # Booked a moment ago, and its workflow is about to start.
            await asyncio.sleep(_LOOK_AGAIN_AFTER)
        raise EngineUnavailable

    async def hand_in(self, order: Argument, *, about: UUID) -> Argument:
        """The order as it goes through the engine: what people said in it is stored before, and named. No connection is
        kept while the engine is asked: what was ``read_in`` before ends here."""
        said = said_in(order)
        if not said:
            if self.read_in is not None:
                await self.read_in.rollback()
            return order
        row = HandedIn(
            id=self.id_of(f"handed in/{type(order).__name__}"),
            request_id=str(self.request_id),
            about=about,
            said=said,
            handed_in_by=self.caller.actor,
            handed_in_at=await self.services.clock.now(),
        )
        async with nullcontext(self.read_in) if self.read_in else self.services.sessions() as session:
            await hand_in(session, row)
            await session.commit()
        return without_words(order, handed_in=str(row.id))

    async def must_see_client(self, client_id: UUID) -> Client:
        """The client, if the caller may see them, for what is looked at before anything is asked for. Raises Refused:
        not found."""
        if self.own is not None and self.own.id == client_id:
            return self.own
        return await must_see_client(self.services, self.caller, client_id)

    def id_of(self, what: str) -> UUID:
        """The id of what this request makes: the same request again means the same thing."""
        return uuid5(self.request_id, what)

    async def row(self, table: type[Row], id: UUID) -> Row:
        """A row that is there, as it stands now."""
        async with self.services.sessions() as session:
            return await session.get_one(table, id)


def commands_of(*roles: Role) -> Callable[..., Awaitable[Command]]:
    """A dependency: a command of one of these roles."""

    async def command(
        request: Request, services: Svc, request_id: RequestId, caller: Annotated[Caller, Depends(allow(*roles))]
    ) -> Command:
        asker = await asker_of(request)
        own = asker.own if asker is not None else None
        return Command(services=services, caller=caller, request_id=request_id, own=own)

    return command


ByKnown = Annotated[Command, Depends(commands_of(*WITH_CLIENTS))]
ByPractice = Annotated[Command, Depends(commands_of(*PRACTICE))]
ByCareTeam = Annotated[Command, Depends(commands_of(Role.CARE_TEAM))]


def command_by_link(services: Services, client_id: UUID, *, request_id: UUID) -> Command:
    """What whoever has the link that was mailed to a client asks for counts as asked by the client."""
    return Command(services=services, caller=client_caller(str(client_id)), request_id=request_id)


async def wake_line(services: Services, therapist: Therapist) -> None:
    """Let a waitlist look again after something was written that may have freed time.

    What was written stands in any case: a line that cannot be told now looks by itself within a day.
    """
    async with services.sessions() as session:
        if not await somebody_waits(session, therapist.id):
            return
    try:
        await services.engine.wake_line(therapist.slug)
    except EngineUnavailable:
        log.warning("a waitlist could not be told that time was freed", therapist=therapist.slug)


async def wake_calendar(services: Services, calendar_id: UUID) -> None:
    """Let a calendar that is kept elsewhere be read now; or let it be settled that it was taken away. What cannot be
    told now the keeper finds."""
    try:
        await services.engine.wake_calendar(str(calendar_id))
    except EngineUnavailable:
        log.warning("a calendar could not be read at once", calendar=str(calendar_id))


async def wake_every_line(services: Services) -> None:
    """The same for every therapist in whose line somebody waits."""
    async with services.sessions() as session:
        waited_for = await therapists_waited_for(session)
    for therapist in waited_for:
        await wake_line(services, therapist)


async def tell_of_new_link(
    services: Services, therapist: Therapist, *, by: Caller, request_id: UUID, now: datetime
) -> None:
    """Let every journey take over the therapist's new Zoom link, for the appointments ahead that still have another.

    Raises EngineUnavailable when the engine is away: the link is saved by then, and saving it again tells the rest.
    """
    async with services.sessions() as session:
        clients = await clients_with_an_old_link(session, therapist, now=now)
    for client_id in clients:
        news = LinksSignal(request_id=str(uuid5(request_id, str(client_id))), therapist=therapist.slug, by=by.actor)
        await services.engine.signal(journey_id(str(client_id)), LINKS_CHANGED, news)


async def tell_of_new_version(services: Services, template: PracticeText) -> None:
    """Let the journeys of those who have an older version of this form ask for the new one, a page of them at a time.

    Raises EngineUnavailable when the engine is away: the version is published by then, and the next start of
    the API (``api.announcing``) or the next booking of whoever was not told does the rest.
    """
    news, after = FormVersionSignal(kind=template.kind), None
    while True:
        async with services.sessions() as session:
            clients = await clients_to_ask_again(session, template, after=after, limit=_AT_ONCE)
        told = (services.engine.signal(journey_id(str(id)), FORM_VERSION_PUBLISHED, news) for id in clients)
        await asyncio.gather(*told)
        if len(clients) < _AT_ONCE:
            return
        after = clients[-1]


_AT_ONCE = 50
