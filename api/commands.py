"""Asking a journey, and turning its answer into what a route can use: a refusal raises, the rest comes back."""

import asyncio
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID, uuid5

import structlog

from api.deps import Services
from api.engine import GONE, Gone
from api.problems import EngineUnavailable, Refused, refuse
from models.reads.booking.appointments import clients_with_an_old_link, visible_appointment
from models.reads.booking.waitlist import somebody_waits
from models.tables.booking.therapist import Therapist
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus
from rules.refusals import Problem, Refusal
from workflows.messages import LINKS_CHANGED, Changed, LinksSignal, Update, appointment_workflow_id, journey_id

log = structlog.get_logger(__name__)

_LOOK_AGAIN_AFTER = 0.2
_LOOKS = 10


class MayRefuse(Protocol):
    @property
    def refusal(self) -> Refusal | None: ...


Argument = TypeVar("Argument")
Answer = TypeVar("Answer", bound=MayRefuse)


async def journey_done(
    services: Services, update: Update[Argument, Answer], order: Argument, *, client_id: UUID, request_id: UUID
) -> Answer:
    """What a client's journey answered. Raises Refused, also for a journey that was closed."""
    answer = await services.engine.update(journey_id(str(client_id)), update, order, request_id=request_id)
    if isinstance(answer, Gone):
        raise refuse(Problem.NOT_FOUND, "This journey was closed. Please begin a new one.")
    if answer.refusal is not None:
        raise Refused(answer.refusal)
    return answer


async def appointment_changed(
    services: Services,
    caller: Caller,
    update: Update[Argument, Changed],
    order: Argument,
    *,
    appointment_id: UUID,
    request_id: UUID,
) -> Changed | Gone:
    """What an appointment's workflow answered, or Gone when it has ended. Raises Refused."""
    workflow_id = appointment_workflow_id(str(appointment_id))
    for _ in range(_LOOKS):
        answer = await services.engine.update(workflow_id, update, order, request_id=request_id)
        if not isinstance(answer, Gone):
            if answer.refusal is not None:
                raise Refused(answer.refusal)
            return answer
        async with services.sessions() as session:
            fresh = await visible_appointment(session, caller, appointment_id)
        if fresh is not None and fresh.appointment.status is not AppointmentStatus.SCHEDULED:
            return GONE
        # Booked a moment ago, and its workflow is about to start.
        await asyncio.sleep(_LOOK_AGAIN_AFTER)
    raise EngineUnavailable


async def wake_line(services: Services, therapist: Therapist) -> None:
    """Let a waitlist look again after something was written that may have freed time.

    What was written stands in any case: a line that cannot be told now looks by itself within a day.
    """
    async with services.sessions() as session:
        if not await somebody_waits(session, therapist.id):
            return
    try:
        await services.engine.wake_line(therapist.slug, services.settings.policy)
    except EngineUnavailable:
        log.warning("a waitlist could not be told that time was freed", therapist=therapist.slug)


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
