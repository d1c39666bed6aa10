"""Drafts and files of forms over the API: who may save and see them, what is refused, and how long they are kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select

from models.tables import FormDraft, FormRequest, FormUpload, FormUploadContent
from models.writes.forms.texts import add_version
from rules.accounts.openings import OpeningKind
from rules.enums import ClientStatus, FormStatus
from rules.forms.drafts import MOST_UPLOADS
from tests.api.callers import Callers, everybody
from tests.api.conftest import StandingClock, fields_of, problem_of
from tests.care.rows import NOW, Rows

INTAKE, OWN = "initial_consultation", "diary"
FILE = {"name": "scan", "label": "Scan", "type": "file", "required": False, "options": [], "most": None}
FIELDS = [
    FILE | {"accepts": ["application/pdf"]},
    {"name": "cover", "label": "Cover", "type": "group", "required": False, "options": [], "most": None,
     "fields": [FILE]},
    {"name": "why", "label": "Why?", "type": "text", "required": False, "options": [], "most": None},
]  # fmt: skip
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


class Desk:
    """The calls on one client's forms; ``diary`` is asked of Sara."""

    def __init__(self, api: httpx.AsyncClient, people: Callers, rows: Rows) -> None:
        self.api, self.people, self.rows = api, people, rows
        self.client = f"/v1/clients/{people.sara.id}"

    async def save(self, answers: Any, *, kind: str = INTAKE, by: str = "sara") -> httpx.Response:
        path = f"{self.client}/forms/{kind}/draft"
        return await self.api.put(path, json={"answers": answers}, headers=self.people.by(by))

    async def draft(self, *, kind: str = INTAKE, by: str = "sara") -> httpx.Response:
        return await self.api.get(f"{self.client}/forms/{kind}/draft", headers=self.people.by(by))

    async def upload(
        self, content: bytes = PDF, *, name: str = "a.pdf", by: str = "sara", key: str | None = None, **said: str
    ) -> httpx.Response:
        headers = self.people.by(by) | ({"Idempotency-Key": key} if key else {})
        form = {"kind": OWN, "field": "scan"} | said
        return await self.api.post(
            f"{self.client}/uploads", files={"file": (name, content, "text/html")}, data=form, headers=headers
        )

    async def content(self, id: str, *, by: str = "sara") -> httpx.Response:
        return await self.api.get(f"{self.client}/uploads/{id}/content", headers=self.people.by(by))

    async def all(self, table: type[Any]) -> list[Any]:
        async with self.rows.sessions() as session:
            return list((await session.exec(select(table))).all())


@pytest.fixture
async def desk(api: httpx.AsyncClient, rows: Rows, therapist_token: Callable[[str], Any]) -> Desk:
    people = await everybody(rows, therapist_token)
    async with rows.sessions() as session:
        await add_version(session, id=uuid4(), kind=OWN, title="Diary", fields=FIELDS, by="x", at=NOW)
        await session.commit()
    asked: Any = {"kind": OWN, "version": 1, "requested_at": NOW, "requested_by": "therapist:ana"}
    await rows.add(FormRequest(id=uuid4(), client_id=people.sara.id, **asked))
    return Desk(api, people, rows)


async def test_a_draft_is_saved_over_and_over_and_nobody_checks_what_is_in_it(desk: Desk, clock: StandingClock) -> None:
    assert problem_of(await desk.draft()) == "not-found"
    first = (await desk.save({"reason": ""})).json()
    clock.advance(hours=1)
    saved = await desk.save({"reason": "Sle", "emergency_contact": {"phone": 5}})
    assert saved.status_code == 200, saved.text
    assert (await desk.draft()).json() == saved.json() | {"saved_at": saved.json()["saved_at"]}
    draft = saved.json()
    assert (draft["kind"], draft["version"], draft["entered_by"]) == (INTAKE, 1, None)
    assert draft["answers"] == {"reason": "Sle", "emergency_contact": {"phone": 5}}
    assert draft["expires_at"] > first["expires_at"]
    assert len(await desk.all(FormDraft)) == 1
    assert (await desk.draft(by="ana")).json() == draft
    assert (await desk.save({"reason": "x"}, by="ana")).json()["entered_by"] == "therapist:ana"
    await desk.save({}, kind="informed_consent", by="desk")
    clock.advance(days=30, microseconds=-1)
    assert (await desk.draft(kind="informed_consent", by="desk")).status_code == 200
    clock.advance(microseconds=1)
    assert problem_of(await desk.draft(kind="informed_consent", by="desk")) == "not-found"


