"""Appointments before they take place: reminded of, moved, cancelled; and what reminds of a first session."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person, key

TWO_DAYS = timedelta(hours=48)
THERAPIST = "ana@practice.example"


async def two_sessions(care: Care) -> tuple[Person, Booked, Booked]:
    """A client in care with a session in three days and one a week later."""
    sara = await care.client_in_care(sessions=2)
    return sara, sara.session(1), sara.session(2)


def line_of(mail: Json, name: str) -> str:
    """One property of the mail's calendar file."""
    [file] = mail["attachments"]
    [value] = re.findall(rf"^{name}[;:](.*?)\r?$", file["content"].replace("\r\n ", ""), flags=re.MULTILINE)
    return str(value)


async def test_s27_a_client_cancels_with_48_hours_left_and_is_sent_to_the_therapist_after_that(care: Care) -> None:
    sara, first, second = await two_sessions(care)
    # With 48 hours left (and a little, for the clock runs on while we ask) it is free.
    await care.until(first.starts_at - TWO_DAYS - timedelta(seconds=20))
    preview = await care.post(f"/v1/appointments/{first.id}/cancel", {"reason": "x", "confirm": False}, expect=200)
    assert (preview["late"], preview["fee"]) == (False, None)
    assert (await first.look())["status"] == "scheduled"
    assert (await first.cancelled())["status"] == "cancelled"

    await care.until(second.starts_at - TWO_DAYS + timedelta(seconds=1))
    before = len(await sara.timeline())
    for path, body in (
        ("cancel", {"reason": "a cold"}),
        ("cancel", {"reason": "a cold", "confirm": False}),
        ("reschedule", {"starts_at": (second.starts_at + timedelta(days=1)).isoformat()}),
    ):
        problem = await care.refused(
            "POST", f"/v1/appointments/{second.id}/{path}", body, name="late-change-contact-therapist"
        )
        assert problem["therapist"] == "ana"
        assert problem["fee"] == {"amount": 12000, "currency": "USD"}
    assert len(await sara.timeline()) == before
    await care.rest()
    assert await sara.payments() == []
    [mail] = await care.mails(to=sara.email, template="appointment_cancelled")
    assert "nothing to pay" in mail["text"]


async def test_s28_what_the_practice_cancels_is_free_unless_the_client_asked_for_it_late(care: Care) -> None:
    sara, first, second = await two_sessions(care)
    await care.until(first.starts_at - timedelta(hours=5))
    path = f"/v1/appointments/{first.id}/cancel"
    asks = {"reason": "called", "confirm": False}
    before = await sara.timeline(), await care.mails()
    preview = await care.post(path, asks | {"requested_by": "client"}, by="ana", expect=200)
    assert (preview["late"], preview["fee"]) == (True, {"amount": 12000, "currency": "USD"})
    preview = await care.post(path, asks, by="ana", expect=200)  # "practice" is the default
    assert (preview["late"], preview["fee"]) == (False, None)
    waived = {"requested_by": "client", "waive_fee": True, "waive_reason": "an accident"}
    preview = await care.post(path, asks | waived, by="ana", expect=200)
    assert preview["fee"] is None
    assert (await sara.timeline(), await care.mails()) == before

    late = await care.post(path, {"reason": "called", "requested_by": "client"}, by="ana", expect=200)
    assert late["status"] == "late_cancelled"
    assert (late["payment"]["kind"], late["payment"]["amount"]) == ("late_cancellation", 12000)
    assert late["payment"]["status"] == "scheduled"
    await care.refused("POST", path, {"reason": "again"}, by="ana", name="appointment-not-open")

    await care.until(second.starts_at - timedelta(hours=1))
    gone = await care.post(f"/v1/appointments/{second.id}/cancel", {"reason": "ill"}, by="ana", expect=200)
    assert (gone["status"], gone["payment"]) == ("cancelled", None)
    await care.rest()
    texts = [mail["text"] for mail in await care.mails(to=sara.email, template="appointment_cancelled")]
    assert ["late cancellation fee of 120.00 USD" in text for text in texts] == [True, False]
    assert await care.charges_at_stripe() == [12000]


