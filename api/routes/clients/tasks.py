"""Tasks: what the care team must look at."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.bodies import Body, Reason
from api.commands import Command, commands_of
from api.deps import ByTime, CareTeamOrAdmin, Now, Svc, UpdatedSince
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, responses
from api.reading.versioned import MadeOf, versioned
from api.views.clients import ListedTasks, TaskView
from api.views.lists import cut, listed
from models.paging import Page, cursor_of
from models.reads.changed_since import changed_since
from models.reads.clients.tasks import list_changed_tasks, totals_of_tasks
from models.reads.clients.tasks import list_tasks as read_list_tasks
from models.tables.clients.task import Task
from models.writes.events.publish import publish_task
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.changes import ChangedKind
from rules.enums import Role, TaskKind
from rules.events.kinds import EventKind
from rules.refusals import Problem
from workflows.messages import RESOLVE_TASK

ByCareTeamOrAdmin = Annotated[Command, Depends(commands_of(Role.CARE_TEAM, Role.ADMIN))]

router = APIRouter(prefix="/v1", tags=["tasks"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])


@router.get(
    "/tasks",
    dependencies=[versioned(MadeOf.MANY)],
    summary="Tasks, oldest first; the open ones unless asked",
    responses=responses(),
)
async def list_tasks(
    *,
    services: Svc,
    caller: CareTeamOrAdmin,
    page: ByTime,
    resolved: Annotated[
        bool | None, Query(description="true for those done; false, the default, for open ones.")
    ] = False,
    kind: Annotated[TaskKind | None, Query()] = None,
    client: Annotated[UUID | None, Query()] = None,
    updated_since: UpdatedSince = None,
) -> ListedTasks:
    """An admin sees those alone that are an admin's to settle, and about no client."""
    kinds = None if caller.is_care_team else [one for one in TaskKind if one.is_for_admins]
    wanted: dict[str, Any] = {"resolved": resolved, "kind": kind, "client": client, "kinds": kinds}
    async with services.sessions() as session:
        if updated_since is not None:
            return await _changed(session, caller, page, updated_since, wanted)
        found = await read_list_tasks(session, page=page, **wanted)
        totals = await totals_of_tasks(session, resolved=resolved, client=client, kinds=kinds)
    rows, last = cut(found, page)
    views = [TaskView.of(row) for row in rows]
    shown = listed(views, (last.opened_at, last.id) if last else None)
    return ListedTasks(items=views, next_cursor=shown.next_cursor, totals=totals)


async def _changed(
    session: AsyncSession, caller: Caller, page: Page, since: datetime, wanted: dict[str, Any]
) -> ListedTasks:
    """Without totals: whoever asks for what has changed counts nothing."""
    changed = await changed_since(session, caller, ChangedKind.TASK, since)
    found, last = cut(await list_changed_tasks(session, changed, page=page, **wanted), page)
    return ListedTasks(
        items=[TaskView.of(task) for task, _ in found],
        next_cursor=cursor_of(last[1], last[0].id) if last else None,
        as_of=changed.caught_up,
    )


@router.get(
    "/tasks/{task_id}", dependencies=[versioned(MadeOf.ONE)], summary="One task", responses=responses(Problem.NOT_FOUND)
)
async def get_task(*, task_id: UUID, services: Svc, caller: CareTeamOrAdmin) -> TaskView:
    return TaskView.of(_must_be_theirs(await _task(services, task_id), caller))


def _must_be_theirs(task: Task, caller: Caller) -> Task:
    """An admin has to do with those alone that are an admin's to settle."""
    if not (caller.is_care_team or task.kind.is_for_admins):
        raise not_found("task")
    return task


class Resolution(Body):
    note: Reason


@router.post("/tasks/{task_id}/resolve", summary="Say that it was looked at", responses=responses(Problem.NOT_FOUND))
async def resolve_task(*, task_id: UUID, body: Resolution, command: ByCareTeamOrAdmin, now: Now) -> TaskView:
    task = _must_be_theirs(await _task(command.services, task_id), command.caller)
    if task.resolved_at is None and task.client_id is None:
        task = await _resolve_directly(command.services, task_id, by=command.caller, note=body.note, at=now)
    elif task.resolved_at is None and task.client_id is not None:
        await command.ask(RESOLVE_TASK, body, client_id=task.client_id, task_id=task_id)
        task = await command.row(Task, task_id)
    return TaskView.of(task)


async def _resolve_directly(services: Svc, task_id: UUID, *, by: Caller, note: str, at: datetime) -> Task:
    """A task about no client of ours: no journey owns it."""
    async with services.sessions() as session:
        task = await session.get_one(Task, task_id, with_for_update=True)
        if task.resolved_at is None:
            task.resolved_at, task.resolved_by, task.note = at, by.actor, note
            session.add(task)
            publish_task(session, EventKind.TASK_RESOLVED, task.id, task.kind, client=None, at=at)
            await session.commit()
    return task


async def _task(services: Svc, task_id: UUID) -> Task:
    async with services.sessions() as session:
        return must_find("task", await session.get(Task, task_id))