async def test_the_list_says_which_were_begun(desk: Desk, clock: StandingClock) -> None:
    async def begun() -> dict[str, Any]:
        listed = (await desk.api.get(f"{desk.client}/forms", headers=desk.people.by("desk"))).json()["items"]
        return {form["kind"]: form["begun_at"] for form in listed}

    assert (await begun())[OWN] is None
    await desk.save({"why": "x"}, kind=OWN)
    clock.advance(hours=1)
    saved = (await desk.save({"why": "xy"}, kind=OWN)).json()
    assert (await begun())[OWN] == saved["saved_at"]
    clock.advance(days=30)
    assert (await begun())[OWN] is None


async def test_its_shape_is_looked_at(desk: Desk) -> None:
    assert fields_of(await desk.save({"reason": "x", "else": 1})) == ["answers.else"]
    assert fields_of(await desk.save(["x"])) == ["answers"]
    assert problem_of(await desk.save({}, kind="nobodys")) == "not-found"
    assert (await desk.save({"reason": "x" * (1024 * 1024)})).status_code == 413
    assert await desk.all(FormDraft) == []


async def test_the_care_team_sees_and_saves_a_draft_as_it_sees_answers(desk: Desk) -> None:
    await desk.save({"reason": "Sleep"})
    for kind in (INTAKE, OWN):
        assert problem_of(await desk.draft(kind=kind, by="desk")) == "opening-required"
        assert problem_of(await desk.save({}, kind=kind, by="desk")) == "opening-required"
    assert (await desk.draft()).json()["answers"] == {"reason": "Sleep"}  # nothing was written over it
    assert (await desk.save({"agrees": True}, kind="informed_consent", by="desk")).status_code == 200
    await desk.rows.opening(desk.people.sara, OpeningKind.INTAKE_ANSWERS)
    assert (await desk.draft(by="desk")).json()["answers"] == {"reason": "Sleep"}
    for who in ("tom", "ben"):
        assert problem_of(await desk.draft(by=who)) == "not-found"


async def test_a_new_version_takes_nothing_from_whoever_types(desk: Desk) -> None:
    await desk.save({"why": "x", "cover": {}}, kind=OWN)
    [asked] = await desk.all(FormRequest)
    await desk.rows.change(asked, status=FormStatus.COMPLETE, completed_at=NOW)
    assert "ask for it again" in (await desk.save({"why": "y"}, kind=OWN)).text
    async with desk.rows.sessions() as session:
        await add_version(session, id=uuid4(), kind=OWN, title="Diary", fields=FIELDS[2:], by="x", at=NOW)
        await session.commit()
    again: Any = {"kind": OWN, "version": 2, "requested_at": NOW + timedelta(days=1), "requested_by": "therapist:ana"}
    await desk.rows.add(FormRequest(id=uuid4(), client_id=desk.people.sara.id, **again))
    kept = (await desk.draft(kind=OWN)).json()
    assert (kept["version"], kept["answers"]) == (1, {"why": "x"})  # the new version has no cover
    assert fields_of(await desk.save({"scan": []}, kind=OWN)) == ["answers.scan"]
    saved = (await desk.save({"why": "z"}, kind=OWN)).json()
    assert (saved["version"], (await desk.draft(kind=OWN)).json()) == (2, saved)


