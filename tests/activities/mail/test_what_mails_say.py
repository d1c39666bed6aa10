"""What single mails must and must not say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from activities.mail.context import MailContext
from activities.mail.overrides.samples import (
    FULL,
    INTRO,
    JOIN,
    LATE,
    LINKS,
    OFFER,
    OWED,
    PAYMENT,
    RECEIPT,
    SESSION,
    START,
    TRIED_AGAIN,
    weekly,
)
from activities.mail.rendering import RenderedMail, render
from rules.mail.shape import spoken
from rules.money.fees import Money
from rules.money.receipts import GivenBack, GivenTo, Letterhead, Practitioner, Stated


def both(mail: RenderedMail) -> tuple[str, str]:
    return mail.text, mail.html


def test_a_confirmation_tells_when_with_whom_how_and_what_it_costs() -> None:  # S11
    mail = render("booking_confirmation", FULL)
    assert mail.subject == "Your appointment on Tuesday 1 December 2026, 09:00 (New York time, EST)"
    for body in both(mail):
        assert "Dr. Nadia Osei" in body
        assert "Session, 50 minutes" in body
        assert "Fee: 120.00 USD" in body
        assert "until 48 hours before it starts" in body
    assert f"Video call: {JOIN}" in mail.text


def test_a_phone_call_may_come_from_a_withheld_number() -> None:  # S17
    for body in both(render("booking_confirmation", replace(FULL, appointments=(INTRO,)))):
        assert "withheld number" in body
        assert "Fee:" not in body
        assert "free of charge" not in body  # the notice window is a session's
    for body in both(render("appointment_booked", replace(FULL, appointments=(INTRO,)))):
        assert "withheld number" not in body  # the therapist is the one who calls


def test_zoom_shows_the_therapists_link_and_a_missing_link_is_announced() -> None:  # S18
    zoom = replace(SESSION, mode="zoom", join_url="https://zoom.example/j/1")
    assert (
        "Zoom call: https://zoom.example/j/1"
        in render("appointment_reminder", replace(FULL, appointments=(zoom,))).text
    )
    later = replace(SESSION, join_url=None)
    assert "the link will follow" in render("appointment_reminder", replace(FULL, appointments=(later,))).text


@pytest.mark.parametrize("asked", [True, False])
def test_insurance_is_asked_about_only_when_told_to(asked: bool) -> None:  # S21, S22
    for body in both(render("booking_confirmation", replace(FULL, check_insurance=asked))):
        assert ("under the licence of Dr. Nadia Osei (NY, NJ and CT)" in body) == asked
        assert ("cover@practice.example" in body) == asked


def test_a_series_lists_every_appointment() -> None:  # S20
    mail = render("booking_confirmation", replace(FULL, appointments=weekly(6)))
    assert mail.subject == "Your 6 appointments from Tuesday 1 December 2026"
    for body in both(mail):
        for day in ("1 December 2026", "8 December 2026", "5 January 2027"):
            assert f"Tuesday {day}, 09:00 (New York time, EST)" in body


def test_forms_to_complete_in_session_are_named() -> None:  # S15
    stamped = replace(
        SESSION, complete_forms_in_session=True, outstanding_forms=("Initial Consultation Form", "House rules")
    )
    for template in ("booking_confirmation", "appointment_booked", "appointment_reminder"):
        for body in both(render(template, replace(FULL, appointments=(stamped,)))):
            assert "Forms to complete together in this appointment:" in body
            assert "Initial Consultation Form" in body
            assert "House rules" in body
    unstamped = replace(stamped, complete_forms_in_session=False)
    assert "together" not in render("booking_confirmation", replace(FULL, appointments=(unstamped,))).text


def test_a_moved_appointment_shows_both_times() -> None:
    for body in both(render("appointment_rescheduled", FULL)):
        assert "Tuesday 1 December 2026, 09:00" in body
        assert "Before: Monday 30 November 2026, 09:00" in body


def test_a_cancellation_is_the_same_whoever_cancelled() -> None:  # S37
    mails = {render("appointment_cancelled", replace(FULL, changed_by_client=by)) for by in (True, False)}
    assert len(mails) == 1
    (mail,) = mails
    for body in both(mail):
        assert "There is nothing to pay for it." in body
        assert JOIN not in body
        assert "fee" not in body
        assert "Before:" not in body


def test_a_late_cancellation_tells_the_fee() -> None:  # S28
    for body in both(render("appointment_cancelled", replace(FULL, appointments=(LATE,)))):
        assert "A late cancellation fee of 120.00 USD is due." in body
        assert "nothing to pay" not in body
    for body in both(render("appointment_changed", replace(FULL, change="cancelled", appointments=(LATE,)))):
        assert "Cancelled late: 120.00 USD is due." in body


@pytest.mark.parametrize(
    ("count", "late", "rest"),
    [
        (3, 0, "There is nothing to pay for them."),
        (3, 1, "There is nothing to pay for the others."),
        (2, 1, "There is nothing to pay for the other one."),
        (4, 2, "There is nothing to pay for the others."),
        (2, 2, None),
    ],
)
def test_of_several_cancelled_it_is_said_which_cost_a_fee(count: int, late: int, rest: str | None) -> None:  # S28
    several = replace(FULL, appointments=weekly(count, late=late), change="cancelled")
    client, therapist = render("appointment_cancelled", several), render("appointment_changed", several)
    assert client.subject == f"Cancelled: {count} of your appointments, from Tuesday 1 December 2026"
    assert therapist.subject == f"Cancelled: {count} appointments from Tuesday 1 December 2026"
    for body in both(client):
        assert body.count("A late cancellation fee of 120.00 USD is due.") == late
        assert body.count("nothing to pay") == (rest is not None)
        assert rest is None or rest in body
    for body in both(therapist):
        assert body.count("Cancelled late: 120.00 USD is due.") == late
        assert "nothing to pay" not in body


def test_several_moved_show_both_times_of_each() -> None:
    several = replace(FULL, appointments=weekly(3))
    client, therapist = render("appointment_rescheduled", several), render("appointment_changed", several)
    assert client.subject == "3 of your appointments have moved; the first is now on Tuesday 1 December 2026"
    assert therapist.subject == "Moved: 3 appointments, now from Tuesday 1 December 2026"
    assert "3 appointments moved by the client, with Sara Lind:" in therapist.text
    for body in (*both(client), *both(therapist)):
        assert body.count("Before: ") == 3
        days = ("Tuesday 1", "Before: Monday 30", "Tuesday 8", "Before: Monday 7", "Tuesday 15", "Before: Monday 14")
        told = [body.index(f"{day} ") for day in days]
        assert told == sorted(told)


def test_a_new_link_is_told_with_each_time_it_is_for() -> None:  # S18
    zoom = tuple(replace(line, mode="zoom", join_url=f"https://zoom.example/j/{line.id}") for line in weekly(2))
    mail = render("appointment_updated", replace(FULL, appointments=zoom))
    assert mail.subject == "How to join 2 of your appointments has changed"
    for body in both(mail):
        first, link, second = (body.index(words) for words in ("1 December", "zoom.example/j/s0", "8 December"))
        assert first < link < second < body.index("zoom.example/j/s1")
        assert "Dr. Nadia Osei" in body
        assert "Before:" not in body  # the times stay, and so does the fee
        assert "Fee:" not in body
    none_yet = replace(FULL, appointments=(replace(SESSION, join_url=None),))
    assert "the link will follow" in render("appointment_updated", none_yet).text
    assert render("appointment_updated", FULL).subject == (
        "How to join your appointment on Tuesday 1 December 2026, 09:00 (New York time, EST) has changed"
    )


def test_an_offer_tells_what_is_held_until_when_and_how_to_take_it() -> None:
    link = LINKS.offered_time("nadia-osei", type="session", starts_at=OFFER.starts_at, hold_id="offer-1")
    mail = render("slot_offered", replace(FULL, link=link))
    assert mail.subject == "A time has become free: Tuesday 1 December 2026, 09:00 (New York time, EST)"
    for body in both(mail):
        assert "Dr. Nadia Osei" in body
        assert "Tuesday 1 December 2026, 09:00 (New York time, EST)" in body
        assert "Session, 50 minutes" in body
        assert "there is nothing you need to do: it then goes to the next in line, and you keep your place." in body
    until = "Saturday 28 November 2026, 09:00 (New York time, EST)"
    assert f"It is held for you until {until}." in mail.text
    assert f"It is held for you until <strong>{until}</strong>." in mail.html
    assert link in mail.text
    for body in both(render("slot_offered", replace(FULL, offer=replace(OFFER, last=True)))):
        assert "keep your place" not in body
        assert "your place in line then ends; you are welcome to join again." in body
    intro = replace(OFFER, type="intro_call", ends_at=START + timedelta(minutes=15))
    assert "Intro call, 15 minutes" in render("slot_offered", replace(FULL, offer=intro)).text


def test_the_forms_are_named_by_their_titles() -> None:  # S13
    mail = render("forms_requested", replace(FULL, appointments=()))
    assert "- Informed Consent & Confidentiality\n- Billing Info\n" in mail.text
    assert "Informed Consent &amp; Confidentiality" in mail.html
    assert "before your appointment" not in mail.text
    assert "before your appointment on Tuesday" in render("forms_reminder", FULL).text


@pytest.mark.parametrize("template", ["forms_requested", "forms_reminder"])
def test_that_bookings_wait_for_forms_is_said_where_they_do_or_will(template: str) -> None:
    at_night = datetime(2026, 12, 15, 3, 0, tzinfo=UTC)  # still the 14th in New York
    waits = "Once they are complete, you can book further"
    will_wait = "You have until Monday 14 December 2026, 22:00 (New York time, EST). From"
    later = replace(FULL, forms_gate=False, forms_due=at_night)
    for context, gate in ((FULL, waits), (later, will_wait), (replace(later, forms_due=None), None)):
        for body in both(render(template, context)):
            assert [words for words in (waits, will_wait) if words in body] == ([gate] if gate else [])
    assert "only when they are complete." in render(template, later).text
    assert "only when it is complete." in render(template, replace(later, forms=("billing_info",))).text


def test_a_receipt_tells_who_for_what_how_much_and_by_what_means() -> None:
    receipt = replace(RECEIPT, given_back=(GivenBack(amount=500, to=GivenTo.CREDIT, at=START + timedelta(days=3)),))
    for body in both(render("receipt", replace(FULL, receipt=receipt, link=LINKS.payment("p1")))):
        for words in (
            "Receipt 3F2A-91C0-77DE",
            "Therapy session, 50 minutes",
            "Tuesday 1 December 2026, 09:00 (New York time, EST)",
            "With Dr. Nadia Osei, PhD",
            "Licence: NY 012345",
            "For Sara Lind (AB23CD45EF)",
            "Fee: $120.00 USD",
            "From your credit: $20.00 USD",
            "Visa ending in 4242: $100.00 USD",
            "Given back as credit on Friday 4 December 2026: $5.00 USD",
            "Paid in total: $115.00 USD",
            "Paid on Wednesday 2 December 2026, 10:00",
            "1 Quay, Albany, NY 12203",
            "Tax number: 12-3456789",
            "https://practice.example/payments/p1",
        ):
            assert words in body


def test_a_receipt_paid_by_credit_alone_names_no_card_and_what_is_not_known_is_left_out() -> None:
    bare = Stated(
        practice=Letterhead(name="Harbour"),
        therapist=Practitioner(name="Ana"),
        client_name="Sara",
        client_ref="AB23",
        time_zone="UTC",
    )
    receipt = replace(RECEIPT, stated=bare, service="Missed appointment, 50 minutes", fee=Money(5, "JPY"), credit=5)
    mail = render("receipt", replace(FULL, receipt=receipt))
    for words in ("card", "licence", "tax number"):
        assert words not in mail.text.lower()
    assert "Missed appointment" in mail.text
    assert "From your credit: \N{YEN SIGN}5 JPY" in mail.text


def test_a_failed_payment_asks_for_a_new_card_in_neutral_words() -> None:
    context = replace(FULL, link=LINKS.card())
    for body in both(render("payment_failed", context)):
        assert "https://practice.example/card" in body
        for word in ("lost", "stolen", "fraud", "declined", "insufficient"):
            assert word not in body.lower()


def test_a_failed_payment_says_what_comes_next() -> None:
    deadline = "by Thursday 3 December 2026, 10:00 (New York time, EST)"
    again = "It is tried again on Wednesday 2 December 2026, 16:00 (New York time, EST)."
    for payment, there, missing in (
        (PAYMENT, ["Please give a new card", deadline], ["tried again", "Pay it", "Pay now"]),
        (replace(PAYMENT, tried_again_at=TRIED_AGAIN), [again, deadline], ["Please give"]),
        (OWED, ["is owed now", "https://practice.example/payments/p1"], ["tried again", "at the latest"]),
        (replace(OWED, can_be_paid=False), ["is owed now", "You need not do anything"], ["Pay", "new card", "/card"]),
    ):
        mail = render("payment_failed", replace(FULL, link=LINKS.card(), payment=payment))
        for body in (mail.text, spoken(mail.html) + mail.html):
            assert [words for words in there if words not in body] == []
            assert [words for words in missing if words in body.replace("Payment", "")] == []


def test_a_payment_to_confirm_says_until_when() -> None:
    until = "Please confirm it by Thursday 3 December 2026, 10:00 (New York time, EST). From then on the amount is owed"
    for body in both(render("payment_needs_you", FULL)):
        assert until in body
    for body in both(render("payment_needs_you", replace(FULL, payment=OWED))):
        assert "is owed now: confirming it settles it." in body
        assert "Please confirm it by" not in body


def test_the_therapist_is_told_who_changed_what() -> None:
    moved = render("appointment_changed", FULL)
    assert moved.subject == "Moved: appointment, now on Tuesday 1 December 2026, 09:00 (New York time, EST)"
    assert "Moved by the client, with Sara Lind" in moved.text
    cancelled = render("appointment_changed", replace(FULL, change="cancelled", changed_by_client=False))
    assert cancelled.subject.startswith("Cancelled: appointment on Tuesday")
    assert "Cancelled by the practice" in cancelled.text
    assert "is due" not in cancelled.text


def test_times_are_the_readers() -> None:
    riyadh: MailContext = replace(FULL, time_zone="Asia/Riyadh")
    assert "17:00 (Riyadh time, UTC+03:00)" in render("appointment_reminder", riyadh).subject
    summer = replace(SESSION, starts_at=START - timedelta(days=150), ends_at=START - timedelta(days=149))
    assert "10:00 (New York time, EDT)" in render("appointment_reminder", replace(FULL, appointments=(summer,))).subject


def test_links_quote_what_they_carry() -> None:
    assert LINKS.booking("nadia-osei") == "https://practice.example/book/nadia-osei"
    assert LINKS.activation("a/b?c") == "https://practice.example/activate/a%2Fb%3Fc"


def test_the_link_to_an_offered_time_carries_its_instant_whatever_the_zone() -> None:
    for written in ("2026-12-01T14:00:00+00:00", "2026-12-02T03:45:00+13:45"):
        link = LINKS.offered_time(
            "nadia osei", type="intro_call", starts_at=datetime.fromisoformat(written), hold_id="a&b=c"
        )
        page, _, query = link.partition("?")
        assert page == "https://practice.example/book/nadia%20osei"
        assert query == "type=intro_call&starts_at=2026-12-01T14%3A00%3A00Z&hold_id=a%26b%3Dc"
