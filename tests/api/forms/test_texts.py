"""Texts over the API: read by all, worded and published by admins; what settings propose changes nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from api.announcing import announce_versions, propose_numbers
from models.tables.clients.task import Task
from models.tables.forms.text import TextDraft
from rules.enums import TaskKind
from rules.policy import JourneyPolicy
from tests.api.conftest import DESK, ROOT, SITE, ToldEngine, fields_of, problem_of
from tests.api.forms.texts import Texts
from tests.care.rows import Rows

DAY_BEFORE = JourneyPolicy(notice_window=timedelta(hours=24))
FOUR = ["billing_info", "fee_policy", "informed_consent", "initial_consultation"]
FIELD = {"name": "sleep", "label": "How do you sleep?", "type": "text", "required": False}


def with_settings(app: FastAPI, policy: JourneyPolicy) -> None:
    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, policy=policy))


async def starts(app: FastAPI, policy: JourneyPolicy) -> None:
    """An API with these settings, as it starts."""
    before = app.state.services
    with_settings(app, policy)
    await announce_versions(app.state.services)
    app.state.services = before


async def drafts(rows: Rows) -> list[TextDraft]:
    async with rows.sessions() as session:
        return list((await session.exec(select(TextDraft))).all())


async def tasks(rows: Rows) -> list[Task]:
    async with rows.sessions() as session:
        statement = select(Task).where(col(Task.kind) == TaskKind.TEXT_WAITS).order_by(col(Task.opened_at))
        return list((await session.exec(statement)).all())


async def test_what_is_in_force_is_read_by_all_with_its_numbers(texts: Texts) -> None:
    for by in (None, SITE, DESK):
        listed = (await texts.get(by=by))["items"]
        assert [text["kind"] for text in listed] == FOUR
    [billing, policy, consent, _] = (await texts.get())["items"]
    assert policy["numbers"] == {
        "notice_window": "48 hours", "charge_after": "24 hours", "charge_deadline": "48 hours",
        "charge_tries": "3 times",
    }  # fmt: skip
    assert "until 48 hours before it begins" in policy["body"]
    assert policy["fields"] == []
    assert billing["body"].endswith(policy["body"])  # it is signed with it
    assert (billing["fee_policy_version"], policy["fee_policy_version"], consent["fee_policy_version"]) == (1, 1, None)
    assert "# Where confidentiality ends" in consent["body"]
    assert not policy.keys() & {"source", "draft", "published_by"}
    assert "{notice_window}" in (await texts.get("/fee_policy", by=ROOT))["source"]


async def test_a_form_of_the_practices_own_is_worded_the_same_way_and_read_by_the_practice(texts: Texts) -> None:
    body = {"title": "Sleep", "body": "# Why\n\nIt helps.", "fields": [FIELD]}
    made = await texts.api.put("/v1/texts/sleep", json=body, headers=ROOT)
    assert (made.status_code, made.json()["to_be_asked"]) == (200, 0)
    await texts.get("/sleep", by=ROOT, expect=404)  # a draft is no version
    assert (await texts.preview("sleep"))["in_force"] is None
    assert (await texts.publish("sleep"))["version"] == 1
    assert [text["kind"] for text in (await texts.get(by=DESK))["items"]] == [*FOUR, "sleep"]
    assert [text["kind"] for text in (await texts.get())["items"]] == FOUR
    await texts.get("/sleep", expect=404)
    assert (await texts.get("/sleep", by=DESK))["body"] == "# Why\n\nIt helps."
    # By the other call its questions change, and its words stay.
    again = {"title": "Sleep", "kind": "sleep", "fields": [FIELD | {"required": True}]}
    assert (await texts.api.post("/v1/form-templates", json=again, headers=DESK)).json()["version"] == 2
    assert (await texts.get("/sleep", by=DESK))["body"] == "# Why\n\nIt helps."
    assert (await texts.get("/sleep", by=DESK, version=1))["fields"][0]["required"] is False
    listed = (await texts.api.get("/v1/form-templates", headers=DESK)).json()["items"]
    assert [form["kind"] for form in listed] == ["sleep"]


async def test_a_form_comes_with_what_is_read_before_its_questions(texts: Texts) -> None:
    client = await texts.client()
    await texts.books(client)
    path = f"/v1/clients/{client.id}/forms"
    billing = (await texts.api.get(f"{path}/billing_info", headers=DESK)).json()
    assert billing["body"] == (await texts.get("/billing_info"))["body"]
    assert billing["fee_policy_version"] == 1
    body = {"title": "Sleep", "body": "# Why\n\nIt helps.", "fields": [FIELD]}
    await texts.api.put("/v1/texts/sleep", json=body, headers=ROOT)
    await texts.publish("sleep")
    await texts.api.post(path, json={"kind": "sleep"}, headers=DESK)
    sleep = (await texts.api.get(f"{path}/sleep", headers=DESK)).json()
    assert (sleep["body"], sleep["fee_policy_version"]) == ("# Why\n\nIt helps.", None)


async def test_an_empty_signature_is_told_with_all_else_that_is_wrong(texts: Texts) -> None:
    client = await texts.client()
    await texts.books(client)
    path = f"/v1/clients/{client.id}/forms/informed_consent"
    answer = await texts.api.put(path, json={"answers": {}, "signature": " "}, headers=DESK)
    assert answer.status_code == 422
    assert [line["field"] for line in answer.json()["errors"]] == ["signature", "answers.agrees"]


@pytest.mark.parametrize(
    ("kind", "changed", "fields"),
    [
        ("fee_policy", {"body": "Two days."}, ["body"]),
        ("fee_policy", {"body": "{notice_window} {fee}"}, ["body"]),
        ("fee_policy", {"fields": [FIELD]}, ["fields"]),
        ("informed_consent", {"fields": [FIELD]}, ["fields"]),
        ("billing_info", {"title": " "}, ["title"]),
        ("initial_consultation", {"fields": []}, ["fields"]),
        ("initial_consultation", {"body": "\x00"}, ["body"]),
        ("initial_consultation", {"version": 2}, ["version"]),
    ],
)
async def test_what_is_wrong_with_a_draft_is_told_by_field(
    texts: Texts, rows: Rows, kind: str, changed: dict[str, Any], fields: list[str]
) -> None:
    assert fields_of(await texts.put(kind, **changed)) == fields
    assert await drafts(rows) == []
    for path in ("preview", "publish"):
        answer = await texts.api.post(f"/v1/texts/{kind}/{path}", headers=ROOT)
        assert problem_of(answer) == "not-found"


async def test_a_draft_is_in_force_for_nobody_and_publishing_asks_by_mail(texts: Texts) -> None:
    sara = await texts.client()
    await texts.books(sara)
    for kind in ("informed_consent", "initial_consultation", "billing_info"):
        await texts.signs(sara, kind)
    assert {mail.template for mail in await texts.mails(sara)} >= {"booking_confirmation"}
    before = await texts.everything()
    consent = await texts.get("/informed_consent", by=ROOT)
    draft = await texts.words("informed_consent", title="Consent", body=f"{consent['source']}\n\n# More\n\nMore.")
    assert draft["to_be_asked"] == 1
    shown = await texts.preview("informed_consent")
    assert (shown["in_force"]["body"], shown["to_be_asked"], shown["together"]) == (consent["body"], 1, [])
    assert shown["draft"]["body"].endswith("# More\n\nMore.")
    assert await texts.everything() == before
    assert await texts.mails(sara) == []

    # A draft that was changed since it was looked at is not published unseen.
    await texts.words("informed_consent", title="Consent")
    assert fields_of(
        await texts.api.post("/v1/texts/informed_consent/publish", json={"draft_id": shown["draft_id"]}, headers=ROOT)
    ) == ["draft_id"]
    published = await texts.publish("informed_consent", draft_id=(await texts.preview("informed_consent"))["draft_id"])
    assert (published["version"], published["versions"], published["asked"]) == (2, [2, 1], 1)
    assert (await texts.get("/informed_consent", version=1))["title"] == consent["title"]
    assert ("informed_consent", 2, "requested") in await texts.asked(sara)
    [mail] = await texts.mails(sara)
    assert (mail.template, "- Consent\n" in mail.text) == ("form_new_version", True)  # as the practice calls it
    await texts.publish("informed_consent", expect=404)


async def test_other_settings_propose_once_and_change_nothing(texts: Texts, app: FastAPI, rows: Rows) -> None:
    sara, otto = await texts.client(), await texts.client()
    for person in (sara, otto):
        await texts.books(person)
        await texts.signs(person)
        await texts.mails(person)
    before = await texts.everything()
    for _ in range(3):
        await starts(app, DAY_BEFORE)
    assert await texts.everything() == before
    [draft], [task] = await drafts(rows), await tasks(rows)
    assert "notice_window 24 hours instead of 48 hours" in task.text
    assert task.data["to_be_asked"] == 2
    for wording, number in (("in_force", "48"), ("draft", "24")):
        assert f"until {number} hours before it begins" in task.data[wording]
    assert (await texts.get("/fee_policy"))["numbers"]["notice_window"] == "48 hours"
    assert (await texts.get("/fee_policy", by=ROOT))["draft"]["numbers"]["notice_window"] == "24 hours"
    # Whoever books meanwhile books under what is in force, whatever the settings are.
    with_settings(app, DAY_BEFORE)
    booked = await texts.books(await texts.client())
    assert (booked["notice_window"], booked["fee_policy_version"]) == ("48 hours", 1)

    # Rolled back: nothing is proposed any more. And so again, the other way.
    with_settings(app, JourneyPolicy())
    await starts(app, JourneyPolicy())
    assert await drafts(rows) == []
    assert [task.resolved_by for task in await tasks(rows)] == ["system"]
    await starts(app, DAY_BEFORE)
    assert [one.terms for one in await drafts(rows)] == [draft.terms]
    assert [task.resolved_at for task in await tasks(rows)] == [None]
    assert [mail.template for mail in await texts.mails(sara)] == []


async def test_an_admin_sees_the_task_and_publishing_closes_it(texts: Texts, app: FastAPI, rows: Rows) -> None:
    await rows.add(Task(id=texts.ana.id, key="x", kind=TaskKind.NO_RECORD, text="x", opened_at=texts.clock.time))
    await starts(app, DAY_BEFORE)
    listed = (await texts.api.get("/v1/tasks", headers=ROOT)).json()["items"]
    assert [task["kind"] for task in listed] == ["text_waits"]
    assert len((await texts.api.get("/v1/tasks", headers=DESK)).json()["items"]) == 2
    # The words are the admin's, the numbers the settings'.
    policy = await texts.get("/fee_policy", by=ROOT)
    await texts.words("fee_policy", body=f"In short: {{notice_window}}.\n\n{policy['source']}")
    assert (await texts.preview("fee_policy"))["draft"]["body"].startswith("In short: 24 hours.")
    published = await texts.publish("fee_policy")
    assert (published["numbers"]["notice_window"], published["together"]) == ("24 hours", ["billing_info"])
    assert [task.resolved_by for task in await tasks(rows)] == ["admin:root"]
    # A process that still has the old settings proposes those: it does not publish them either.
    await starts(app, JourneyPolicy())
    assert (await texts.get("/fee_policy"))["numbers"]["notice_window"] == "24 hours"
    assert sorted(task.resolved_at is None for task in await tasks(rows)) == [False, True]  # opened at one moment


async def test_who_has_a_card_signs_again_without_giving_it_again(texts: Texts, app: FastAPI) -> None:
    sara = await texts.client()
    await texts.books(sara)
    await texts.signs(sara, card=False, expect=422)
    await texts.signs(sara)
    await starts(app, DAY_BEFORE)
    await texts.publish("fee_policy")
    assert (await texts.signs(sara, card=False))["version"] == 2
    assert (await texts.books(sara))["notice_window"] == "24 hours"


async def test_what_a_person_has_decided_or_worded_outlives_the_settings(
    texts: Texts, app: FastAPI, rows: Rows
) -> None:
    await starts(app, DAY_BEFORE)
    [task] = await tasks(rows)
    done = await texts.api.post(f"/v1/tasks/{task.id}/resolve", json={"note": "We keep 48 hours."}, headers=ROOT)
    assert done.status_code == 200, done.text
    await starts(app, DAY_BEFORE)
    assert [task.resolved_by for task in await tasks(rows)] == ["admin:root"]
    await texts.words("fee_policy", title="What sessions cost")
    await starts(app, JourneyPolicy())
    [draft] = await drafts(rows)
    assert (draft.title, draft.terms) == ("What sessions cost", None)
    assert (await texts.publish("fee_policy"))["numbers"]["notice_window"] == "48 hours"


async def test_numbers_that_stand_in_another_text_change_with_the_fee_policy(
    texts: Texts, app: FastAPI, engine: ToldEngine
) -> None:
    await texts.words("informed_consent", body="You may cancel until {notice_window} before.")
    await texts.publish("informed_consent")
    await starts(app, DAY_BEFORE)
    assert (await texts.preview("fee_policy"))["together"] == ["billing_info", "informed_consent"]
    assert (await texts.publish("fee_policy"))["together"] == ["billing_info", "informed_consent"]
    assert (await texts.get("/informed_consent"))["body"] == "You may cancel until 24 hours before."
    assert (await texts.get("/informed_consent", version=2))["body"] == "You may cancel until 48 hours before."
    assert (await texts.get("/initial_consultation"))["version"] == 1


async def test_many_starts_at_once_make_one_draft(texts: Texts, app: FastAPI, rows: Rows) -> None:
    with_settings(app, DAY_BEFORE)
    await asyncio.gather(*(propose_numbers(app.state.services) for _ in range(6)))
    assert (len(await drafts(rows)), len(await tasks(rows))) == (1, 1)
    with_settings(app, JourneyPolicy())


async def test_a_form_shows_what_is_read_before_it_is_signed_in_the_version_that_was_asked_for(texts: Texts) -> None:
    """Of forms of the practice's own it is the only place where a client reads their words."""
    sara = await texts.client()
    await texts.books(sara)
    for kind in ("informed_consent", "billing_info"):
        shown, text = await texts.form(sara, kind), await texts.get(f"/{kind}")
        assert (shown["body"], shown["fee_policy_version"]) == (text["body"], text["fee_policy_version"])
    own = {"title": "Diary", "body": "At most {notice_window}.", "fields": [FIELD]}
    assert (await texts.api.put("/v1/texts/diary", json=own, headers=ROOT)).status_code == 200
    await texts.publish("diary")
    asked = await texts.api.post(f"/v1/clients/{sara.id}/forms", json={"kind": "diary"}, headers=DESK)
    assert asked.status_code == 201, asked.text
    await texts.words("diary", body="Other words.")
    await texts.publish("diary")
    assert (await texts.form(sara, "diary"))["body"] == "At most 48 hours."


async def test_nothing_is_signed_that_was_published_while_somebody_read(texts: Texts) -> None:
    sara = await texts.client()
    await texts.books(sara)
    shown = await texts.form(sara, "informed_consent")
    await texts.words("informed_consent", body="Other words.")
    await texts.publish("informed_consent")
    refused = await texts.signs(sara, "informed_consent", version=shown["version"], expect=422)
    assert [error["field"] for error in refused["errors"]] == ["version"]
    shown = await texts.form(sara, "informed_consent")
    assert shown["body"] == "Other words."
    assert (await texts.signs(sara, "informed_consent", version=shown["version"]))["status"] == "complete"
