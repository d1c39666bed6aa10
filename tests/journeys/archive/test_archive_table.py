"""S34 to S68, one by one: each number is a check on the running system, through the API and the outbox."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.archive.situations import of_the_desk

FIRST, LAST = 34, 68


@dataclass
class Scene:
    """A practice with archived clients. Sara, whom Ana shares everything with, stays archived until the end; the
    others, by name, are each one check's own. ``before`` is what was there of Sara when she was archived."""

    care: Care
    sara: Person
    people: dict[str, Person]
    group: str
    chats: dict[str, str]
    document: str
    note: str
    before: Json
    mails: int
    done: Json = field(default_factory=dict)

    @property
    def of_sara(self) -> str:
        return f"/v1/clients/{self.sara.id}"

    async def items(self, path: str, *, by: str = "desk", **params: object) -> list[Json]:
        found: list[Json] = (await self.care.get(path, by=by, limit=200, **params))["items"]
        return found

    async def refuses(self, method: str, path: str, body: Json, *, by: str = "ana") -> None:
        await self.care.refused(method, path, body, by=by, name="client-archived")


Check = Callable[[Scene], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def checks(*numbers: int) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        for number in numbers:
            assert f"S{number}" not in CHECKS
            CHECKS[f"S{number}"] = check
        return check

    return keep


def ids(items: list[Json]) -> set[str]:
    return {str(line["id"]) for line in items}


# ---------------------------------------------------------------- the lists and the records


@checks(34)
async def leaves_the_active_list(scene: Scene) -> None:
    assert scene.sara.id not in ids(await scene.items("/v1/clients", status="active"))


@checks(35, 59)
async def is_listed_under_archived_indefinitely(scene: Scene) -> None:
    assert scene.sara.id in ids(await scene.items("/v1/clients", status="archived"))
    assert scene.sara.id in ids(await scene.items("/v1/clients", status="archived", by="ana"))


@checks(36, 65)
async def nothing_is_deleted(scene: Scene) -> None:
    for path, seen in scene.before.items():
        now = await scene.items(path, by="ana" if path.endswith(("goals", "notes")) else "desk")
        assert ids(now) >= ids(seen), path
    assert (await scene.care.get(f"{scene.of_sara}/timeline/verify"))["valid"] is True


@checks(37)
async def the_client_is_never_told(scene: Scene) -> None:
    sent = (await scene.care.mails(to=scene.sara.email))[scene.mails :]
    assert [mail["template"] for mail in sent] == ["appointment_cancelled"]
    assert "archiv" not in str(sent).lower()
    for by in ("site", scene.sara.email):
        view = await scene.sara.look(by=by)
        assert view["stage"] == "in_care"
        assert not {"status", "archived_at"} & set(view)
        await scene.care.refused("GET", f"{scene.of_sara}/timeline", by=by, name="not-allowed", status=403)


# ---------------------------------------------------------------- chats, feed, goals


@checks(38)
async def leaves_live_group_chats_and_blasts(scene: Scene) -> None:
    seen = await scene.items("/v1/chats", by=scene.sara.email)
    assert {chat["kind"] for chat in seen} == {"direct", "care_team", "community"}
    path = f"/v1/chats/{scene.chats['group']}"
    await scene.care.refused("GET", path, by=scene.sara.email, name="not-found", status=404)
    blast = await scene.care.post("/v1/blasts", {"text": "Hello", "client_ids": [scene.sara.id]}, by="ana")
    assert (blast["sent_to"], [line["client_id"] for line in blast["left_out"]]) == ([], [scene.sara.id])


@checks(39)
async def leaves_the_therapists_feed(scene: Scene) -> None:
    feed = await scene.items("/v1/notifications", by="ana")
    assert {line["client_id"] for line in feed} == {scene.people["Active"].id}


@checks(40)
async def no_document_or_form_can_be_newly_shared_or_asked(scene: Scene) -> None:
    await scene.refuses("POST", f"/v1/documents/{scene.done['other_document']}/shares", {"client_id": scene.sara.id})
    await scene.refuses("POST", f"{scene.of_sara}/forms", {"kind": "after_a_month"})
    await scene.refuses("POST", f"{scene.of_sara}/goals", {"text": "Rest", "remind": None})


@checks(43)
async def requested_forms_are_suspended_and_can_be_completed(scene: Scene) -> None:
    path = f"{scene.of_sara}/forms"
    assert [form["status"] for form in await scene.items(path) if form["kind"] == "after_a_month"] == ["suspended"]
    seen = {form["kind"]: form["status"] for form in await scene.items(path, by=scene.sara.email)}
    assert seen["after_a_month"] == "requested"
    answers = {"answers": {"how": "Well"}, "signature": "Sara Lind"}
    done = await scene.care.call("PUT", f"{path}/after_a_month", answers, by=scene.sara.email, expect=200)
    assert done.json()["status"] == "complete"


@checks(44)
async def gets_no_goal_reminders(scene: Scene) -> None:
    assert [goal["status"] for goal in await scene.items(f"{scene.of_sara}/goals", by=scene.sara.email)] == ["open"]
    assert scene.done["goals"] == [{"id": scene.done["goal"], "remind": {"weekday": "mon", "at": "09:00"}}]
    assert (await scene.care.mail_counts(to=scene.sara.email))["goal_reminder"] == 0


@checks(45)
async def may_write_in_an_existing_chat(scene: Scene) -> None:
    for kind in ("direct", "care_team"):
        path = f"/v1/chats/{scene.chats[kind]}/messages"
        said = await scene.care.post(path, {"text": "Are you there?"}, by=scene.sara.email)
        assert said["mine"] is True
        assert said["id"] in ids(await scene.items(path, by="ana" if kind == "direct" else "desk"))


@checks(46)
async def a_therapist_must_unarchive_to_start_a_new_chat(scene: Scene) -> None:
    tom = scene.people["Tom"]
    for kind in ("direct", "care_team"):
        await scene.refuses("POST", "/v1/chats", {"kind": kind, "members": [tom.id]}, by="desk")
    await scene.refuses("POST", "/v1/chats", {"kind": "direct", "members": [tom.id]})


@checks(50)
async def stays_in_community_chats_to_read_and_write(scene: Scene) -> None:
    path = f"/v1/chats/{scene.chats['community']}/messages"
    await scene.care.post(path, {"text": "Good morning"}, by=scene.sara.email)
    assert [line["text"] for line in await scene.items(path, by=scene.sara.email)][-1] == "Good morning"


@checks(51)
async def is_left_out_of_future_community_chats(scene: Scene) -> None:
    new = {"kind": "community", "members": [scene.sara.id], "title": "Newcomers"}
    await scene.refuses("POST", "/v1/chats", new, by="desk")
    other = await scene.care.post("/v1/chats", new | {"members": [scene.people["Active"].id]}, by="desk")
    await scene.refuses("POST", f"/v1/chats/{other['id']}/members", {"client_id": scene.sara.id}, by="desk")


# ---------------------------------------------------------------- appointments and money


@checks(41)
async def upcoming_appointments_are_cancelled_without_a_fee(scene: Scene) -> None:
    ahead = scene.sara.session(3)
    assert [line["id"] for line in scene.done["appointments"]] == [ahead.id]
    view = await ahead.look()
    assert (view["status"], view["payment"]) == ("cancelled", None)


@checks(42)
async def scheduled_payments_are_cancelled_and_count_as_owed(scene: Scene) -> None:
    assert [line["status"] for line in scene.done["payments"]] == ["scheduled"]
    paid, stopped = sorted(await scene.sara.payments(), key=lambda line: str(line["due_at"]))
    assert (paid["status"], stopped["status"], stopped["because"]) == ("paid", "cancelled", "archived")
    assert (await scene.sara.balance())["owed"] == 12000
    assert len(await scene.care.charges_at_stripe()) == 1


@checks(47, 58)
async def may_book_and_the_booking_unarchives(scene: Scene) -> None:
    tom = scene.people["Tom"]
    problem = await tom.cannot_book("session", name="intake-forms-incomplete")  # the gate first, as for anybody
    assert "archiv" not in str(problem).lower()
    await tom.completes_forms()
    assert (await tom.look())["status"] == "archived"
    await tom.books("session")
    assert (await tom.look())["status"] == "active"


@checks(48)
async def a_booking_by_the_practice_unarchives_too_and_the_therapist_is_told(scene: Scene) -> None:
    uma = scene.people["Uma"]
    await scene.care.rest()
    before = (await scene.care.mail_counts(to="ana@practice.example"))["client_back"]
    await uma.books("session", by="desk")
    assert (await uma.look())["status"] == "active"
    await scene.care.rest()
    assert (await scene.care.mail_counts(to="ana@practice.example"))["client_back"] == before + 1


@checks(49, 55)
async def a_setting_of_one_client_prevents_it_for_the_client_side(scene: Scene) -> None:
    vera = scene.people["Vera"]
    await vera.cannot_book("session", name="booking-disabled")
    assert (await vera.look())["status"] == "archived"
    assert (await vera.look())["portal_settings"]["schedule_appointments"] is False
    assert (await scene.sara.look())["portal_settings"]["schedule_appointments"] is True


# ---------------------------------------------------------------- what was shared, the login, the group


@checks(52)
async def still_sees_what_was_shared_and_unsharing_hides_it(scene: Scene) -> None:
    documents, notes = f"{scene.of_sara}/documents", f"{scene.of_sara}/notes"
    assert ids(await scene.items(documents, by=scene.sara.email)) == {scene.document}
    assert ids(await scene.items(notes, by=scene.sara.email)) == {scene.note}
    content = await scene.care.call("GET", f"/v1/documents/{scene.document}/content", by=scene.sara.email, expect=200)
    assert content.content == b"A plan"
    await scene.care.call("DELETE", f"/v1/documents/{scene.document}/shares/{scene.sara.id}", by="ana", expect=204)
    await scene.care.call("PATCH", f"/v1/notes/{scene.note}", {"shared": False}, by="ana", expect=200)
    assert await scene.items(documents, by=scene.sara.email) == []
    assert await scene.items(notes, by=scene.sara.email) == []
    await scene.refuses("PATCH", f"/v1/notes/{scene.note}", {"shared": True})


@checks(53)
async def sees_completed_forms(scene: Scene) -> None:
    form = await scene.care.get(f"{scene.of_sara}/forms/informed_consent", by=scene.sara.email)
    assert (form["status"], form["answers"]) == ("complete", {"agrees": True})


@checks(54)
async def stays_in_the_group_until_moved_by_hand(scene: Scene) -> None:
    assert (await scene.sara.look())["group"] == scene.group
    moved = await scene.care.call("PATCH", scene.of_sara, {"group": None}, by="desk", expect=200)
    assert (moved.json()["group"], moved.json()["status"]) == (None, "archived")


@checks(57, 67)
async def keeps_login_and_profile(scene: Scene) -> None:
    await scene.sara.signs_in()
    changed = {"phone": "+12125550199"}
    await scene.care.call("PATCH", scene.of_sara, changed, by=scene.sara.email, expect=200)
    assert (await scene.sara.look(by=scene.sara.email))["phone"] == "+12125550199"
    assert (await scene.sara.look())["status"] == "archived"


# ---------------------------------------------------------------- one, many, and back


@checks(56)
async def one_client_is_archived_from_the_list(scene: Scene) -> None:
    walt = scene.people["Walt"]
    assert walt.id in ids(await scene.items("/v1/clients", status="active", q="Walt"))
    done = await scene.care.post(f"/v1/clients/{walt.id}/archive", {"reason": "moved"}, by="ana", expect=200)
    assert (done["already_archived"], done["reason"]) == (False, "moved")
    assert walt.id in ids(await scene.items("/v1/clients", status="archived", q="Walt"))


@checks(60)
async def a_panel_lists_each_with_credit_and_debt_before_one_confirmation(scene: Scene) -> None:
    chosen = [scene.sara.id, scene.people["Active"].id]
    panel = await scene.care.post("/v1/archives", {"client_ids": chosen, "dry_run": True}, by="desk", expect=200)
    lines = {line["client_id"]: line for line in panel["clients"]}
    assert {lines[id]["already_archived"] for id in chosen} == {True, False}
    assert (lines[scene.sara.id]["owed"], lines[scene.people["Active"].id]["credit"]) == (12000, 700)
    assert (await scene.people["Active"].look())["status"] == "active"


@checks(61, 62)
async def a_whole_group_is_archived_and_lives_on(scene: Scene) -> None:
    one, two = scene.people["One"], scene.people["Two"]
    group = (await scene.care.post("/v1/groups", {"name": "Tuesdays"}, by="desk"))["id"]
    for member in (one, two):
        await scene.care.call("PATCH", f"/v1/clients/{member.id}", {"group": group}, by="desk", expect=200)
    await two.is_archived()
    begun = await scene.care.post("/v1/archives", {"group_id": group}, by="desk", expect=202)
    await scene.care.pass_time(minutes=1)
    archive = await scene.care.get(f"/v1/archives/{begun['archive_id']}")
    assert archive["status"] == "finished"
    assert {line["client_id"]: line["result"] for line in archive["results"]} == {one.id: "archived", two.id: "skipped"}
    new = scene.people["Active"]
    await scene.care.call("PATCH", f"/v1/clients/{new.id}", {"group": group}, by="desk", expect=200)
    assert (await new.look())["status"] == "active"
    view = await scene.care.get(f"/v1/groups/{group}")
    assert (view["active"], view["archived"]) == (1, 2)


@checks(66)
async def the_care_team_can_unsubscribe_a_client(scene: Scene) -> None:
    await scene.care.call("PATCH", scene.of_sara, {"unsubscribed": True}, by="desk", expect=200)
    assert (await scene.sara.look(by=scene.sara.email))["unsubscribed"] is True
    await scene.care.pass_time(hours=2)
    sent = (await scene.care.mail_counts(to=scene.sara.email))["new_message"]
    await scene.care.post(f"/v1/chats/{scene.chats['direct']}/messages", {"text": "Are you there?"}, by="ana")
    await scene.care.rest()
    assert (await scene.care.mail_counts(to=scene.sara.email))["new_message"] == sent


@checks(68)
async def an_address_of_an_archived_client_is_in_use_for_staff_alone(scene: Scene) -> None:
    details = scene.sara.details
    journey = {"source": "care_team", "therapist": "ana", "note": "She called.", "client": details}
    problem = await scene.care.refused("POST", "/v1/journeys", journey, by="desk", name="email-in-use")
    assert (problem["detail"], problem["client_id"]) == ("Email in use.", scene.sara.id)
    assert problem["client_status"] == "archived"
    public = {"source": "direct_booking", "therapist": "ana", "client": details}
    assert (await scene.care.call("POST", "/v1/journeys", public, by="site")).status_code == 201


@checks(63, 64)
async def is_made_active_again_and_what_was_cancelled_stays_so_unless_restored(scene: Scene) -> None:
    vera = scene.people["Vera"]
    await vera.is_unarchived()
    assert (await vera.look())["status"] == "active"
    assert (await vera.session(1).look())["status"] == "cancelled"
    answer = await scene.care.post(f"{scene.of_sara}/unarchive", {"restore": True}, by="desk", expect=200)
    assert [line["restored_from"] for line in answer["restored"]["appointments"]] == [scene.sara.session(3).id]
    assert [line["kind"] for line in answer["not_restored"]] == ["chat"]
    assert scene.sara.id in ids(await scene.items("/v1/clients", status="active"))


# ---------------------------------------------------------------- the scene


async def shared_document(care: Care, person: Person | None, title: str) -> str:
    made = await care.http.post(
        f"{care.house.api_url}/v1/documents",
        files={"file": ("plan.txt", b"A plan", "text/plain")},
        data={"title": title},
        headers={"Authorization": f"Bearer {care.tokens['ana']}"},
    )
    assert made.status_code == 201, made.text
    id = str(made.json()["id"])
    if person is not None:
        await care.post(f"/v1/documents/{id}/shares", {"client_id": person.id}, by="ana")
    return id


async def set_scene(care: Care) -> Scene:
    await care.therapist()
    sara = await of_the_desk(care, "Sara")
    people = {name: await of_the_desk(care, name) for name in ("Tom", "Uma", "Vera", "Walt", "One", "Two", "Active")}
    await sara.books("session", by="desk")
    await care.rest()
    await sara.activates()
    await sara.completes_forms()
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    for after in (timedelta(hours=13), timedelta(days=3)):
        await sara.books("session", by="desk", after=after)
    await sara.session(2).occurs()
    await sara.signs_in()
    for number, name in enumerate(("Tom", "Vera", "Active")):
        await people[name].books("session", by="desk", after=timedelta(days=4 + number))

    group = str((await care.post("/v1/groups", {"name": "Mondays"}, by="desk"))["id"])
    of = f"/v1/clients/{sara.id}"
    await care.call("PATCH", of, {"group": group}, by="desk", expect=200)
    off = {"portal_settings": {"schedule_appointments": False}}
    await care.call("PATCH", f"/v1/clients/{people['Vera'].id}", off, by="desk", expect=200)
    credit = {"amount": 700, "currency": "USD", "reason": "thanks"}
    await care.post(f"/v1/clients/{people['Active'].id}/credits", credit, by="desk")
    question = {"name": "how", "label": "How was it?", "type": "text", "required": True}
    template = {"title": "After a month", "kind": "after_a_month", "fields": [question]}
    await care.post("/v1/form-templates", template, by="desk")
    await care.post(f"{of}/forms", {"kind": "after_a_month"}, by="desk")
    weekly = {"text": "Walk", "remind": {"weekday": "mon", "at": "09:00"}}
    goal = await care.post(f"{of}/goals", weekly, by="ana")
    chats = {}
    for kind in ("direct", "care_team", "group", "community"):
        body = {"kind": kind, "members": [sara.id]} | ({"title": kind} if kind in ("group", "community") else {})
        chats[kind] = str((await care.post("/v1/chats", body, by="ana" if kind == "direct" else "desk"))["id"])
    document, other = await shared_document(care, sara, "A plan"), await shared_document(care, None, "Another")
    path = f"/v1/appointments/{sara.session(1).id}/note"
    note = await care.post(path, {"text": "We talked.", "shared": True}, by="ana")
    await care.rest()

    scene = Scene(
        care=care,
        sara=sara,
        people=people,
        group=group,
        chats=chats,
        document=document,
        note=str(note["id"]),
        before={},
        mails=len(await care.mails(to=sara.email)),
    )
    for part in ("forms", "goals", "notes", "payments", "credits"):
        scene.before[f"{of}/{part}"] = await scene.items(
            f"{of}/{part}", by="ana" if part in ("goals", "notes") else "desk"
        )
    for name in ("Tom", "Uma", "Vera"):
        await people[name].is_archived()
    done = await sara.is_archived(reason="no answer")
    scene.done = done | {"other_document": other, "goal": goal["id"]}
    await care.rest()
    return scene


def test_every_number_is_there() -> None:
    assert set(CHECKS) == {f"S{number}" for number in range(FIRST, LAST + 1)}


@pytest.mark.timeout(300)
async def test_s34_to_s68_on_the_running_system(care: Care) -> None:
    scene = await set_scene(care)
    failed = {}
    for check in dict.fromkeys(CHECKS.values()):
        numbers = ", ".join(number for number, other in CHECKS.items() if other is check)
        try:
            await check(scene)
        except AssertionError as error:
            failed[numbers] = f"{check.__name__}: {error}"
    assert failed == {}
