"""New versions of forms: asked for by mail, reminded of, a gate after a grace; and never a lock without a request."""

from datetime import datetime, timedelta
from uuid import uuid4

from api.announcing import announce_versions
from models.writes.forms.texts import add_version
from rules.forms.intake import INTAKE_FORMS
from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.forms.test_requested_forms import DIARY, GOOD
from workflows.messages import FORM_VERSION_PUBLISHED, FormVersionSignal

GRACE = timedelta(days=7)
CONSENT = "informed_consent"


async def published(care: Care, kind: str = CONSENT, *, told: bool = True) -> None:
    """A release brings the next version of an intake form; ``told``: and the API has started since."""
    async with care.house.sessions() as session:
        await add_version(
            session,
            id=uuid4(),
            kind=kind,
            title=INTAKE_FORMS[kind].title,
            fields=[field.to_document() for field in INTAKE_FORMS[kind].fields],
            by="admin:root",
            at=await care.now(),
        )
        await session.commit()
    if told:
        await announce_versions(care.house.services)
    await care.rest()


async def newest(person: Person, kind: str = CONSENT, *, by: str = "site") -> Json:
    form: Json = await person.care.get(f"/v1/clients/{person.id}/forms/{kind}", by=by)
    return form


async def mails_about_forms(person: Person) -> tuple[int, int]:
    await person.care.rest()
    counts = await person.care.mail_counts(to=person.email)
    return counts["forms_requested"] + counts["form_new_version"], counts["forms_reminder"]


async def outstanding(person: Person) -> list[str]:
    return list((await person.look())["outstanding_forms"])


async def books_at(person: Person, *, by: str = "site", days: int = 3) -> Json:
    [session] = await person.books("session", by=by, after=timedelta(days=days))
    return await session.look()


async def test_s12_a_new_version_is_asked_for_by_mail_reminded_of_and_gates_after_its_grace(care: Care) -> None:
    sara = await care.client_in_care()
    first = await newest(sara)
    before = await mails_about_forms(sara)
    await published(care)
    again = await newest(sara)
    assert (again["version"], again["status"], again["entered_by"]) == (2, "requested", None)
    gates_from = datetime.fromisoformat(again["gates_from"])
    assert gates_from == datetime.fromisoformat(again["requested_at"]) + GRACE
    listed = (await care.get(f"/v1/clients/{sara.id}/forms"))["items"]
    assert [(f["version"], f["status"], f["gates_from"]) for f in listed if f["kind"] == CONSENT] == [
        (1, "complete", None), (2, "requested", again["gates_from"])
    ]  # fmt: skip
    assert again["id"] != first["id"]
    assert await mails_about_forms(sara) == (before[0] + 1, before[1])
    mail = (await care.mails(to=sara.email, template="form_new_version"))[-1]
    assert INTAKE_FORMS[CONSENT].title in mail["text"]
    assert "Billing Info" not in mail["text"]

    await care.pass_time(days=1)
    assert await mails_about_forms(sara) == (before[0] + 1, before[1] + 1)
    await care.pass_time(days=2)  # and a session was ahead: the day before it is the third
    assert await mails_about_forms(sara) == (before[0] + 1, before[1] + 3)

    # Until its time it keeps nobody from anything, and stands nowhere as missing.
    await care.until(gates_from - timedelta(minutes=10))
    assert (await outstanding(sara), await sara.stage()) == ([], "in_care")
    assert (await books_at(sara, by="desk", days=20))["complete_forms_in_session"] is False
    assert (await books_at(sara, days=30))["outstanding_forms"] == []
    assert "forms_gate_opened" not in await sara.facts()

    await care.until(gates_from)
    problem = await sara.cannot_book("session", name="intake-forms-incomplete")
    assert problem["outstanding"] == [CONSENT]
    await care.rest()
    assert await outstanding(sara) == [CONSENT]
    assert (await sara.facts()).count("form_gates") == 1
    stamped = await books_at(sara, by="desk", days=40)
    assert (stamped["complete_forms_in_session"], stamped["outstanding_forms"]) == (True, [CONSENT])
    done = await sara.fills_in(CONSENT)
    assert (done["version"], done["status"]) == (2, "complete")
    assert await outstanding(sara) == []
    await books_at(sara, days=50)
    assert await mails_about_forms(sara) == (before[0] + 1, before[1] + 3)
    assert (await sara.facts()).count("form_requested") == 1


