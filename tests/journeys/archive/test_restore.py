"""Undoing an archive: what was cancelled is booked again where it can be, and what was stopped is charged after all."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from activities.ports import MailerUnavailable, OutgoingMail
from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person
from tests.journeys.clients.test_joining import comes_again, join_links


async def restored(care: Care, person: Person) -> Json:
    answer: Json = await care.post(f"/v1/clients/{person.id}/unarchive", {"restore": True}, by="desk", expect=200)
    return answer


def starts(lines: list[Json]) -> list[datetime]:
    return [datetime.fromisoformat(line["starts_at"]) for line in lines]


async def test_s64_a_restore_books_again_what_is_free_and_charges_what_was_held(care: Care) -> None:
    sara = await care.client_in_care(sessions=4)
    held, lost = sara.session(1), sara.session(3)
    await held.occurs()
    series = held.booked["series_id"]
    await sara.is_archived(reason="no answer")
    otto = await care.arrives("care_team", by="desk", name="Otto", client={"first_name": "Otto"})
    otto = Person(care, otto.answer, "Otto")
    [taken] = await otto.books("session", lost.starts_at, by="desk")
    no_hours: Json = {"weekly": [], "overrides": [], "time_off": [], "settings": {}}
    await care.call("PUT", "/v1/therapists/ana/availability", no_hours, by="ana", expect=200)
    await care.rest()
    before = await care.mail_counts()

    answer = await restored(care, sara)

    assert (answer["status"], (await sara.look())["status"]) == ("active", "active")
    back = answer["restored"]["appointments"]
    assert starts(back) == [sara.session(2).starts_at, sara.session(4).starts_at]
    assert [line["restored_from"] for line in back] == [sara.session(2).id, sara.session(4).id]
    assert {line["series_id"] for line in back} == {series}
    assert all("hours" in " ".join(line["exceptions"]) for line in back)  # which bind the practice no more than usual
    assert [(line["kind"], line["id"], line["because"]) for line in answer["not_restored"]] == [
        ("appointment", lost.id, "This time is no longer free.")
    ]
    [payment] = answer["restored"]["payments"]
    assert datetime.fromisoformat(payment["due_at"]) == held.ends_at + timedelta(hours=24)
    assert (await sara.payments())[0]["status"] == "scheduled"
    for line in back:
        seen = await care.get(f"/v1/appointments/{line['id']}")
        assert (seen["status"], seen["restored_from"]) == ("scheduled", line["restored_from"])
        assert "restored_from" not in await care.get(f"/v1/appointments/{line['id']}", by="site")
        assert (await care.get(f"/v1/appointments/{line['restored_from']}"))["status"] == "cancelled"
    await care.rest()
    sent = await care.mail_counts() - before
    assert (sent["booking_confirmation"], sent["appointment_booked"], sent["client_back"]) == (1, 1, 0)
    confirmation = (await care.mails(template="booking_confirmation", to=sara.email))[-1]
    assert len(confirmation["attachments"]) == 2

    await care.until(held.ends_at + timedelta(hours=24, minutes=1))
    assert await care.charges_at_stripe() == [12000]
    second = Booked(sara, await care.get(f"/v1/appointments/{back[0]['id']}"))
    await second.occurs()
    await care.pass_time(hours=25)
    assert await care.charges_at_stripe() == [12000, 12000]
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] >= 1
    assert (await taken.look())["status"] == "scheduled"
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"] is True


async def test_s64_after_a_month_what_is_past_is_named_and_what_was_earned_is_due_at_once(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    running, ahead = sara.session(1), sara.session(2)
    await care.until(running.starts_at + timedelta(minutes=1))
    await sara.is_archived()
    await running.marked("occurred")  # while archived: nothing is charged, and it counts as owed
    await care.pass_time(days=30)
    assert (await sara.balance())["owed"] == 12000

    now = await care.now()
    answer = await restored(care, sara)

    assert answer["restored"]["appointments"] == []
    assert [(line["id"], line["because"]) for line in answer["not_restored"]] == [(ahead.id, "Its time is over.")]
    [payment] = answer["restored"]["payments"]
    due, deadline = (datetime.fromisoformat(payment[name]) for name in ("due_at", "deadline"))
    assert now <= due <= await care.now()
    assert deadline == due + timedelta(hours=24)
    await care.rest()
    assert await care.charges_at_stripe() == [12000]
    assert (await sara.balance())["owed"] == 0


async def test_x3_a_restore_by_signal_is_done_once_and_an_echo_does_not_undo_what_came_since(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    again = {"restore": True, "request_id": str(uuid4())}
    archive = {"request_id": str(uuid4())}
    await sara.journey.signal("archive", archive)
    await care.rest()
    await sara.journey.signal("unarchive", {"restore": "perhaps"})  # of the wrong shape: dropped, and the journey lives
    await sara.journey.signal("unarchive", ["restore"])
    await care.rest()
    path = f"/v1/clients/{sara.id}/unarchive"
    await care.refused("POST", path, {"restore": "yes"}, by="desk", name="validation-failed", status=422)
    await care.refused("POST", f"/v1/clients/{uuid4()}/unarchive", by="desk", name="not-found", status=404)
    assert (await sara.look())["status"] == "archived"
    await sara.journey.signal("unarchive", again)
    await sara.journey.signal("unarchive", again)
    await care.rest()

    items = (await care.get("/v1/appointments", client=sara.id, status="scheduled"))["items"]
    [one] = [line for line in items if line["type"] == "session"]
    assert (one["booked_by"], one["restored_from"]) == ("via Temporal", sara.session(1).id)
    await sara.journey.signal("archive", archive)  # an echo of the first
    await care.rest()
    assert (await sara.look())["status"] == "active"
    await sara.is_archived()
    await sara.journey.signal("unarchive", again)  # and of the second
    await care.rest()
    assert (await sara.look())["status"] == "archived"
    kinds = await sara.facts()
    assert (kinds.count("archived"), kinds.count("unarchived")) == (2, 1)
    # Without a word of restoring, what was cancelled stays cancelled, also with the next restore.
    await sara.is_unarchived()
    await sara.is_archived()
    answer = await restored(care, sara)
    assert (answer["restored"], answer["not_restored"]) == ({"appointments": [], "payments": []}, [])
    assert (await restored(care, sara))["restored"] == {"appointments": [], "payments": []}  # active already


async def test_s68_what_a_join_brought_to_an_archived_record_is_charged_after_a_restore(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    await sara.session(1).occurs()
    await care.pass_time(days=2)
    await sara.is_archived()
    double = await comes_again(care, sara)
    await double.appointments[0].occurs()
    [held] = await double.books("session", by="desk")
    await held.occurs()
    await care.pass_time(hours=24, minutes=1)
    assert [line["status"] for line in await double.payments()] == ["failed"]  # without a card
    await care.post(f"/v1/clients/{double.id}/activation", expect=202)
    await care.rest()
    link = (await join_links(care, sara))[-1]
    # From here on nobody moves the clock: it may stand still once a record was joined whose appointment is open.
    await care.post("/v1/joins", {"token": link}, by=None, expect=200)
    assert {line["status"] for line in await sara.payments()} == {"paid", "cancelled"}
    assert (await sara.look())["status"] == "archived"

    answer = await restored(care, sara)
    [payment] = answer["restored"]["payments"]
    assert (payment["appointment_id"], answer["not_restored"], answer["already_active"]) == (held.id, [], False)
    async with asyncio.timeout(60):
        while {line["status"] for line in await sara.payments()} != {"paid"}:
            await asyncio.sleep(0.1)
    assert await care.charges_at_stripe() == [12000, 12000]


async def test_x3_a_restore_that_a_booking_has_overtaken_says_so(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.is_archived()
    await sara.books("session", by="desk")
    answer = await restored(care, sara)
    assert (answer["status"], answer["already_active"]) == ("active", True)
    assert (answer["restored"], answer["not_restored"]) == ({"appointments": [], "payments": []}, [])
    assert [(await sara.session(number).look())["status"] for number in (1, 2)] == ["cancelled"] * 2


async def test_s42_a_restored_charge_waits_for_no_mail(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """The appointment's workflow still has a mail to send when the archive comes, and when it is undone."""
    sara = await care.client_in_care(sessions=1)
    await sara.bank_says("expired_card")
    mailer = care.house.dependencies.mailer

    async def away(mail: OutgoingMail) -> None:
        raise MailerUnavailable("nobody answers", ambiguous=False)

    with monkeypatch.context() as broken:
        broken.setattr(mailer, "send", away)
        await sara.session(1).occurs()
        await care.pass_time(hours=25)
        assert [payment["status"] for payment in await sara.payments()] == ["failed"]
        await sara.is_archived()
        await sara.bank_says(None)
        await restored(care, sara)
        await care.pass_time(minutes=1)
        assert [payment["status"] for payment in await sara.payments()] == ["paid"]
        assert await care.charges_at_stripe() == [12000]
    await care.pass_time(hours=2)
    assert (await care.mail_counts(to=sara.email))["receipt"] == 1
    assert [intent["status"] for intent in (await care.stripe())["payment_intents"]].count("succeeded") == 1
