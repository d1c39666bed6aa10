"""One client's life, from the matching form to the archive, with what comes between in a practice's weeks."""

from datetime import timedelta

from tests.care.story import Booked, Care, Person

FEE = 12000
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def comes_into_care(care: Care) -> tuple[Person, list[Booked]]:
    """By the matching form and an intro call with Ana, who books a weekly series of four."""
    await care.therapist("ana")
    sara = await care.arrives("matching_form")
    [intro] = await sara.books("intro_call", after=timedelta(days=2))
    await care.rest()
    await sara.activates()
    await sara.completes_forms()
    await intro.occurs()
    return sara, await sara.books("session", weeks=4, by="ana")


async def test_a_series_with_a_leave_a_no_show_and_a_late_cancellation_up_to_the_archive(care: Care) -> None:
    await care.joins_staff("maria", "care_team")
    sara, [first, second, third, fourth] = await comes_into_care(care)

    await first.occurs()
    await care.until(first.ends_at + timedelta(hours=23, minutes=59))
    assert await care.charges_at_stripe() == []
    await care.pass_time(minutes=2)
    assert await care.charges_at_stripe() == [FEE]

    # Ana is away for the week up to the second, which is moved to after it: nothing comes at the old time.
    planned = second.ends_at
    away = await care.goes_on_leave("ana", first=planned - 6 * DAY, last=planned + DAY, notify=True)
    assert [appointment["id"] for appointment in away["appointments"]] == [second.id]
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["leave_notice"] == 1
    await second.moved(await care.slot("ana", "session", after=planned + 3 * DAY - await care.now()))
    await care.until(planned + 25 * HOUR)
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] == 4  # of the intro call and the first
    assert "mark_outcome" not in await care.mail_counts(to="ana@practice.example")
    await second.occurs()
    await care.until(second.ends_at + timedelta(hours=24, minutes=1))
    assert await care.charges_at_stripe() == [FEE] * 2

    # One of the care team signs in, and marks that nobody came to the third.
    await care.until(third.ends_at)
    await care.signs_in("maria")
    await third.marked("no_show", by="maria")
    [*_, said] = [fact for fact in await sara.timeline() if fact["kind"] == "outcome_recorded"]
    assert said["actor"] == "care_team:maria"

    # For the fourth it is too late to cancel alone; Ana does, and its fee is due when it would have been.
    await care.until(fourth.starts_at - 30 * HOUR)
    body = {"reason": "a cold", "confirm": True}
    await care.refused("POST", f"/v1/appointments/{fourth.id}/cancel", body, name="late-change-contact-therapist")
    await fourth.cancelled(by="ana", requested_by="client")
    await care.until(fourth.ends_at + timedelta(hours=23, minutes=59))
    assert await care.charges_at_stripe() == [FEE] * 3
    await care.pass_time(minutes=2)
    assert [(payment["kind"], payment["status"]) for payment in await sara.payments()] == [
        ("session", "paid"), ("session", "paid"), ("no_show", "paid"), ("late_cancellation", "paid"),
    ]  # fmt: skip
    assert await care.charges_at_stripe() == [FEE] * 4

    # Archived on the evening of a session, with another ahead: neither is charged, and nobody is mailed any more.
    last, _ = await sara.books("session", weeks=2, by="ana")
    await last.occurs()
    await sara.is_archived()
    await care.rest()
    told = await care.mail_counts(to=sara.email)
    assert told == {
        "forms_requested": 1, "welcome": 1, "booking_confirmation": 3, "leave_notice": 1, "appointment_rescheduled": 1,
        "appointment_reminder": 10, "receipt": 4, "appointment_cancelled": 2,
    }  # fmt: skip
    everybody = await care.mail_counts()
    await care.pass_time(days=60)
    assert await sara.stage() == "archived"
    assert await care.charges_at_stripe() == [FEE] * 4
    assert (await care.mail_counts(to=sara.email), await care.mail_counts()) == (told, everybody)
    assert ((await sara.payments())[-1]["because"], (await sara.balance())["owed"]) == ("archived", FEE)
