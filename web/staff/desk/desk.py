"""What needs a person: tasks by kind, the oldest first, each with what settles it."""

import re
from itertools import groupby

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

ACTIONS = {
    "match_by_hand": ("/clients/{client}/match", "Match by hand"),
    "no_first_session": ("/clients/{client}/sessions#book", "Book the first session"),
    "outcome_missing": ("/appointments/{appointment_id}", "Mark the session"),
    "card_missing": ("/clients/{client}/forms", "Ask for the card"),
    "payment_owed": ("/payments/{payment_id}", "Settle the payment"),
    "payment_failed": ("/payments/{payment_id}", "Settle the payment"),
    "dispute": ("/payments/{payment_id}", "Look at the payment"),
    "inquiry": ("/payments/{payment_id}", "Look at the payment"),
    "refund_failed": ("/payments/{payment_id}", "Look at the payment"),
    "possible_duplicate": ("/clients/{client}/settings?into={other_id}", "Put the records together"),
    "mail_undeliverable": ("/clients/{client}/settings", "Correct the address"),
    "mails_wait": ("/clients/{client}/settings", "Look at the address"),
    "step_failed": ("/clients/{client}/timeline", "Look at the journey"),
    "overdue": ("/clients/{client}/timeline", "Look at the journey"),
    "second_person": ("/approvals", "Decide"),
    "ledger_difference": ("/books", "Look at the comparison"),
    "text_waits": ("/texts", "Look at the texts"),
}
"""By kind of task: where what settles it is done, and what the button says. What stands in braces is the client, or
something that the task names; where it names none, the client's money or sessions are as near."""
_SHOWN = 100
_NEAREST = {"payment_id": "/clients/{client}/money", "appointment_id": "/clients/{client}/sessions"}
_PLACES = re.compile(r"\{(\w+)\}")


def action_of(task: Json) -> tuple[str, str] | None:
    """The path that settles a task, and what its button says; None where only a note does."""
    path, words = ACTIONS.get(task["kind"], ("", ""))
    known = {"client": task["client_id"]} | {name: value for name, value in task["data"].items() if value}
    for name, nearest in _NEAREST.items():
        if f"{{{name}}}" in path and name not in known:
            path = nearest
    wanted = _PLACES.findall(path)
    if not path or any(not known.get(name) for name in wanted):
        return None
    return path.format(**{name: part(str(known[name])) for name in wanted}), words


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
    tasks = sorted(found["items"], key=lambda task: (task["kind"], task["opened_at"]))
    kinds = [(kind, list(of_kind)) for kind, of_kind in groupby(tasks, key=lambda task: task["kind"])]
    return page.show(
        "staff/desk/desk.html", kinds=kinds, action_of=action_of, more=found["next_cursor"], total=len(tasks)
    )


@router.get("/tasks/{task_id}")
async def one(task_id: str, page: StaffPage) -> Response:
    return await _one(page, task_id)


async def _one(page: Page, task_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    task = await page.api.get(f"/v1/tasks/{part(task_id)}")
    client = await page.api.get(f"/v1/clients/{part(task['client_id'])}") if task["client_id"] else None
    return page.show("staff/desk/task.html", task=task, client=client, action_of=action_of, sent=sent, refused=refused)


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
