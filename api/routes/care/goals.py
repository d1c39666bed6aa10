"""Goals of a client's treatment plan: the therapist sets and changes them, the client reads and completes them."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from api.access_log.declared import shows
from api.accounts.openings import must_be_open
from api.accounts.portal import must_be_on
from api.bodies import Body, Prose
from api.commands import Command, commands_of
from api.deps import ByTime, Now, Svc, allow, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses
from api.views.care import GoalView, goal_view
from api.views.lists import Listed, cut, listed
from models.reads.care.goals import goals_of, visible_goal
from models.tables.care.goal import Goal
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.enums import GoalStatus, Role
from rules.refusals import Problem
from workflows.messages import CHANGE_GOAL, CREATE_GOAL

router = APIRouter(prefix="/v1", tags=["goals"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])

_READERS = (Role.THERAPIST, Role.CLIENT)
Reader = Annotated[Caller, Depends(allow(*_READERS, Role.CARE_TEAM))]
ByAuthor = Annotated[Command, Depends(commands_of(Role.THERAPIST))]
ByReader = Annotated[Command, Depends(commands_of(*_READERS))]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Remind(Body):
    """Once a week, at a local time of the client's, such as ``{"weekday": "mon", "at": "09:00"}``."""

    weekday: Weekday
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class GoalBody(Body):
    """``remind``: null is no reminder."""

    text: Prose
    remind: Remind | None = None


@router.post(
    "/clients/{client_id}/goals",
    status_code=201,
    summary="Set a goal, with a weekly reminder or none",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def set_goal(*, client_id: UUID, body: GoalBody, command: ByAuthor) -> GoalView:
    await command.must_see_client(client_id)
    _ = await command.ask(CREATE_GOAL, body, client_id=client_id)
    return goal_view(await command.row(Goal, command.id_of("goal")))


class GoalChanges(Body):
    """What is left out stays as it is, and so do a text and a status of null. ``remind``: null ends the reminder."""

    text: Prose | None = None
    remind: Remind | None = None
    status: GoalStatus | None = None


@router.patch(
    "/goals/{goal_id}",
    summary="Change a goal; a client can complete it",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def change_goal(*, goal_id: UUID, body: GoalChanges, command: ByReader) -> GoalView:
    """The client side can say ``{"status": "completed"}``, and nothing else."""
    caller = command.caller
    async with command.services.sessions() as session:
        found = must_find("goal", await visible_goal(session, caller, goal_id))
    goal, client = found
    must_be_on(client, caller, "goals")
    if not caller.is_practice and (body.model_fields_set != {"status"} or body.status is not GoalStatus.COMPLETED):
        raise refuse(Problem.NOT_ALLOWED, "A goal can be completed here; its therapist changes it.")
    no_reminder = "remind" in body.model_fields_set and body.remind is None
    _ = await command.ask(CHANGE_GOAL, body, client_id=client.id, goal_id=goal_id, no_reminder=no_reminder)
    return goal_view(await command.row(Goal, goal.id))


@router.get(
    "/clients/{client_id}/goals",
    summary="A client's goals, oldest first",
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def list_goals(*, client_id: UUID, services: Svc, caller: Reader, page: ByTime, now: Now) -> Listed[GoalView]:
    must_be_on(await must_see_client(services, caller, client_id), caller, "goals")
    async with services.sessions() as session:
        await must_be_open(session, caller, OpeningKind.GOALS, client_id, now=now)
        rows, last = cut(await goals_of(session, client_id, page), page)
    return listed([goal_view(row) for row in rows], (last.made_at, last.id) if last else None)
