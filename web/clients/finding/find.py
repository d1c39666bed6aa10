"""The matching form: one thing a page, each answer kept sealed in the browser until all is sent.

Nothing of it is in an address, where a history or a proxy would keep it. The last page shows why whom.
"""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.clients.finding.therapists import names_of
from web.clients.finding.visits import begin_visit
from web.edge import cookies as names
from web.edge.keys import box
from web.page import ClientPage, Page
from web.sent import Sent

router = APIRouter()

STEPS = ("where", "concerns", "therapist", "times", "you", "check")
WEEKDAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday"} | {
    "sat": "Saturday",
    "sun": "Sunday",
}
PARTS = {"morning": "Morning", "afternoon": "Afternoon", "evening": "Evening"}
_MOST_NOTE = 1000  # characters; all answers stay below what a cookie holds
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("state", "modality", "therapist_gender", "insurance", "note"), ""),
    **dict.fromkeys(("first_name", "last_name", "email", "phone"), ""),
    **dict.fromkeys(("concerns", "languages", "preferred_times"), ()),
}
_DETAILS = ("first_name", "last_name", "email", "phone")


@router.get("/find")
async def begin(page: ClientPage) -> Response:
    return page.show("clients/find/begin.html")


@router.get("/find/{step}")
async def ask(step: str, page: ClientPage) -> Response:
    answers = kept_answers(page)
    if step not in STEPS or ("state" not in answers and step != STEPS[0]):
        return page.go("/find")
    return await _show(page, step, answers)


@router.post("/find/{step}")
async def answer(step: str, page: ClientPage) -> Response:
    sent = await page.form()
    if step not in STEPS:
        return page.go("/find")
    answers = kept_answers(page)
    if step == STEPS[-1]:
        return await _send(page, answers, once=sent.get("once"))
    answers |= _said(step, sent)
    missing = _missing(step, answers)
    if missing:
        return await _show(page, step, answers, refused=missing)
    response = page.go(f"/find/{STEPS[STEPS.index(step) + 1]}" if not sent.get("checking") else "/find/check")
    page.cookies.put(response, names.ANSWERS, _sealed(page, answers))
    return response


async def _show(page: Page, step: str, answers: dict[str, Any], refused: ApiRefused | None = None) -> Response:
    form = await page.api.get("/v1/matching-form")
    return page.show(
        f"clients/find/{step}.html",
        form=form,
        names=names_of(form),
        answers=_NOTHING | answers,
        weekdays=WEEKDAYS,
        parts_of_day=PARTS,
        place=STEPS.index(step) + 1,
        places=len(STEPS),
        checking=page.query.get("from") == "check",
        refused=refused,
    )


async def _send(page: Page, answers: dict[str, Any], *, once: str) -> Response:
    details = {name: answers[name] for name in _DETAILS if answers.get(name)}
    scored = {name: value for name, value in answers.items() if name not in _DETAILS}
    body: dict[str, Any] = {"source": "matching_form", "answers": scored}
    if details:
        body["client"] = {**details, "time_zone": page.zone, "state": answers["state"]}
    try:
        begun = await page.api.post("/v1/journeys", body, once=once or None)
    except ApiRefused as refused:
        return await _show(page, STEPS[-1], answers, refused=refused)
    match = begun["match"]
    therapist = await page.api.get(f"/v1/therapists/{match['therapist']}") if match else None
    response = page.show(
        "clients/find/answer.html", begun=begun, match=match, therapist=therapist, email=answers.get("email")
    )
    page.cookies.drop(response, names.ANSWERS)
    return begin_visit(page, response, begun)


def _said(step: str, sent: Sent) -> dict[str, Any]:
    match step:
        case "where":
            return {"state": sent.get("state"), "modality": sent.get("modality")}
        case "concerns":
            return {"concerns": sent.all("concerns")}
        case "therapist":
            languages = list(dict.fromkeys(filter(None, (sent.get("language"), sent.get("other_language")))))
            return {
                "languages": languages,
                "therapist_gender": sent.get("therapist_gender") or None,
                "insurance": sent.get("insurance") or None,
            }
        case "times":
            pairs = [text.partition("-") for text in sent.all("preferred_times")]
            return {
                "preferred_times": [
                    {"weekday": day, "part": part} for day, _, part in pairs if day in WEEKDAYS and part in PARTS
                ]
            }
        case _:
            return {name: sent.get(name) for name in _DETAILS} | {"note": sent.get("note")[:_MOST_NOTE] or None}


def _missing(step: str, answers: dict[str, Any]) -> ApiRefused | None:
    """What a step cannot go on without. All else the API says, of the whole form."""
    wanted = {"where": {"state": "is needed: a therapist must be licensed where you live", "modality": "is needed"}}
    errors = [
        {"field": name, "message": message} for name, message in wanted.get(step, {}).items() if not answers.get(name)
    ]
    document = {"type": "validation-failed", "title": "Please look at this page again.", "errors": errors}
    return ApiRefused(422, document) if errors else None


def kept_answers(page: Page) -> dict[str, Any]:
    """What was answered so far; nothing, when it was sealed with another key or is too old."""
    sealed = page.cookies.get(page.request, names.ANSWERS)
    if sealed is None:
        return {}
    try:
        kept = json.loads(box(page.settings, "answers").decrypt(sealed.encode(), ttl=_KEPT))
    except (InvalidToken, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


_KEPT = 24 * 3600  # seconds


def _sealed(page: Page, answers: dict[str, Any]) -> str:
    return box(page.settings, "answers").encrypt(json.dumps(answers).encode()).decode()
