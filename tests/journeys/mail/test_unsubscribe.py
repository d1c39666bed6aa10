"""Unsubscribing, on the running system: through the link of a mail, as a person or a mail program would; and names that
try to become headers."""

import re
from datetime import timedelta

from tests.calendars.reading import read
from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.house import PUBLIC_URL
from tests.care.story import Care, Person

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link_of(mail: Json) -> str:
    """The path of a mail's unsubscribe link, which stands in its headers, its text and its HTML alike."""
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(mail["headers"]["List-Unsubscribe"]).removeprefix("<").removesuffix(">")
    assert link in mail["text"]
    assert f'href="{link}"' in mail["html"]
    assert link.startswith(f"{PUBLIC_URL}/unsubscribe/")
    return link.removeprefix(PUBLIC_URL)


async def click(care: Care, mail: Json) -> None:
    """What a mail program does by itself: one POST, without a token, a cookie or a redirect."""
    answer = await care.http.post(care.house.api_url + link_of(mail), data=ONE_CLICK)
    assert (answer.status_code, answer.history) == (200, [])


async def subscribed(person: Person) -> bool:
    return not (await person.look())["unsubscribed"]


async def test_s66_a_client_unsubscribes_with_one_click_and_still_hears_what_must_be_heard(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    [call] = await sara.books("intro_call", after=timedelta(days=10))
    await care.pass_time(days=1, hours=1)
    counts = await care.mail_counts(to=sara.email)
    reminders = ("activation_reminder", "forms_reminder")
    assert [counts[template] for template in reminders] == [1, 1]
    for mail in await care.mails():
        # Vital mails, and those to the practice, have nothing to unsubscribe from.
        assert ("List-Unsubscribe" in mail["headers"]) == (mail["template"] in reminders), mail["template"]
        assert ("/unsubscribe/" in mail["text"] + mail["html"]) == (mail["template"] in reminders), mail["template"]

    [reminder] = await care.mails(to=sara.email, template="forms_reminder")
    # Scanners open every link: looking changes nothing, and neither does a link that somebody made up.
    page = await care.http.get(care.house.api_url + link_of(reminder))
    assert "Stop these mails" in page.text
    assert (await care.http.post(f"{care.house.api_url}{link_of(reminder)}x")).status_code == 404
    assert await subscribed(sara)
    for _ in range(2):
        await click(care, reminder)
        assert not await subscribed(sara)
    said = [(fact["actor"], fact["text"]) for fact in await sara.timeline() if fact["kind"] == "unsubscribed"]
    assert said == [(f"client:{sara.id}", "Notification mails are off.")]

    await care.until(call.starts_at - timedelta(minutes=30))
    await call.cancelled(by="desk")
    await care.post(f"/v1/clients/{sara.id}/activation", by="desk", expect=202)
    await care.rest()
    later = await care.mail_counts(to=sara.email)
    assert later - counts == {"appointment_cancelled": 1, "welcome": 1}

    # The client, or the care team for them, brings the mails back; the same link ends them again.
    await sara.activates()
    for by in (sara.email, "desk"):
        await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": False}, by=by, expect=200)
        assert await subscribed(sara)
        await click(care, reminder)
        assert not await subscribed(sara)
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": False}, by="desk", expect=200)
    await sara.books("intro_call", after=timedelta(days=2), by="desk")
    await care.pass_time(days=2)
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] == 2

    # A link in a mail to an old address does not speak for whoever reads the new one.
    moved = {"email": "sara.new@example.com"}
    await care.call("PATCH", f"/v1/clients/{sara.id}", moved, by="desk", expect=200)
    await click(care, reminder)
    assert await subscribed(sara)
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"]


async def test_s66_archived_and_test_clients_unsubscribe_too(care: Care) -> None:
    await care.therapist("ana")
    # The mails of a test client reach the staff; their click ends that client's mails, and nobody else's.
    tess = await care.arrives(by="desk", name="Tess", test=True)
    sara, otto = await care.arrives(), await care.arrives(name="Otto")
    for person in (tess, sara, otto):
        await person.books("intro_call", after=timedelta(days=10))
    await care.pass_time(days=1, hours=1)
    [marked] = [m for m in await care.mails(to=CARE_TEAM_EMAIL, template="forms_reminder") if "[TEST]" in m["subject"]]
    await click(care, marked)
    assert [await subscribed(person) for person in (tess, sara, otto)] == [False, True, True]

    [mail] = await care.mails(to=sara.email, template="forms_reminder")
    await sara.is_archived()
    await click(care, mail)
    assert not await subscribed(sara)
    await sara.is_unarchived()
    assert not await subscribed(sara)
    before = await care.mail_counts(to=sara.email)
    await care.pass_time(days=10)
    assert (await care.mail_counts(to=sara.email))["forms_reminder"] == before["forms_reminder"]
    assert (await care.mail_counts(to=otto.email))["forms_reminder"] > 1


async def test_names_that_try_to_become_headers_stay_names(care: Care) -> None:
    """Line breaks are refused by name; every other sign is a sign in a name, in mails as in calendar files."""
    await care.therapist("ana", name='Ana "The; Listener", <b>Silva</b>')
    sara = await care.arrives()
    breaks = ("Sara\r\nBcc: all@evil.example", "Sara\nX", "Sara\rX", "Sara\u2028X", "Sara\x85X", "Sara\x00X")
    start = await care.slot("ana", "intro_call")
    for name in breaks:
        body = sara.booking("intro_call", start)
        body["details"] = sara.details | {"first_name": name}
        path = f"/v1/clients/{sara.id}/appointments"
        problem = await care.refused("POST", path, body, name="validation-failed", status=422)
        assert [line["field"] for line in problem["errors"]] == ["details.first_name"]
        await care.refused(
            "PATCH", f"/v1/clients/{sara.id}", {"last_name": name}, by="desk", name="validation-failed", status=422
        )
        await care.refused(
            "PATCH", "/v1/therapists/ana", {"name": name}, by="desk", name="validation-failed", status=422
        )
    nasty = 'Eve"; Bcc: <all@evil.example>, "\\'
    body = sara.booking("intro_call", start)
    body["details"] = sara.details | {"first_name": nasty, "last_name": "<script>alert(1)</script>"}
    sara.books_at(await care.post(f"/v1/clients/{sara.id}/appointments", body))
    await care.rest()
    mails = await care.mails(to=sara.email) + await care.mails(to="ana@practice.example")
    assert {"booking_confirmation", "welcome", "appointment_booked"} <= {mail["template"] for mail in mails}
    for mail in mails:
        assert not re.search(r"[\r\n\u2028\u202e]", mail["subject"] + (mail["to_name"] or ""))
        assert "<script" not in mail["html"]
        assert set(mail["headers"]) <= {"List-Unsubscribe", "List-Unsubscribe-Post"}
        for file in mail["attachments"]:
            _, [told] = read(file["content"].encode())
            assert told.event["SUMMARY"] == "Appointment"
            lines = file["content"].split("\r\n")
            assert [line.partition(":")[0].partition(";")[0] for line in lines].count("ATTENDEE") == 1
            assert not any(line.lower().startswith(("bcc", "x-")) for line in lines)