async def test_s12_the_stage_follows_when_the_grace_has_passed_and_nothing_else_happens(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call", after=timedelta(days=20))
    await care.rest()
    await sara.activates()
    await sara.completes_forms()
    await published(care)
    assert await sara.stage() == "intro_call"
    await care.pass_time(days=6, hours=23)
    assert await sara.stage() == "intro_call"
    await care.pass_time(hours=2)
    assert (await sara.stage(), await outstanding(sara)) == ("intake", [CONSENT])
    await sara.fills_in(CONSENT)
    assert await sara.stage() == "intro_call"


async def test_s12_told_twice_or_raised_twice_in_a_row_the_newest_is_asked_for_once(care: Care) -> None:
    sara = await care.client_in_care()
    before = await mails_about_forms(sara)
    await published(care)
    second = await newest(sara)
    facts = await sara.facts()
    for _ in range(2):
        await sara.journey.signal(FORM_VERSION_PUBLISHED, FormVersionSignal(kind=CONSENT))
    await sara.journey.signal(FORM_VERSION_PUBLISHED, {"nonsense": 1})
    await care.rest()
    assert (await newest(sara), await sara.facts()) == (second, facts)
    assert await mails_about_forms(sara) == (before[0] + 1, before[1])

    # The open asking moves to version 3, with a mail, reminders and a grace of its own.
    await care.pass_time(days=2)
    await published(care)
    third = await newest(sara)
    assert (third["id"], third["version"], third["status"]) == (second["id"], 3, "requested")
    assert datetime.fromisoformat(third["gates_from"]) == datetime.fromisoformat(third["requested_at"]) + GRACE
    assert await mails_about_forms(sara) == (before[0] + 2, before[1] + 1)
    await care.pass_time(days=4)  # by then a day before the session, too
    assert await mails_about_forms(sara) == (before[0] + 2, before[1] + 4)
    await care.until(datetime.fromisoformat(second["gates_from"]) + timedelta(hours=1))
    assert await outstanding(sara) == []
    await care.until(datetime.fromisoformat(third["gates_from"]) + timedelta(hours=1))
    assert await outstanding(sara) == [CONSENT]
    assert (await sara.facts()).count("form_gates") == 1
    await sara.fills_in(CONSENT)
    listed = (await care.get(f"/v1/clients/{sara.id}/forms"))["items"]
    assert [(f["version"], f["status"]) for f in listed if f["kind"] == CONSENT] == [(1, "complete"), (3, "complete")]


async def test_s12_who_is_archived_is_asked_when_back_and_whoever_was_not_told_with_the_next_booking(
    care: Care,
) -> None:
    sara, otto, mia = [await care.client_in_care(name=name) for name in ("Sara", "Otto", "Mia")]
    mails = {person.name: await mails_about_forms(person) for person in (sara, otto, mia)}
    await sara.is_archived()
    await otto.is_archived()
    await published(care)
    for person in (sara, otto):
        assert (await newest(person))["version"] == 1
        assert await mails_about_forms(person) == mails[person.name]
    await care.pass_time(days=8)
    assert await outstanding(sara) == await outstanding(otto) == []

    # Asked when made active again: from then on it is as for anybody.
    await sara.is_unarchived()
    back = await newest(sara)
    assert (back["version"], back["status"]) == (2, "requested")
    assert await mails_about_forms(sara) == (mails["Sara"][0] + 1, mails["Sara"][1])
    await books_at(sara)
    # The booking that makes active again asks, and goes through.
    await books_at(otto)
    assert (await newest(otto))["version"] == 2
    assert await mails_about_forms(otto) == (mails["Otto"][0] + 1, mails["Otto"][1])
    assert await outstanding(otto) == []
    await care.pass_time(days=7, hours=1)
    for person in (sara, otto):
        assert (await person.cannot_book("session", name="intake-forms-incomplete"))["outstanding"] == [CONSENT]

    # Archived while it was open: suspended in silence, and as it was when back.
    await sara.is_archived()
    assert ((await newest(sara, by="desk"))["status"], (await newest(sara))["status"]) == ("suspended", "requested")
    await sara.cannot_book("session", name="intake-forms-incomplete")  # S47: the form gate first

    # A third form that nobody could be told of: no lock without a request, however long ago it was published.
    await published(care, "initial_consultation", told=False)
    await mia.fills_in(CONSENT)
    await care.pass_time(days=30)
    assert await outstanding(mia) == []
    before = await mails_about_forms(mia)
    await books_at(mia)
    assert (await newest(mia, "initial_consultation"))["version"] == 2
    assert await mails_about_forms(mia) == (before[0] + 1, before[1])
    await books_at(mia, days=5)
    assert await mails_about_forms(mia) == (before[0] + 1, before[1])


async def test_s12_who_never_booked_is_asked_with_the_first_booking_for_the_newest(care: Care) -> None:
    await care.therapist("ana")
    sara, otto = await care.arrives(), await care.arrives(name="Otto")
    await otto.fills_in(CONSENT)  # before anybody asked: in the first version
    await published(care)
    everything = list(INTAKE_FORMS)
    assert (await outstanding(sara), await outstanding(otto)) == (everything, everything[1:])
    await sara.cannot_book("session", name="intake-forms-incomplete", weeks=4)  # a series cannot be the first
    await sara.books("intro_call")
    await care.rest()
    asked = await newest(sara)
    assert (asked["version"], asked["gates_from"]) == (2, None)
    assert await outstanding(sara) == everything
    assert await mails_about_forms(sara) == (1, 0)

    # Whoever has completed an older one has the grace as everybody has.
    await otto.books("intro_call")
    await care.rest()
    again = await newest(otto)
    assert (again["version"], again["status"]) == (2, "requested")
    assert again["gates_from"] is not None
    assert await outstanding(otto) == everything[1:]

    # Who has not completed the first ones yet waits for the newest as for those: at once, as before.
    await published(care)
    assert [(await newest(person))["version"] for person in (sara, otto)] == [3, 3]
    assert (await newest(sara))["gates_from"] is None
    assert await outstanding(sara) == everything
    await sara.completes_forms()
    assert await outstanding(sara) == []


async def test_s12_a_new_version_of_the_practices_own_form_is_asked_for_again_and_gates_nothing(care: Care) -> None:
    await care.post("/v1/form-templates", DIARY, by="desk")
    sara, otto = await care.client_in_care(), await care.client_in_care(name="Otto")
    path = f"/v1/clients/{sara.id}/forms"
    for person in (sara, otto):
        await care.post(f"/v1/clients/{person.id}/forms", {"kind": "mood_diary"}, by="ana")
    await care.call("PUT", f"{path}/mood_diary", GOOD, by="site", expect=200)
    before = await mails_about_forms(sara), await mails_about_forms(otto)
    await care.post("/v1/form-templates", DIARY | {"title": "Mood"}, by="desk")
    assert (await mails_about_forms(sara), await mails_about_forms(otto)) == (
        (before[0][0] + 1, before[0][1]), before[1]
    )  # fmt: skip
    again, open_still = await newest(sara, "mood_diary"), await newest(otto, "mood_diary")
    assert (again["version"], again["status"], again["gates_from"]) == (2, "requested", None)
    assert open_still["version"] == 1  # what is open keeps the version that was asked for
    await care.pass_time(days=8)
    assert await outstanding(sara) == []
    assert (await mails_about_forms(sara))[1] == before[0][1] + 2
    await books_at(sara)
    done = await care.call("PUT", f"{path}/mood_diary", GOOD, by="ana", expect=200)
    assert (done.json()["id"], done.json()["entered_by"]) == (again["id"], "therapist:ana")
