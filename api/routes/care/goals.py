"""Goals of a client's treatment plan: the therapist sets and changes them, the client reads and completes them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from activities.types.clients import GoalChange, GoalOrder
from api.bodies import Body, Prose
from api.commands import journey_done
from api.deps import ByTime, RequestId, Svc, allow, must_see_client
from api.idempotency import IdempotentRoute
from api.portal import must_be_on
from api.problems import not_found, refuse, responses
from api.views.lists import Listed, cut, listed
from models.reads.care.goals import goals_of, visible_goal
from models.tables.care.goal import Goal
from rules.accounts.caller import Caller
from rules.enums import GoalStatus, Role
from rules.journey.goals import WeeklyTime, write_weekly
from rules.refusals import Problem
from workflows.messages import CHANGE_GOAL, CREATE_GOAL

router = APIRouter(prefix="/v1", tags=["goals"], route_class=IdempotentRoute)

Author = Annotated[Caller, Depends(allow(Role.THERAPIST))]
Reader = Annotated[Caller, Depends(allow(Role.THERAPIST, Role.CLIENT, Role.BOOKING_SITE))]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Remind(Body):
    """Once a week, at a local time of the client's, such as ``{"weekday": "mon", "at": "09:00"}``."""

    weekday: Weekday
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

    def weekly(self) -> WeeklyTime:
        return WeeklyTime(weekday=self.weekday, at=self.at)


class RemindView(BaseModel):
    weekday: str
    at: str


class GoalView(BaseModel):
    id: UUID
    client_id: UUID
    text: str
    remind: RemindView | None
    status: GoalStatus
    made_at: datetime
    completed_at: datetime | None


def _view(goal: Goal) -> GoalView:
    remind: RemindView | None = None
    if goal.remind_weekday is not None and goal.remind_minute is not None:
        weekly = write_weekly(goal.remind_weekday, goal.remind_minute)
        remind = RemindView(weekday=weekly.weekday, at=weekly.at)
    return GoalView(
        **goal.model_dump(include={"id", "client_id", "text", "status", "made_at", "completed_at"}),
        remind=remind,
    )


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
async def set_goal(
    *, client_id: UUID, body: GoalBody, services: Svc, caller: Author, request_id: RequestId
) -> GoalView:
    await must_see_client(services, caller, client_id)
    order = GoalOrder(
        request_id=str(request_id),
        client_id=str(client_id),
        by=caller,
        text=body.text,
        remind=body.remind.weekly() if body.remind else None,
    )
    _ = await journey_done(services, CREATE_GOAL, order, client_id=client_id, request_id=request_id)
    async with services.sessions() as session:
        return _view(await session.get_one(Goal, uuid5(request_id, "goal")))


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
async def change_goal(
    *, goal_id: UUID, body: GoalChanges, services: Svc, caller: Reader, request_id: RequestId
) -> GoalView:
    """The client side can say ``{"status": "completed"}``, and nothing else."""
    async with services.sessions() as session:
        found = await visible_goal(session, caller, goal_id)
    if found is None:
        raise not_found("goal")
    goal, client = found
    must_be_on(client, caller, "goals")
    if not caller.is_practice and (body.model_fields_set != {"status"} or body.status is not GoalStatus.COMPLETED):
        raise refuse(Problem.NOT_ALLOWED, "A goal can be completed here; its therapist changes it.")
    order = GoalChange(
        request_id=str(request_id),
        client_id=str(client.id),
        by=caller,
        goal_id=str(goal_id),
        text=body.text,
        remind=body.remind.weekly() if body.remind else None,
        no_reminder="remind" in body.model_fields_set and body.remind is None,
        status=body.status,
    )
    _ = await journey_done(services, CHANGE_GOAL, order, client_id=client.id, request_id=request_id)
    async with services.sessions() as session:
        return _view(await session.get_one(Goal, goal.id))


@router.get(
    "/clients/{client_id}/goals",
    summary="A client's goals, oldest first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_goals(*, client_id: UUID, services: Svc, caller: Reader, page: ByTime) -> Listed[GoalView]:
    must_be_on(await must_see_client(services, caller, client_id), caller, "goals")
    async with services.sessions() as session:
        rows, last = cut(await goals_of(session, client_id, page), page)
    return listed([_view(row) for row in rows], (last.made_at, last.id) if last else None)