async def test_an_archive_changes_nothing_that_the_client_sees_of_it_and_the_portals_setting_closes_it(
    desk: Desk,
) -> None:
    uploaded = (await desk.upload()).json()["id"]
    before = (await desk.save({"reason": "x"})).json()
    await desk.rows.change(desk.people.sara, status=ClientStatus.ARCHIVED, archived_at=NOW)
    assert (await desk.draft()).json() == before
    assert (await desk.save({"reason": "x"})).json() == before
    assert (await desk.upload()).status_code == 201
    await desk.rows.change(desk.people.sara, portal_settings={"forms": False})
    for answer in (
        await desk.draft(), await desk.save({}), await desk.upload(), await desk.content(uploaded)
    ):  # fmt: skip
        assert problem_of(answer) == "not-allowed"
    assert (await desk.draft(by="ana")).status_code == 200


# ---------------------------------------------------------------- files


async def test_a_file_is_kept_for_its_question_and_comes_back_byte_for_byte(desk: Desk) -> None:
    content = PDF + bytes(range(256)) * 5000  # over more than one piece
    kept = await desk.upload(content, name="../scan.html", key="k")
    assert kept.status_code == 201, kept.text
    assert (await desk.upload(content, name="../scan.html", key="k")).json() == kept.json()
    file = kept.json()
    told = (file["kind"], file["field"], file["filename"], file["content_type"], file["size"])
    assert told == (OWN, "scan", "scan.html.pdf", "application/pdf", len(content))
    assert len(await desk.all(FormUploadContent)) == 2
    back = await desk.content(file["id"])
    assert back.content == content
    assert back.headers["content-disposition"].startswith("attachment;")
    assert back.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (await desk.content(file["id"], by="ana")).content == content
    assert problem_of(await desk.content(file["id"], by="desk")) == "opening-required"
    for who in ("tom", "ben"):
        assert problem_of(await desk.content(file["id"], by=who)) == "not-found"
    assert (await desk.save({"scan": [file["id"]]}, kind=OWN)).json()["uploads"] == [file]
    await desk.rows.opening(desk.people.sara, OpeningKind.INTAKE_ANSWERS)
    assert (await desk.content(file["id"], by="desk")).content == content
    in_group = await desk.upload(b"text", name="a.txt", field="cover.scan")
    assert in_group.json()["content_type"] == "text/plain"


@pytest.mark.parametrize(
    ("content", "said", "field"),
    [
        (PDF, {"field": "why"}, "field"),
        (PDF, {"field": "cover"}, "field"),
        (PDF, {"field": "nobodys"}, "field"),
        (PDF, {"field": ""}, "field"),
        (PDF, {"kind": ""}, "kind"),
        (PDF, {"title": "x"}, "title"),
        (b"plain text", {}, "file"),  # this question accepts PDF alone
        (b"MZ\x90\0", {}, "file"),
        (b"", {}, "file"),
    ],
)
async def test_what_is_no_file_for_a_question_is_refused(
    desk: Desk, content: bytes, said: dict[str, str], field: str
) -> None:
    assert fields_of(await desk.upload(content, **said)) == [field]
    assert await desk.all(FormUpload) == []


async def test_a_file_that_is_too_large_or_for_no_form_is_refused(desk: Desk) -> None:
    assert (await desk.upload(PDF + b"x" * (10 * 1024 * 1024))).status_code == 413
    assert problem_of(await desk.upload(kind="nobodys")) == "not-found"


async def test_so_many_wait_and_no_more(desk: Desk, clock: StandingClock) -> None:
    for _ in range(MOST_UPLOADS):
        assert (await desk.upload()).status_code == 201
    refused = await desk.upload()
    assert problem_of(refused) == "rate-limited"
    assert int(refused.headers["retry-after"]) == 30 * 24 * 3600
    clock.advance(days=29)
    saved = await desk.save({"why": "x"}, kind=OWN, by="ana")  # they are wanted for as long as the draft is
    assert saved.status_code == 200, saved.text
    assert {upload.wanted_at for upload in await desk.all(FormUpload)} == {NOW + timedelta(days=29)}
