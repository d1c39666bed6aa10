"""Goals of a client's treatment plan. What they say stays in their row: the timeline tells of them by their ids."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.types.care import GoalChange, GoalOrder
from activities.types.clients import Done
from activities.words import heard
from models.reads.journey import project
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import ClientStatus, GoalStatus
from rules.journey.goals import WeeklyTime, read_weekly, write_weekly
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

SET = AnsweredOnce("create_goal", Done)
CHANGED = AnsweredOnce("change_goal", Done)
_NO_SUCH_GOAL = Refusal(name=Problem.NOT_FOUND, detail="There is no such goal.")
_ONLY_COMPLETING = Refusal(name=Problem.NOT_ALLOWED, detail="A goal can be completed here; its therapist changes it.")
_ARCHIVED = Refusal(name=Problem.CLIENT_ARCHIVED, detail="This client is archived; make the client active first.")
_NO_TEXT = invalid("text", "is required")
_NO_TIME = invalid("remind", 'must be a weekday and a time, such as {"weekday": "mon", "at": "09:00"}')


class GoalActivities(Activities):
    @activity.defn
    async def create_goal(self, order: GoalOrder) -> Done:
        """Set a goal; refused for an archived client."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await SET.given(session, client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=client.id)
            refusal = _refuse(order.text, order.remind)
            if client.status is ClientStatus.ARCHIVED:
                refusal = _ARCHIVED
            if refusal is not None:
                return Done(refusal=refusal)
            goal_id = derived_id(order.request_id, "goal")
            goal = Goal(id=goal_id, client_id=client.id, text=order.text, made_by=order.by.actor, made_at=now)
            _set_reminder(goal, order.remind, at=now)
            session.add(goal)
            _say(session, client, goal, order, at=now, kind=FactKind.GOAL_SET, text="A goal was set.")
            return SET.keep(session, client, order, Done(facts=await project(session, client)), at=now)

    @activity.defn
    async def change_goal(self, order: GoalChange) -> Done:
        """Change a goal, or complete it, which is all that the client side may do. An archived client gets no new
        reminder.
        """
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            goal = await session.get(Goal, UUID(order.goal_id))
            if goal is None or goal.client_id != client.id:
                return Done(refusal=_NO_SUCH_GOAL)
            given = await CHANGED.given(session, client, order)
            if given is not None:
                return given  # what was changed since, by another request, stands
            order = await heard(session, order, about=client.id)
            refusal = _refuse_change(client, goal, order)
            if refusal is not None:
                return Done(refusal=refusal)
            before = goal.model_dump()
            _change(session, client, goal, order, at=now)
            done = Done(facts=await project(session, client), changed=goal.model_dump() != before)
            return CHANGED.keep(session, client, order, done, at=now)


def _refuse(text: str | None, remind: WeeklyTime | None) -> Refusal | None:
    if text is not None and not text.strip():
        return _NO_TEXT
    return _NO_TIME if remind is not None and read_weekly(remind) is None else None


def _refuse_change(client: Client, goal: Goal, order: GoalChange) -> Refusal | None:
    more = order.text is not None or order.remind is not None or order.no_reminder
    if not order.by.is_practice and (more or order.status is GoalStatus.OPEN):
        return _ONLY_COMPLETING
    archived = client.status is ClientStatus.ARCHIVED
    if archived and order.remind is not None and order.remind != _reminder(goal):
        return _ARCHIVED
    return _refuse(order.text, order.remind)


def _change(session: AsyncSession, client: Client, goal: Goal, order: GoalChange, *, at: datetime) -> None:
    changed = []
    if order.text is not None and order.text != goal.text:
        goal.text = order.text
        changed.append("text")
    wanted = None if order.no_reminder else order.remind or _reminder(goal)
    if wanted != _reminder(goal):
        _set_reminder(goal, wanted, at=at)
        changed.append("remind")
    if changed:
        _say(
            session, client, goal, order, at=at, kind=FactKind.GOAL_CHANGED, text="A goal was changed.", changed=changed
        )
    if order.status is GoalStatus.COMPLETED and goal.status is GoalStatus.OPEN:
        goal.status, goal.completed_at, goal.completed_by = GoalStatus.COMPLETED, at, order.by.actor
        _say(session, client, goal, order, at=at, kind=FactKind.GOAL_COMPLETED, text="A goal was completed.")
    elif order.status is GoalStatus.OPEN and goal.status is GoalStatus.COMPLETED:
        goal.status, goal.completed_at, goal.completed_by = GoalStatus.OPEN, None, None
        _set_reminder(goal, _reminder(goal), at=at)
        _say(session, client, goal, order, at=at, kind=FactKind.GOAL_REOPENED, text="A goal was opened again.")


def _reminder(goal: Goal) -> WeeklyTime | None:
    if goal.remind_weekday is None or goal.remind_minute is None:
        return None
    return write_weekly(goal.remind_weekday, goal.remind_minute)


def _set_reminder(goal: Goal, remind: WeeklyTime | None, *, at: datetime) -> None:
    """Let the reminder stand from now on."""
    weekly = read_weekly(remind) if remind else None
    goal.remind_weekday, goal.remind_minute = weekly or (None, None)
    goal.remind_since = at if weekly else None


def _say(
    session: AsyncSession,
    client: Client,
    goal: Goal,
    order: GoalOrder | GoalChange,
    *,
    at: datetime,
    kind: FactKind,
    text: str,
    **more: Any,
) -> None:
    remind = _reminder(goal)
    tell(
        session,
        client,
        kind,
        at=at,
        by=order.by.actor,
        text=text,
        data={
            "goal_id": str(goal.id),
            "remind": {"weekday": remind.weekday, "at": remind.at} if remind else None,
            "request_id": order.request_id,
            **more,
        },
    )