async def test_s27_an_intro_call_can_be_cancelled_until_it_starts(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    await care.until(call.starts_at - timedelta(minutes=2))
    preview = await care.post(f"/v1/appointments/{call.id}/cancel", {"confirm": False}, expect=200)
    assert (preview["late"], preview["fee"]) == (False, None)
    assert (await call.cancelled())["status"] == "cancelled"

    [other] = await sara.books("intro_call", by="desk", after=timedelta(days=1))
    await care.until(other.starts_at + timedelta(minutes=1))
    await care.refused("POST", f"/v1/appointments/{other.id}/cancel", {}, name="appointment-not-open")
    assert (await other.cancelled(by="ana"))["payment"] is None


async def test_a_moved_appointment_keeps_its_id_and_has_new_reminders_and_a_higher_sequence(care: Care) -> None:
    sara, first, _ = await two_sessions(care)
    old = first.starts_at
    so_far = (await care.mail_counts(to=sara.email))["appointment_reminder"]  # of the intro call

    async def reminders() -> int:
        return (await care.mail_counts(to=sara.email))["appointment_reminder"] - so_far

    new = old + timedelta(days=2)
    moved = await first.moved(new)
    assert (moved["id"], moved["status"]) == (first.id, "scheduled")
    assert first.ends_at - first.starts_at == timedelta(minutes=50)
    await care.rest()

    [to_client] = await care.mails(to=sara.email, template="appointment_rescheduled")
    [to_therapist] = await care.mails(to=THERAPIST, template="appointment_changed")
    booked = (await care.mails(to=sara.email, template="booking_confirmation"))[-1]
    day = old.astimezone(ZoneInfo("America/New_York")).strftime("%Y%m%d")  # as the file tells it
    original = next(file for file in booked["attachments"] if day in file["content"])
    for mail in (to_client, to_therapist):
        assert (line_of(mail, "SEQUENCE"), line_of(mail, "METHOD")) == ("1", "REQUEST")
        assert f"UID:{line_of(mail, 'UID')}" in original["content"]
    assert "SEQUENCE:0" in original["content"]

    await care.until(old)
    assert await reminders() == 0  # the old time's are gone
    await care.until(new - timedelta(hours=23))
    assert await reminders() == 1

    # A time just left is free again, and its own old time is no conflict: half an hour later overlaps it.
    await first.moved(new + timedelta(minutes=30), by="ana")
    await care.rest()
    assert line_of((await care.mails(to=sara.email, template="appointment_rescheduled"))[-1], "SEQUENCE") == "2"
    await care.until(first.starts_at)
    assert await reminders() == 2  # a day before it was past already
    await care.refused("POST", f"/v1/appointments/{first.id}/cancel", {"reason": "late"}, name="appointment-not-open")


async def test_what_cannot_be_moved_there_stays_where_it_is(care: Care) -> None:
    sara, first, second = await two_sessions(care)
    path = f"/v1/appointments/{first.id}/reschedule"
    before = await sara.timeline()
    taken = await care.refused("POST", path, {"starts_at": second.starts_at.isoformat()}, name="slot-taken")
    assert len(taken["alternatives"]) == 3
    past = (await care.now() - timedelta(hours=1)).isoformat()
    await care.refused("POST", path, {"starts_at": past}, by="desk", name="slot-unavailable")
    off_grid = (first.starts_at + timedelta(days=1, minutes=7)).isoformat()
    await care.refused("POST", path, {"starts_at": off_grid}, name="slot-unavailable")
    assert await sara.timeline() == before

    again = key()  # the same request twice is one move
    body = {"starts_at": (first.starts_at + timedelta(days=1)).isoformat()}
    moved = await care.post(path, body, expect=200, headers=again)
    assert await care.post(path, body, expect=200, headers=again) == moved
    assert (await sara.facts()).count("appointment_rescheduled") == 1
    await care.post(f"/v1/appointments/{first.id}/cancel", {"reason": "x"}, expect=200)
    await care.refused("POST", path, body, by="desk", name="appointment-not-open")
    await care.rest()
    counts = await care.mail_counts(to=sara.email)
    assert (counts["appointment_rescheduled"], counts["appointment_cancelled"]) == (1, 1)
    cancelled = (await care.mails(to=THERAPIST, template="appointment_changed"))[-1]
    assert (line_of(cancelled, "METHOD"), line_of(cancelled, "SEQUENCE")) == ("CANCEL", "2")
    assert line_of(cancelled, "STATUS") == "CANCELLED"


async def test_each_appointment_is_reminded_of_a_day_and_an_hour_before_once(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    seen = []
    for before in (timedelta(hours=25), timedelta(hours=23), timedelta(minutes=61), timedelta(minutes=59), timedelta()):
        await care.until(call.starts_at - before)
        await care.rest()
        seen.append((await care.mail_counts(to=sara.email))["appointment_reminder"])
    assert seen == [0, 1, 1, 2, 2]

    # One booked for the same evening is not reminded of the day before.
    otto = await care.arrives(name="Otto")
    [tonight] = await otto.books("intro_call", by="desk", after=timedelta(hours=6))
    await care.until(tonight.starts_at)
    assert (await care.mail_counts(to=otto.email))["appointment_reminder"] == 1


async def test_s66_an_unsubscribed_client_is_not_reminded_and_still_hears_what_must_be_heard(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"unsubscribed": True}, by="desk", expect=200)
    await care.until(call.starts_at - timedelta(hours=2))
    await call.cancelled()
    await care.rest()
    assert set(await care.mail_counts(to=sara.email)) <= {
        "welcome", "booking_confirmation", "forms_requested", "appointment_cancelled"
    }  # fmt: skip
    assert (await care.mail_counts(to=sara.email))["appointment_cancelled"] == 1


async def test_s23_after_the_intro_call_both_are_reminded_of_the_first_session_and_then_the_care_team(
    care: Care,
) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    otto = await care.arrives(name="Otto")
    start = await care.slot("ana", "intro_call")
    [call] = await sara.books("intro_call", start)
    [ottos] = await otto.books("intro_call", start + timedelta(minutes=30))
    await care.until(ottos.ends_at)
    await call.marked("occurred", by="ana")
    await ottos.marked("occurred", by="ana")
    await otto.books("session", by="ana", after=timedelta(days=10))

    await care.until(call.ends_at + timedelta(days=2, hours=23))
    assert (await care.mail_counts())["book_first_session"] == 0
    await care.until(call.ends_at + timedelta(days=3, hours=1))
    assert (await care.mail_counts(to=sara.email))["book_first_session"] == 1
    assert (await care.mail_counts(to=THERAPIST))["book_next"] == 1
    assert await care.tasks() == []
    await care.until(call.ends_at + timedelta(days=14, hours=1))
    assert [task["client_id"] for task in await care.tasks() if task["kind"] == "no_first_session"] == [sara.id]
    counts = await care.mail_counts()
    assert (counts["book_first_session"], counts["book_next"]) == (1, 1)
