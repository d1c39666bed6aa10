"""What needs a person: tasks by kind, the oldest first, each with what settles it."""

from itertools import groupby

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

ACTIONS = {
    "match_by_hand": ("/clients/{client}/match", "Match by hand"),
    "no_first_session": ("/clients/{client}/sessions", "Book the first session"),
    "outcome_missing": ("/clients/{client}/sessions", "Mark the session"),
    "card_missing": ("/clients/{client}/money", "Look at the payments"),
    "payment_owed": ("/clients/{client}/money", "Look at the payments"),
    "payment_failed": ("/clients/{client}/money", "Look at the payments"),
    "dispute": ("/clients/{client}/money", "Look at the payments"),
    "refund_failed": ("/clients/{client}/money", "Look at the payments"),
    "possible_duplicate": ("/clients/{client}/settings", "Compare the records"),
    "mail_undeliverable": ("/clients/{client}/settings", "Correct the address"),
    "second_person": ("/approvals", "Decide"),
    "ledger_difference": ("/books", "Look at the comparison"),
}
"""By kind of task: where what settles it is done, and what the button says."""


@router.get("/desk")
@router.get("/tasks")
async def desk(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/tasks", resolved="false", limit=200, kind=page.query.get("kind"))
    tasks = sorted(found["items"], key=lambda task: (task["kind"], task["opened_at"]))
    kinds = [(kind, list(of_kind)) for kind, of_kind in groupby(tasks, key=lambda task: task["kind"])]
    return page.show("staff/desk/desk.html", kinds=kinds, actions=ACTIONS, more=found["next_cursor"], total=len(tasks))


@router.get("/tasks/{task_id}")
async def one(task_id: str, page: StaffPage) -> Response:
    return await _one(page, task_id)


async def _one(page: Page, task_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    task = await page.api.get(f"/v1/tasks/{part(task_id)}")
    client = await page.api.get(f"/v1/clients/{part(task['client_id'])}") if task["client_id"] else None
    return page.show("staff/desk/task.html", task=task, client=client, actions=ACTIONS, sent=sent, refused=refused)


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


# ---------------------------------------------------------------- match by hand


@router.get("/clients/{client_id}/match")
async def candidates(client_id: str, page: StaffPage) -> Response:
    return await _candidates(page, client_id)


async def _candidates(
    page: Page, client_id: str, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    """Everyone who would fit, and why; and what was answered."""
    await page.me()
    whose = part(client_id)
    return page.show(
        "staff/desk/match.html",
        client=await page.api.get(f"/v1/clients/{whose}"),
        match=await page.api.get(f"/v1/clients/{whose}/match"),
        candidates=await page.api.get(f"/v1/clients/{whose}/candidates"),
        sent=sent,
        refused=refused,
    )


@router.post("/clients/{client_id}/match")
async def match(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {
        "therapist": sent.get("therapist"),
        "reason": sent.get("reason"),
        "cancel_appointments": bool(sent.get("cancel_appointments")),
    }
    try:
        await page.api.put(f"/v1/clients/{part(client_id)}/match", body)
    except ApiRefused as refused:
        return await _candidates(page, client_id, sent, refused)
    return page.go(f"/clients/{part(client_id)}?matched=yes")
