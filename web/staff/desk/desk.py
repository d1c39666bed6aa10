"""What needs a person: tasks by kind, the oldest first, each with what settles it."""

from itertools import groupby

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.desk.kinds import KINDS, kind_of, path_of

router = APIRouter()

_SHOWN = 50


@router.get("/desk")
@router.get("/tasks")
async def desk(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get(
        "/v1/tasks",
        resolved="false",
        limit=_SHOWN,
        cursor=page.query.get("cursor"),
        kind=page.query.get("kind") or None,
    )
    order = {kind: place for place, kind in enumerate(KINDS)}
    tasks = sorted(found["items"], key=lambda task: (order.get(task["kind"], len(order)), task["opened_at"]))
    return page.show(
        "staff/desk/desk.html",
        kinds=[(kind, list(of_kind)) for kind, of_kind in groupby(tasks, key=lambda task: task["kind"])],
        totals=sorted(found["totals"].items(), key=lambda line: order.get(line[0], len(order))),
        words_of=lambda kind: kind_of({"kind": kind}),
        path_of=path_of,
        more=found["next_cursor"],
    )


@router.get("/tasks/{task_id}")
async def one(task_id: str, page: StaffPage) -> Response:
    return await _one(page, task_id)


async def _one(page: Page, task_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    task = await page.api.get(f"/v1/tasks/{part(task_id)}")
    journey = await page.api.find(f"/v1/clients/{part(task['client_id'])}/journey") if task["client_id"] else None
    return page.show(
        "staff/desk/task.html",
        task=task,
        kind=kind_of(task),
        path=path_of(task),
        journey=journey,
        sent=sent,
        refused=refused,
    )


@router.post("/tasks/{task_id}/resolve")
async def resolve(task_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.post(
            f"/v1/tasks/{part(task_id)}/resolve", {"note": sent.get("note")}, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        return await _one(page, task_id, sent, refused)
    return page.go("/desk?settled=yes")
