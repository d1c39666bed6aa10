"""Reading goals: who may see which, and which a journey reminds of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import may_see_client
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import GoalStatus
from rules.journey.goals import GoalReminder


async def goals_of(session: AsyncSession, client_id: UUID, page: Page) -> Sequence[Goal]:
    """A client's goals, oldest first; one more than the page holds, if there are more."""
    statement = select(Goal).where(col(Goal.client_id) == client_id).order_by(col(Goal.made_at), col(Goal.id))
    return await one_page(session, statement, page, Goal.made_at, Goal.id)


async def visible_goal(session: AsyncSession, caller: Caller, goal_id: UUID) -> tuple[Goal, Client] | None:
    """A goal with its client, if the caller may see that client."""
    statement = (
        select(Goal, Client)
        .join(Client, col(Client.id) == col(Goal.client_id))
        .where(col(Goal.id) == goal_id, may_see_client(caller))
    )
    return (await session.exec(statement)).first()


def may_be_reminded_of_goals(client: Client) -> bool:
    """Whether such a mail could go to the client, and is not switched off."""
    return client.email is not None and not client.unsubscribed and client.portal_settings.get("goals", True)


def goals_to_remind_of(client_id: ColumnElement[UUID], gets_mails: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The weekly reminders of a client, by the names of ``GoalReminder``, as part of a larger question; none for whom
    such a mail could not go to, or is switched off."""
    reminders: Select[*tuple[Any, ...]] = select_columns(
        col(Goal.id),
        col(Goal.remind_weekday).label("weekday"),
        col(Goal.remind_minute).label("minute"),
        col(Goal.remind_since).label("since"),
        col(Goal.reminded_at),
    )
    return reminders.where(
        gets_mails,
        col(Goal.client_id) == client_id,
        col(Goal.status) == GoalStatus.OPEN,
        col(Goal.remind_since).is_not(None),
        col(Goal.remind_weekday).is_not(None),
    ).order_by(col(Goal.made_at), col(Goal.id))


async def still_reminded_of(
    session: AsyncSession, client: Client, goals: Mapping[str, datetime]
) -> tuple[GoalReminder, ...]:
    """Of these goals, each with the instant since when its reminder stood, those for which that has not changed."""
    if not goals:
        return ()
    found = await session.exec(
        select(Goal).where(
            col(Goal.client_id) == client.id,
            col(Goal.id).in_([UUID(id) for id in goals]),
            col(Goal.status) == GoalStatus.OPEN,
        )
    )
    standing = (reminder_of(goal) for goal in found)
    return tuple(reminder for reminder in standing if reminder is not None and goals[reminder.id] == reminder.since)


def reminder_of(goal: Goal) -> GoalReminder | None:
    if goal.remind_weekday is None or goal.remind_minute is None or goal.remind_since is None:
        return None
    return GoalReminder(
        id=str(goal.id),
        weekday=goal.remind_weekday,
        minute=goal.remind_minute,
        since=goal.remind_since,
        reminded_at=goal.reminded_at,
    )
