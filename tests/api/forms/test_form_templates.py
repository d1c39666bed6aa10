"""The practice's own forms over the API: making one, its versions, and who may look at what was asked and answered."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, delete, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import select

from api.announcing import announce_versions
from api.problems import EngineUnavailable
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.text import PracticeText
from models.writes.forms import texts
from rules.accounts.openings import OpeningKind
from rules.enums import ClientStatus, FormStatus
from rules.forms.intake import INTAKE_FORMS, STANDARD_TEXTS
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from tests.api.callers import Callers
from tests.api.conftest import ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import FORM_VERSION_PUBLISHED, FormVersionSignal, journey_id

FIELDS = [{"name": "mood", "label": "How are you?", "type": "choice", "required": True, "options": ["good", "bad"]}]
SINCE = {"name": "since", "label": "Since when?", "type": "date", "required": True}


class Forms:
    def __init__(self, api: httpx.AsyncClient, people: Callers) -> None:
        self.api, self.people = api, people

    async def make(self, *, by: str = "desk", key: str | None = None, **body: Any) -> httpx.Response:
        headers = self.people.by(by) | ({"Idempotency-Key": key} if key else {})
        form = {"title": "Diary", "fields": FIELDS} | body
        return await self.api.post("/v1/form-templates", json=form, headers=headers)

    async def get(self, path: str, *, by: str = "ana", **params: Any) -> httpx.Response:
        return await self.api.get(path, params=params, headers=self.people.by(by))


@pytest.fixture
def forms(api: httpx.AsyncClient, people: Callers) -> Forms:
    return Forms(api, people)


async def test_a_form_has_versions_and_the_same_kind_again_is_the_next(forms: Forms) -> None:
    made = await forms.make(key="k")
    assert made.status_code == 201, made.text
    assert made.json() == (await forms.make(key="k")).json()
    first = made.json()
    assert (first["kind"], first["version"], first["made_by"]) == ("diary", 1, "care_team:desk")
    assert first["fields"] == [FIELDS[0] | {"most": None}]
    second = (await forms.make(by="ana", title="Diary of the week", kind="diary")).json()
    assert (second["kind"], second["version"], second["title"]) == ("diary", 2, "Diary of the week")
    at_once = await asyncio.gather(*(forms.make(title=f"T{n}", kind="diary") for n in range(4)))
    assert sorted(answer.json()["version"] for answer in at_once) == [3, 4, 5, 6]
    await forms.make(kind="a-check")
    listed = (await forms.get("/v1/form-templates")).json()["items"]
    assert [(form["kind"], form["version"]) for form in listed] == [("a-check", 1), ("diary", 6)]
    page = (await forms.get("/v1/form-templates", limit=1)).json()
    rest = (await forms.get("/v1/form-templates", limit=1, cursor=page["next_cursor"])).json()
    assert (page["items"] + rest["items"], rest["next_cursor"]) == (listed, None)
    assert (await forms.get("/v1/form-templates/diary", version=1)).json() == first
    assert (await forms.get("/v1/form-templates/diary")).json()["version"] == 6
    for path, version in (("/v1/form-templates/diary", 7), ("/v1/form-templates/none", 1)):
        assert problem_of(await forms.get(path, version=version)) == "not-found"


async def test_what_questions_have_beside_their_type_is_told_where_they_have_it(forms: Forms) -> None:
    when = {"field": "mood", "is": ["bad"]}
    asked: list[dict[str, Any]] = [
        FIELDS[0],
        SINCE | {"when": when},
        {"name": "how", "label": "How?", "type": "scale", "least": 0, "most": 10, "least_label": "not at all"},
        {"name": "scan", "label": "Scan", "type": "file", "accepts": ["application/pdf"]},
    ]
    made = (await forms.make(fields=asked)).json()
    usual: dict[str, Any] = {"required": False, "options": [], "most": None}
    assert made["fields"] == [usual | field for field in asked]
    assert (await forms.get("/v1/form-templates/diary")).json() == made


async def test_forms_are_the_practices_to_make_and_list(forms: Forms) -> None:
    for who in ("site", "sara"):
        assert problem_of(await forms.make(by=who)) == "not-allowed"
        for path in ("/v1/form-templates", "/v1/form-templates/diary"):
            assert problem_of(await forms.get(path, by=who)) == "not-allowed"
    for who in ("ana", "desk", "admin"):
        assert (await forms.make(by=who)).status_code == 201


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"title": " "}, ["title"]),
        ({"title": "Billing Info"}, ["kind"]),
        ({"kind": "informed_consent"}, ["kind"]),
        ({"kind": "No Kind"}, ["kind"]),
        ({"fields": []}, ["fields"]),
        ({"fields": [FIELDS[0] | {"type": "mood"}]}, ["fields[0].type"]),
        ({"fields": [FIELDS[0] | {"required": "yes"}]}, ["fields[0].required"]),
        ({"fields": [FIELDS[0] | {"hidden": True}]}, ["fields[0].hidden"]),
        ({"fields": [FIELDS[0] | {"options": None}]}, ["fields[0].options"]),
        ({"fields": [FIELDS[0], FIELDS[0]]}, ["fields[1].name"]),
        ({"fields": [FIELDS[0], SINCE | {"when": {"field": "nobody", "is": ["bad"]}}]}, ["fields[1].when.field"]),
        ({"fields": [FIELDS[0], SINCE | {"when": {"field": "mood", "is": ["so"]}}]}, ["fields[1].when.is"]),
        ({"fields": [FIELDS[0], SINCE | {"when": {"field": "mood"}}]}, ["fields[1].when.is"]),
        ({"fields": [FIELDS[0] | {"accepts": ["text/plain"]}]}, ["fields[0].accepts"]),
        ({"fields": [SINCE | {"type": "scale", "least": 1}]}, ["fields[0].most"]),
        ({"fields": [FIELDS[0] | {"name": "Mood?", "most": 2}]}, ["fields[0].name", "fields[0].most"]),
        ({"fields": [FIELDS[0] | {"label": "a\nb"}]}, ["fields[0].label"]),
    ],
)
async def test_what_is_wrong_with_a_form_is_told_by_field(
    forms: Forms, wrong: dict[str, Any], fields: list[str]
) -> None:
    assert fields_of(await forms.make(**wrong)) == fields


async def test_a_form_and_its_answers_are_seen_by_the_practice_and_the_client_side(
    forms: Forms, people: Callers, rows: Rows
) -> None:
    await forms.make()
    asked = FormRequest(
        id=uuid4(),
        client_id=people.sara.id,
        kind="diary",
        version=1,
        status=FormStatus.COMPLETE,
        requested_at=NOW,
        requested_by="therapist:ana",
        completed_at=NOW,
    )
    await rows.add(asked)
    await rows.add(
        FormAnswer(
            id=uuid4(),
            request_id=asked.id,
            answers={"mood": "bad"},
            signature="Sara",
            answered_by=f"client:{people.sara.id}",
            answered_at=NOW,
        )
    )
    consent = FormRequest(
        id=uuid4(),
        client_id=people.sara.id,
        kind="informed_consent",
        version=1,
        requested_at=NOW - timedelta(days=1),
        requested_by="system",
    )
    await rows.add(consent)
    client = f"/v1/clients/{people.sara.id}/forms"
    for who in ("tom", "ben"):
        for path in (client, f"{client}/diary"):
            assert problem_of(await forms.get(path, by=who)) == "not-found"
    assert problem_of(await forms.get(f"{client}/diary", by="desk")) == "opening-required"
    await rows.opening(people.sara, OpeningKind.INTAKE_ANSWERS)
    for who in ("ana", "desk", "sara", "site"):
        listed = (await forms.get(client, by=who)).json()["items"]
        assert [form["title"] for form in listed] == ["Informed Consent & Confidentiality", "Diary"]
        one = (await forms.get(f"{client}/diary", by=who)).json()
        assert (one["answers"], one["signature"], one["id"]) == ({"mood": "bad"}, "Sara", str(asked.id))
        assert one["fields"] == [FIELDS[0] | {"most": None}]
        assert ("answered_by" in one) is (who in ("ana", "desk"))
        unanswered = (await forms.get(f"{client}/informed_consent", by=who)).json()
        # An intake form shows its questions like any other.
        assert ([field["name"] for field in unanswered["fields"]], unanswered["status"]) == (["agrees"], "requested")
        assert "answers" not in unanswered
    assert problem_of(await forms.get(f"{client}/billing_info")) == "not-found"
    assert problem_of(await forms.get(f"{client}/diary", form_id=str(consent.id))) == "not-found"
    for who, name in (("site", "not-allowed"), ("sara", "not-allowed"), ("ben", "not-found")):
        answer = await forms.api.post(client, json={"kind": "diary"}, headers=people.by(who))
        assert problem_of(answer) == name
    body = {"answers": {"mood": "good"}, "signature": "Sara"}
    for who, path, name in (("tom", "diary", "not-found"), ("sara", "none", "not-found")):
        assert problem_of(await forms.api.put(f"{client}/{path}", json=body, headers=people.by(who))) == name
    extra = body | {"setup_intent": "seti_1", "consent_version": "2026-1"}
    answer = await forms.api.put(f"{client}/diary", json=extra, headers=people.by("sara"))
    assert fields_of(answer) == ["setup_intent", "consent_version"]


async def test_whoever_has_completed_a_form_is_told_of_its_next_version_a_page_at_a_time(
    forms: Forms, rows: Rows, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.commands._AT_ONCE", 2)
    await forms.make()
    done: dict[str, Any] = {
        "kind": "diary",
        "version": 1,
        "status": FormStatus.COMPLETE,
        "requested_at": NOW,
        "requested_by": "x",
    }
    clients = [await rows.client() for _ in range(5)]
    for client in clients:
        await rows.add(FormRequest(id=uuid4(), client_id=client.id, **done))
    for more in ({"status": ClientStatus.ARCHIVED, "archived_at": NOW}, {"closed_at": NOW}):
        await rows.add(FormRequest(id=uuid4(), client_id=(await rows.client(**more)).id, **done))
    waits = await rows.client()
    await rows.add(FormRequest(id=uuid4(), client_id=waits.id, **done | {"status": FormStatus.REQUESTED}))
    engine.answers_to[FORM_VERSION_PUBLISHED] = None
    assert (await forms.make()).json()["version"] == 2
    told = [(asked.workflow_id, asked.name, asked.order) for asked in engine.asked]
    everybody_told = {journey_id(str(client.id)) for client in clients}
    assert sorted(told) == sorted(
        (journey, FORM_VERSION_PUBLISHED, FormVersionSignal(kind="diary")) for journey in everybody_told
    )
    # While the engine is away it is published all the same: they are asked when the API starts, or books for them.
    engine.answers_to[FORM_VERSION_PUBLISHED] = EngineUnavailable()
    assert (await forms.make()).json()["version"] == 3


async def test_what_nobody_was_told_of_is_announced_at_the_start_once_the_engine_is_there(
    app: FastAPI, rows: Rows, engine: ToldEngine
) -> None:
    """An intake form came in a new version with a release. Whoever has booked is told, and nobody who was asked."""
    asked: dict[str, Any] = {"kind": "informed_consent", "requested_at": NOW, "requested_by": "x"}
    old, new, never = [await rows.client(first_booked_at=at) for at in (NOW, NOW, None)]
    for client, version in ((old, 1), (new, 2), (never, 1)):
        for kind in INTAKE_FORMS:
            done = asked | {"kind": kind, "status": FormStatus.COMPLETE}
            await rows.add(FormRequest(id=uuid4(), client_id=client.id, version=1, **done))
        if version == 2:
            await rows.add(FormRequest(id=uuid4(), client_id=client.id, version=2, **asked))
    await announce_versions(app.state.services)
    assert engine.asked == []
    async with rows.sessions() as session:
        form = INTAKE_FORMS["informed_consent"]
        fields = [field.to_document() for field in form.fields]
        await texts.add_version(
            session, id=uuid4(), kind="informed_consent", title=form.title, fields=fields, by="admin:root", at=NOW
        )
        await session.commit()

    def away_at_first(_: object) -> None:
        if len(engine.asked) == 1:
            raise EngineUnavailable

    engine.answers_to[FORM_VERSION_PUBLISHED] = away_at_first
    async with asyncio.timeout(20):
        await announce_versions(app.state.services, try_again=0.01)
    told = [(asked.workflow_id, asked.order) for asked in engine.asked]
    assert told == [(journey_id(str(old.id)), FormVersionSignal(kind="informed_consent"))] * 2


def test_neither_a_release_nor_other_settings_change_a_text_that_is_there(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(INTAKE_FORMS["informed_consent"], title="Consent")
    monkeypatch.setattr(texts, "STANDARD_TEXTS", {**STANDARD_TEXTS, "informed_consent": other})
    terms = Terms.of(JourneyPolicy(notice_window=timedelta(hours=24)))
    engine = create_engine(make_url(owner_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        before = connection.execute(text("SELECT * FROM practice_text ORDER BY id")).all()
        assert texts.write_first_texts(connection, terms) is False
        assert connection.execute(text("SELECT * FROM practice_text ORDER BY id")).all() == before
        # A database that has none begins with the numbers of the settings by which it is made.
        connection.execute(delete(PracticeText))
        assert texts.write_first_texts(connection, terms) is True
        found = connection.execute(select(PracticeText.kind, PracticeText.version, PracticeText.title)).all()
        policies = connection.execute(select(PracticeText.terms)).scalars().all()
        connection.rollback()
    assert {tuple(row) for row in found} == {
        *((kind, 1, one.title) for kind, one in STANDARD_TEXTS.items() if kind != "informed_consent"),
        ("informed_consent", 1, "Consent"),
    }
    assert [Terms.read(policy) for policy in policies] == [terms] * len(STANDARD_TEXTS)


async def test_a_form_may_have_groups_and_agreements_one_level_deep(forms: Forms) -> None:
    parts = [{"name": "phone", "label": "Phone", "type": "text", "required": True, "options": [], "most": None}]
    group = {"name": "contact", "label": "Whom we may call", "type": "group", "required": True, "fields": parts}
    agrees = {"name": "agrees", "label": "I agree", "type": "agreement", "required": True}
    made = (await forms.make(fields=[group, agrees])).json()
    assert [field.get("fields") for field in made["fields"]] == [parts, None]
    for wrong, where in (
        ({**group, "fields": []}, "fields[0].fields"),
        ({**group, "fields": [parts[0] | {"type": "group"}]}, "fields[0].fields[0].type"),
        ({**agrees, "fields": parts}, "fields[0].fields"),
        ({**group, "fields": [parts[0], parts[0]]}, "fields[0].fields[1].name"),
    ):
        assert fields_of(await forms.make(fields=[wrong])) == [where]


async def test_what_was_asked_for_again_and_who_of_the_practice_entered_it_is_told(
    forms: Forms, people: Callers, rows: Rows
) -> None:
    asked = [
        FormRequest(
            id=uuid4(),
            client_id=people.sara.id,
            kind=kind,
            version=1,
            status=status,
            requested_at=NOW,
            requested_by="system",
            gates_from=gates_from,
        )
        for kind, status, gates_from in (
            ("informed_consent", FormStatus.REQUESTED, NOW + timedelta(days=7)),
            ("initial_consultation", FormStatus.COMPLETE, None),
            ("billing_info", FormStatus.COMPLETE, None),
        )
    ]
    for form, by in zip(asked, (None, "therapist:ana", f"client:{people.sara.id}"), strict=True):
        await rows.add(form)
        if by:
            said: dict[str, Any] = {
                "request_id": form.id,
                "answers": {},
                "signature": "S",
                "answered_by": by,
                "answered_at": NOW,
            }
            await rows.add(FormAnswer(id=uuid4(), **said))
    for who in ("desk", "sara"):
        listed = (await forms.get(f"/v1/clients/{people.sara.id}/forms", by=who)).json()["items"]
        assert [(form["gates_from"], form["entered_by"]) for form in listed] == [
            ("2026-03-09T12:00:00Z", None), (None, "therapist:ana"), (None, None)
        ]  # fmt: skip
