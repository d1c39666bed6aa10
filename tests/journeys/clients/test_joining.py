"""S68: one person, two records: the mailed link and the care team join them, and the rest of the story is one."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from activities.ports import MailerUnavailable, OutgoingMail
from tests.care.defaults import Json
from tests.care.house import PUBLIC_URL
from tests.care.story import Care, Person, key


async def comes_again(care: Care, sara: Person, *, after: timedelta = timedelta(days=5), **details: Any) -> Person:
    """Books on the site once more, as if for the first time, with an address that is known."""
    double = await care.arrives(name=sara.name)
    start = await care.slot("ana", "intro_call", after=after)
    body = double.booking("intro_call", start)
    body["details"] |= details
    double.books_at(await care.post(f"/v1/clients/{double.id}/appointments", body))
    await care.rest()
    return double


async def join_links(care: Care, sara: Person) -> list[str]:
    mails = await care.mails(to=sara.email, template="already_known")
    return [mail["text"].split(f"{PUBLIC_URL}/join/")[1].split()[0] for mail in mails]


async def link_is_dead(care: Care, token: str) -> None:
    await care.refused("POST", "/v1/joins", {"token": token}, by=None, name="activation-link-invalid", status=410)


async def tasks_about(care: Care, person: Person) -> list[str]:
    return [task["kind"] for task in await care.tasks() if task["client_id"] == person.id]


async def is_over(person: Person) -> bool:
    """Whether the journey has ended."""
    history = await person.journey.fetch_history()
    return history.events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED


async def test_s68_the_mailed_link_brings_the_booking_to_the_persons_own_record(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    before = await care.mail_counts(to=sara.email)
    double = await comes_again(care, sara, email="ＳＡＲＡ@Example.com", phone="+12125550199")
    # To the address as Sara gave it: who can read the mail at the other spelling is not known.
    assert await care.mail_counts(to=sara.email) - before == {"already_known": 1}
    assert await tasks_about(care, double) == ["possible_duplicate"]
    [link] = await join_links(care, sara)
    await link_is_dead(care, link[:-1] + ("x" if link[-1] != "x" else "y"))

    once = key()
    joined = await care.post("/v1/joins", {"token": link}, by=None, expect=200, headers=once)
    assert joined == {"client_id": sara.id}
    assert await care.post("/v1/joins", {"token": link}, by=None, expect=200, headers=once) == joined
    await link_is_dead(care, link)

    # One record for everybody but staff, who still find the other by its id.
    await sara.signs_in()
    seen = await sara.look(by=sara.email)
    assert "joined_into" not in seen
    assert seen["phone"] == "+12125550100"  # what was known stays
    assert [client["id"] for client in (await care.get("/v1/clients"))["items"]] == [sara.id]
    closed = await double.look()
    assert (closed["joined_into"], closed["closed_at"] is not None) == (sara.id, True)
    for by in ("site", "ana"):
        await care.refused("GET", f"/v1/clients/{double.id}", by=by, name="not-found", status=404)
    await care.refused("PATCH", f"/v1/clients/{double.id}", {"phone": "+12125550198"}, name="not-found", status=404)
    await care.refused("POST", f"/v1/clients/{double.id}/archive", {}, by="desk", name="not-found", status=404)
    assert (await care.tasks(), await is_over(double)) == ([], True)

    # What the appointment does from now on, it does for the one record: also what its own workflow reports.
    [call] = double.appointments
    assert (await call.look(by=sara.email))["client_id"] == sara.id
    mails = await care.mail_counts(to=sara.email)
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    assert await care.charges_at_stripe() == [12000]
    await call.occurs()
    assert (await care.mail_counts(to=sara.email) - mails)["appointment_reminder"] == 4
    facts = await sara.facts()
    assert facts[facts.index("record_joined") :].count("outcome_recorded") == 2
    assert (await double.facts())[-1] == "joined_into"
    for person in (sara, double):
        assert (await care.get(f"/v1/clients/{person.id}/timeline/verify"))["valid"]
    view = await sara.journey.query("journey")
    assert (view["open_appointments"], view["version"]) == ([], len(facts))


async def test_s68_the_link_ends_after_a_week_or_with_another_address_and_can_be_sent_again(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives("care_team", by="desk", client={"email": "sara@example.com", "first_name": "Sara"})
    double = await comes_again(care, sara, after=timedelta(days=20))
    await care.call("PATCH", f"/v1/clients/{double.id}", {"email": "otto@example.com"}, expect=200)
    await care.call("PATCH", f"/v1/clients/{double.id}", {"email": "SARA@example.com"}, expect=200)
    await care.post(f"/v1/clients/{double.id}/activation", expect=202)
    await care.rest()
    first, second = await join_links(care, sara)
    await link_is_dead(care, first)
    await care.pass_time(days=7)
    await link_is_dead(care, second)
    assert not await is_over(double)

    # An account that is switched off for booking gets no booking by this way, and is not told why.
    await care.call(
        "PATCH", f"/v1/clients/{sara.id}", {"portal_settings": {"schedule_appointments": False}}, by="desk", expect=200
    )
    await care.post(f"/v1/clients/{double.id}/activation", expect=202)
    await care.rest()
    third = (await join_links(care, sara))[-1]
    await care.refused("POST", "/v1/joins", {"token": third}, by=None, name="booking-disabled")
    await care.call(
        "PATCH", f"/v1/clients/{sara.id}", {"portal_settings": {"schedule_appointments": True}}, by="desk", expect=200
    )
    # As long as there are two records, the link alone is what the address is sent.
    assert "activation_reminder" not in await care.mail_counts(to=sara.email)
    await care.post("/v1/joins", {"token": third}, by=None, expect=200)  # it was not used up
    assert (await sara.look())["phone"] == "+12125550100"  # was missing


async def test_s68_a_link_that_is_followed_does_not_bring_back_who_was_archived(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    double = await comes_again(care, sara)
    await double.appointments[0].cancelled()
    await sara.is_archived()
    await care.rest()
    [link] = await join_links(care, sara)
    mails = await care.mail_counts()
    await care.post("/v1/joins", {"token": link}, by=None, expect=200)
    await care.rest()
    assert (await sara.look())["status"] == "archived"
    assert "unarchived" not in await sara.facts()
    assert await is_over(double)
    await care.pass_time(days=30)
    assert await care.mail_counts() == mails  # nobody hears of it


async def test_s68_what_waits_to_be_read_at_a_join_is_mailed_all_the_same(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    await care.therapist("ana")
    people = []
    for name in ("Sara", "Sarah"):
        details = {"first_name": name, "email": f"{name.lower()}@example.com"}
        people.append(await care.arrives(name=name, client=details))
    sara, double = people
    chats = {
        (kind, person.name): await care.post("/v1/chats", {"kind": kind, "members": [person.id]}, by=by)
        for kind, by in (("direct", "ana"), ("care_team", "desk"))
        for person in (sara, double)
        if (kind, person) != ("care_team", sara)
    }

    async def writes(kind: str, person: Person, *, by: str) -> None:
        chat = chats[kind, person.name]
        await care.post(f"/v1/chats/{chat['id']}/messages", {"text": "Hello"}, by=by, headers=key())

    async def mailed(person: Person) -> tuple[int, int]:
        counts = await care.mail_counts(to=person.email)
        return counts["new_message"], counts["document_shared"]

    for _ in range(2):  # of the second a mail is due in an hour
        await writes("direct", double, by="ana")
        await care.rest()
    assert (await mailed(sara), await mailed(double)) == ((0, 0), (1, 0))

    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    await writes("care_team", double, by="desk")
    answer = await care.call("POST", "/v1/documents", by="desk", files={"file": ("leaflet.txt", b"Breathe in.")})
    share = {"client_id": double.id}
    await care.post(f"/v1/documents/{answer.json()['id']}/shares", share, by="desk")
    await care.rest()
    await care.post(f"/v1/clients/{double.id}/join", {"into": sara.id}, by="desk", expect=200)
    away = False
    await care.pass_time(minutes=20)
    assert await mailed(sara) == (1, 1)  # what had not gone out
    await care.pass_time(minutes=50)
    assert await mailed(sara) == (2, 1)  # and what was still due
    await care.pass_time(days=1)
    assert (await mailed(sara), await mailed(double)) == ((2, 1), (1, 0))
    assert await is_over(double)


async def test_s68_the_care_team_joins_two_records_and_an_archived_one_comes_back(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.is_archived()
    double = await comes_again(care, sara, email="sara.lind@example.org")
    path, into = f"/v1/clients/{double.id}/join", {"into": sara.id}
    for by in ("site", "ana", sara.email):
        if by == sara.email:
            await sara.signs_in()
        await care.refused("POST", path, into, by=by, name="not-allowed", status=403)
    for wrong in ({"into": double.id}, {"into": "5f0f2c2e-0000-4000-8000-000000000000"}, {"into": "x"}, {}):
        await care.refused("POST", path, wrong, by="desk", name="validation-failed", status=422)
    unknown = "/v1/clients/5f0f2c2e-0000-4000-8000-000000000000/join"
    await care.refused("POST", unknown, into, by="desk", name="not-found", status=404)
    problem = await care.refused(
        "POST", f"/v1/clients/{sara.id}/join", {"into": double.id}, by="desk", name="validation-failed", status=422
    )
    assert "the other way round" in problem["detail"]

    answer: Json = await care.post(path, into, by="desk", expect=200)
    assert (answer["id"], answer["status"]) == (sara.id, "active")
    assert answer["next_appointment_at"] == double.appointments[0].booked["starts_at"]
    assert await care.post(path, into, by="office", expect=200) == answer
    other = await care.arrives(name="Otto")
    problem = await care.refused("POST", path, {"into": other.id}, by="desk", name="validation-failed", status=422)
    assert "another record already" in problem["detail"]
    await care.rest()
    assert (await care.mail_counts(to="ana@practice.example"))["client_back"] == 1
    facts = await sara.facts()
    assert facts.index("unarchived") < facts.index("record_joined")
    assert "archiv" not in str(await sara.look(by=sara.email)).lower()

    # The second record of one person cannot hold its appointment at the time of the first.
    third = await care.arrives(name="Sara", therapist=await care.therapist("ben"))
    [call] = double.appointments
    body = third.booking("intro_call", call.starts_at)
    body["details"]["email"] = "third@example.com"
    third.books_at(await care.post(f"/v1/clients/{third.id}/appointments", body))
    problem = await care.refused("POST", f"/v1/clients/{third.id}/join", into, by="desk", name="slot-taken")
    [pair] = problem["overlapping"]
    assert [line["appointment_id"] for line in pair] == [third.appointments[0].id, call.id]
    await third.appointments[0].cancelled(by="desk")
    await care.post(f"/v1/clients/{third.id}/join", into, by="desk", expect=200)
    await care.rest()
    assert (await is_over(third), await is_over(sara)) == (True, False)
    # And the record lives on: the next booking is an ordinary one.
    await sara.books("session", by="desk", after=timedelta(days=9))
