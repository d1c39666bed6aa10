"""The matching form: one thing a page, each answer kept sealed in the browser.

Nothing of it is in an address, where a history or a proxy would keep it. What came of it is kept in the same way, so
that it can be looked at again, and the form be sent anew with other answers.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.finding.kept import keep, kept
from web.clients.finding.reasons import why
from web.clients.finding.therapists import names_of
from web.clients.finding.visits import begin_visit
from web.clients.whose import client_of
from web.edge import cookies as names
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
    if page.signed_in:  # who has an account is matched anew by the care team, with their record
        return page.show("clients/find/known.html", client=await client_of(page))
    return page.show("clients/find/begin.html", begun=bool(kept(page, names.ANSWERS)))


@router.get("/find/suggestion")
async def suggestion(page: ClientPage) -> Response:
    """What came of the answers that were sent last."""
    found = kept(page, names.SUGGESTED)
    if not found:
        return page.go("/find")
    slug = found["therapist"]
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}") if slug else None
    return page.show("clients/find/answer.html", found=found, therapist=therapist)


@router.get("/find/{step}")
async def ask(step: str, page: ClientPage) -> Response:
    if page.signed_in:
        return page.go("/find")
    answers = kept(page, names.ANSWERS)
    if step not in STEPS or ("state" not in answers and step != STEPS[0]):
        return page.go("/find")
    return await _show(page, step, answers)


@router.post("/find/{step}")
async def answer(step: str, page: ClientPage) -> Response:
    sent = await page.form()
    answers = kept(page, names.ANSWERS)
    if step not in STEPS or page.signed_in or ("state" not in answers and step != STEPS[0]):
        return page.go("/find")
    if step == STEPS[-1]:
        return await _send(page, answers, once=sent.get("once"))
    answers |= _said(step, sent)
    missing = _missing(step, answers)
    if missing:
        return await _show(page, step, answers, refused=missing)
    response = page.go(f"/find/{STEPS[STEPS.index(step) + 1]}" if not sent.get("checking") else "/find/check")
    keep(page, response, names.ANSWERS, answers)
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
    page.visit = page.api.token = None  # other answers than before begin anew, whatever came of those
    try:
        begun = await page.api.post("/v1/journeys", body, once=once or None)
    except ApiRefused as refused:
        return await _show(page, STEPS[-1], answers, refused=refused)
    response = page.go("/find/suggestion")
    keep(page, response, names.SUGGESTED, await _found(page, begun, answers))
    return begin_visit(page, response, begun)


async def _found(page: Page, begun: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """What the page tells, small enough for a cookie."""
    match = begun["match"] or {}
    fits: list[str] = []
    less: list[str] = []
    if match:
        words = names_of(await page.api.get("/v1/matching-form"))
        therapist = await page.api.get(f"/v1/therapists/{part(match['therapist'])}")
        scores = {one["factor"]: one["score"] for one in match.get("factors", ())}
        fits, less = why(answers, therapist, scores, words)
    return {
        "ref": begun["ref"],
        "email": answers.get("email") or "",
        "contact_required": bool(begun.get("contact_required")),
        "not_offered": [one["name"] for one in begun.get("not_offered", ())],
        "therapist": match.get("therapist"),
        "fits": fits,
        "less": less,
        "others": [(one["therapist"], one.get("name") or one["therapist"]) for one in match.get("runners_up", ())],
    }


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
                    {"weekday": day, "part": time} for day, _, time in pairs if day in WEEKDAYS and time in PARTS
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
