"""A fee policy that changes, as a client lives through it: asked by mail, gated later, and held to what was signed."""

from dataclasses import replace
from datetime import datetime, timedelta

from api.announcing import propose_numbers
from rules.policy import JourneyPolicy
from tests.care.story import Care

GRACE = timedelta(days=7)


async def starts_with(care: Care, policy: JourneyPolicy) -> None:
    """The programs start with other settings; the worker's are those of the house."""
    services = care.house.services
    await propose_numbers(replace(services, settings=replace(services.settings, policy=policy)))


async def test_x9_a_new_fee_policy_is_asked_for_and_an_appointment_keeps_its_own(care: Care) -> None:
    sara = await care.client_in_care()
    [old] = await sara.books("session", by="desk", after=timedelta(days=30))
    await care.rest()
    before = await care.mail_counts()
    tasks = await care.items("/v1/tasks")
    await starts_with(care, JourneyPolicy(notice_window=timedelta(hours=72), charge_after=timedelta(hours=6)))
    await care.rest()
    assert await care.mail_counts() == before
    [task] = [task for task in await care.items("/v1/tasks") if task not in tasks]
    assert (task["kind"], task["client_id"], task["data"]["to_be_asked"]) == ("text_waits", None, 1)

    published = await care.post("/v1/texts/fee_policy/publish", by="admin", expect=200)
    await care.rest()
    assert (published["version"], published["asked"], published["together"]) == (2, 1, ["billing_info"])
    assert await care.items("/v1/tasks") == tasks
    asked = await care.get(f"/v1/clients/{sara.id}/forms/billing_info", by="site")
    assert (asked["version"], asked["status"]) == (2, "requested")
    [mail] = await care.mails(to=sara.email, template="form_new_version")
    assert "- Billing Info\n" in mail["text"]

    # What is booked stays as it was agreed, and what is booked before signing, too.
    [unsigned] = await sara.books("session", by="desk", after=timedelta(days=40))
    for one in (old, unsigned):
        shown = await one.look()
        assert (shown["fee_policy_version"], shown["notice_window"]) == (1, "48 hours")
    await care.until(datetime.fromisoformat(asked["requested_at"]) + GRACE)
    problem = await sara.cannot_book("session", name="intake-forms-incomplete")
    assert problem["outstanding"] == ["billing_info"]
    await sara.fills_in("billing_info")  # the card is there
    [signed] = await sara.books("session", after=timedelta(days=40))
    shown = await signed.look()
    assert (shown["fee_policy_version"], shown["notice_window"]) == (2, "72 hours")

    # Fifty hours before each: the one may be cancelled, the other not any more.
    await care.until(datetime.fromisoformat((await unsigned.look())["starts_at"]) - timedelta(hours=50))
    done = await care.post(f"/v1/appointments/{unsigned.id}/cancel", {"reason": "away"}, expect=200)
    assert done["status"] == "cancelled"
    await care.until(datetime.fromisoformat(shown["starts_at"]) - timedelta(hours=50))
    path = f"/v1/appointments/{signed.id}/cancel"
    late = await care.refused("POST", path, {"reason": "away"}, name="late-change-contact-therapist")
    assert late["notice_window"] == "72 hours"
    marked = await signed.occurs()
    due = datetime.fromisoformat(marked["payment"]["due_at"])
    assert due == datetime.fromisoformat(shown["ends_at"]) + timedelta(hours=6)
