"""One question of a form: what it asks, how it is answered, and when it is asked. Each change is kept as a draft."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused, wrong_field
from web.looks.questions import (
    DECIDE,
    FILES,
    TYPE_WORDS,
    TYPES,
    NoQuestion,
    chosen_of,
    most_words,
    name_for,
    possible,
    question_of,
)
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.practice.texts import draft_of, show_text, text_of

router = APIRouter()

NEW = "new"
"""In the place of a form's kind, or of a question's name: of what is not there yet."""


@router.get("/new-form")
async def new_form(page: StaffPage) -> Response:
    await page.me()
    return page.show("staff/practice/texts/new_form.html", types=TYPES)


@router.get("/new-form/question")
async def first_question(page: StaffPage) -> Response:
    return await _show(page, None, NEW)


@router.post("/new-form/question")
async def begin_form(page: StaffPage) -> Response:
    """With its first question the form is there, as a draft."""
    sent = await page.form()
    title, type = page.query.get("title", "").strip(), page.query.get("type", "")
    try:
        first = question_of(None, sent, name=name_for(sent.get("label"), set()), type=type)
    except NoQuestion as wrong:
        return await _show(page, None, NEW, sent, wrong_field(wrong.field, wrong.message))
    known = {one["kind"] for one in (await page.api.get("/v1/texts", limit=200))["items"]}
    known |= {one["kind"] for one in (await page.api.get("/v1/text-drafts", limit=200))["items"]}
    kind = name_for(title, known)
    try:
        await page.api.put(f"/v1/texts/{part(kind)}", {"title": title, "body": "", "fields": [first]})
    except ApiRefused as refused:
        return await _show(page, None, NEW, sent, _here(refused, 0))
    return page.go(f"/texts/{part(kind)}?kept=yes")


@router.get("/texts/{kind}/questions/{name}")
async def one(kind: str, name: str, page: StaffPage) -> Response:
    if name == NEW and not page.query.get("type"):
        await page.me()
        text, worded = await text_of(page, kind)
        return page.show("staff/practice/texts/type.html", kind=kind, title=worded["title"], text=text, types=TYPES)
    return await _show(page, kind, name)


async def _show(
    page: Page, kind: str | None, name: str, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    """``kind``: none yet for the first question of a form that is not there."""
    await page.me()
    worded: Json = {"title": page.query.get("title", ""), "fields": []}
    if kind:
        _, worded = await text_of(page, kind)
    place = _place(worded["fields"], name)
    question = worded["fields"][place] if place < len(worded["fields"]) else None
    type = question["type"] if question else page.query.get("type", "")
    before = [one for one in worded["fields"][:place] if one["type"] in DECIDE]
    if name != NEW and question is None:
        return page.show("not_found.html", status=404)
    if type not in TYPE_WORDS:
        return page.go(f"/texts/{part(kind)}/questions/new" if kind else "/new-form")
    return page.show(
        "staff/practice/texts/question.html",
        kind=kind,
        title=worded["title"],
        question=question,
        type=type,
        type_words=TYPE_WORDS[type],
        most_words=most_words(type),
        conditions=[(one["label"], possible(one)) for one in before],
        chosen=sent.all("when") if sent else chosen_of(question),
        files=FILES,
        sent=sent,
        refused=refused,
    )


def _place(fields: list[Json], name: str) -> int:
    """Where a question of this name stands; behind all others for a new one."""
    return next((number for number, one in enumerate(fields) if one["name"] == name), len(fields))


@router.post("/texts/{kind}/questions/{name}")
async def keep(kind: str, name: str, page: StaffPage) -> Response:
    sent = await page.form()
    _, worded = await text_of(page, kind)
    fields = list(worded["fields"])
    place = _place(fields, name)
    if name != NEW and place == len(fields):
        return page.show("not_found.html", status=404)
    known = fields[place] if place < len(fields) else None
    called = name if known else name_for(sent.get("label"), {one["name"] for one in fields})
    try:
        type = known["type"] if known else page.query.get("type", "")
        fields[place : place + 1] = [question_of(known, sent, name=called, type=type)]
    except NoQuestion as wrong:
        return await _show(page, kind, name, sent, wrong_field(wrong.field, wrong.message))
    try:
        await page.api.put(f"/v1/texts/{part(kind)}", draft_of(worded, fields=fields))
    except ApiRefused as refused:
        return await _show(page, kind, name, sent, _here(refused, place))
    return page.go(f"/texts/{part(kind)}?kept=yes#questions")


def _here(refused: ApiRefused, place: int) -> ApiRefused:
    """What the API says of this question, by the names of its page; the last part tells which input."""
    before = f"fields[{place}]."
    named = {name: name.removeprefix(before) for name in refused.fields if name.startswith(before)}
    return refused.renamed({name: _INPUTS.get(rest, rest.partition("[")[0]) for name, rest in named.items()})


_INPUTS = {"name": "label", "when.is": "when", "when.field": "when", "type": "label"}


@router.post("/texts/{kind}/questions/{name}/{act}")
async def move(kind: str, name: str, act: str, page: StaffPage) -> Response:
    """Up, down, or out. What another question depends on stays where it must: the API says so."""
    sent = await page.form()
    _, worded = await text_of(page, kind)
    fields = list(worded["fields"])
    place = _place(fields, name)
    if place == len(fields) or act not in ("up", "down", "remove"):
        return page.show("not_found.html", status=404)
    moved = fields.pop(place)
    if act != "remove":
        fields.insert(max(place - 1, 0) if act == "up" else place + 1, moved)
    try:
        await page.api.put(f"/v1/texts/{part(kind)}", draft_of(worded, fields=fields))
    except ApiRefused as refused:
        return await show_text(page, kind, sent, refused)
    return page.go(f"/texts/{part(kind)}?kept=yes#questions")
