"""Whom a client goes to, and why: the match as it was made, and who would fit today, also by other answers."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.finding.find import PARTS, WEEKDAYS
from web.clients.finding.therapists import names_of
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_LEFT_OUT: dict[str, Any] = {
    **dict.fromkeys(("state", "modality", "therapist_gender", "insurance"), ""),
    **dict.fromkeys(("concerns", "languages", "preferred_times"), ()),
}
_OFFERED = ("concerns", "languages", "insurances", "genders", "states", "modalities")


@router.get("/clients/{client_id}/match")
async def candidates(client_id: str, page: StaffPage) -> Response:
    return await _show(page, client_id)


async def _show(
    page: Page, client_id: str, sent: Sent | None = None, refused: ApiRefused | None = None, *, trying: bool = False
) -> Response:
    """``trying``: by the answers that were sent; else by those of the form."""
    await page.me()
    whose = part(client_id)
    client = await page.api.get(f"/v1/clients/{whose}")
    match = await page.api.get(f"/v1/clients/{whose}/match")
    form = await page.api.get("/v1/matching-form")
    answers = _answers_in(sent) if sent and trying else match["answers"] or {"state": client["state"]}
    found = None
    if trying and refused is None:
        try:
            found = await page.api.post(f"/v1/clients/{whose}/candidates", {"answers": answers})
        except ApiRefused as refusal:
            refused = refusal
    return page.show(
        "staff/desk/match.html",
        client=client,
        match=match,
        candidates=found or await page.api.get(f"/v1/clients/{whose}/candidates"),
        answers=_LEFT_OUT | answers,
        form={part: _offered(form[part], answers) for part in _OFFERED},
        names=names_of(form),
        trying=trying,
        weekdays=WEEKDAYS,
        parts_of_day=PARTS,
        sent=sent,
        refused=refused,
    )


def _offered(words: list[dict[str, Any]], answers: dict[str, Any]) -> list[dict[str, Any]]:
    """What somebody offers who takes clients, and what was answered: of all languages nobody needs the rest."""
    said = {
        code
        for value in answers.values()
        if value
        for code in (value if isinstance(value, list) else [value])
        if isinstance(code, str)
    }
    return [word for word in words if word["offered_by"] or word["code"] in said]


def _answers_in(sent: Sent) -> dict[str, Any]:
    times = [text.partition("-") for text in sent.all("preferred_times")]
    return {
        **sent.given("state", "modality", "therapist_gender", "insurance"),
        "concerns": sent.all("concerns"),
        "languages": sent.all("languages"),
        "preferred_times": [{"weekday": day, "part": part} for day, _, part in times],
    }


@router.post("/clients/{client_id}/match/try")
async def try_others(client_id: str, page: StaffPage) -> Response:
    """Who would fit by other answers. Nothing is changed, and no answer stands in an address."""
    return await _show(page, client_id, await page.form(), trying=True)


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
        return await _show(page, client_id, sent, refused)
    return page.go(f"/clients/{part(client_id)}?matched=yes")
