"""Archiving, from every stage and with money in every state; and back again."""

import asyncio
from datetime import timedelta

import pytest

from activities.ports import GatewayUnavailable, Intent, PaymentGateway
from tests.care.story import Care, Person
from tests.journeys.archive.situations import CANCELLATIONS, of_the_desk, starts_chat, timers_of

LONG = 400  # days


async def _activation(care: Care) -> Person:
    await care.therapist()
    sara = await care.arrives()
    await sara.books("intro_call")
    return sara


async def _intake(care: Care) -> Person:
    sara = await _activation(care)
    await care.rest()
    await sara.activates()
    return sara


async def test_a_signal_with_no_input_archives_and_names_no_one(care: Care) -> None:
    sara = await _activation(care)
    await sara.journey.signal("archive")
    await care.rest()
    assert await sara.stage() == "archived"
    [fact] = [fact for fact in await sara.timeline() if fact["kind"] == "archived"]
    assert fact["actor"] == "via Temporal"
    await sara.journey.signal("unarchive")
    await care.rest()
    assert await sara.stage() == "activation"
    [fact] = [fact for fact in await sara.timeline() if fact["kind"] == "unarchived"]
    assert fact["actor"] == "via Temporal"


async def test_s37_without_notify_nobody_hears_of_the_cancellations(care: Care) -> None:
    sara = await _activation(care)
    await care.rest()
    before = await care.mail_counts()
    assert (await care.get(f"/v1/clients/{sara.id}/archive", notify=False))["mails"] == []
    assert (await sara.is_archived(notify=False))["mails"] == []
    await care.pass_time(days=10)
    assert await care.mail_counts() == before
    assert (await sara.appointments[0].look())["status"] == "cancelled"


# ---------------------------------------------------------------- timers


async def test_s29_a_mail_about_a_message_that_was_put_off_stops_in_every_kind_of_chat(care: Care) -> None:
    """What then is unread is told when she is active again; but not of the live group, which she has left."""
    await care.therapist()
    sara = await of_the_desk(care, "Sara")
    kinds = ("direct", "care_team", "group", "community")
    chats = {kind: await starts_chat(care, sara, kind, by="ana" if kind == "direct" else "desk") for kind in kinds}
    read = await starts_chat(care, sara, "community", by="desk")
    await care.rest()
    await care.post(f"/v1/chats/{read}/read", for_whom=sara.id, expect=200)

    async def told() -> int:
        return (await care.mail_counts(to=sara.email))["new_message"]

    assert await told() == len(kinds) + 1
    said = await care.get(f"/v1/clients/{sara.id}/archive")
    put_off = [line["chat_id"] for line in said["reminders"] if line["kind"] == "new_message"]
    assert sorted(put_off) == sorted(chats.values())
    done = await sara.is_archived()
    assert {name: done[name] for name in said} == said
    await care.rest()  # it is written before the journey has let go of its timers
    assert await timers_of(sara) == 0
    await care.pass_time(days=3)
    assert await told() == len(kinds) + 1
    await sara.is_unarchived()
    await care.pass_time(days=3)
    assert await told() == len(kinds) + 1 + len(kinds) - 1


# ---------------------------------------------------------------- money


class SlowBank:
    """Stripe's answer to a charge waits for the story."""

    def __init__(self, stripe: PaymentGateway) -> None:
        self.answer = stripe.confirm_intent
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def confirm_intent(self, *, intent: str, payment_method: str, key: str) -> Intent:
        self.asked.set()
        await self.may_answer.wait()
        return await self.answer(intent=intent, payment_method=payment_method, key=key)


@pytest.mark.parametrize(("decline", "ends"), [(None, "paid"), ("insufficient_funds", "cancelled")])
async def test_s42_one_already_at_the_bank_is_waited_for_and_recorded_as_it_ends(
    care: Care, monkeypatch: pytest.MonkeyPatch, decline: str | None, ends: str
) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.bank_says(decline)
    stripe = care.house.dependencies.payments
    bank = SlowBank(stripe)
    monkeypatch.setattr(stripe, "confirm_intent", bank.confirm_intent)
    await sara.session(1).occurs()
    due = asyncio.create_task(care.pass_time(hours=24, minutes=1))
    await bank.asked.wait()

    said = await care.get(f"/v1/clients/{sara.id}/archive")
    done = await sara.is_archived()
    assert {name: done[name] for name in said} == said
    assert [line["status"] for line in done["in_flight"]] == ["processing"]
    assert done["payments"] == []
    bank.may_answer.set()
    await due
    await care.pass_time(days=LONG)

    [payment] = await sara.payments()
    assert (payment["status"], payment["attempts"]) == (ends, 1)
    assert await care.charges_at_stripe() == ([12000] if ends == "paid" else [])
    assert [pi["status"] for pi in (await care.stripe())["payment_intents"]] == [
        "succeeded" if ends == "paid" else "canceled"
    ]
    assert (await sara.balance())["owed"] == (0 if ends == "paid" else 12000)
    assert await timers_of(sara) == 0


async def test_while_stripe_is_away_an_archive_keeps_nobody_waiting_and_old_links_die_when_it_is_back(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara = await care.client_in_care(sessions=1)
    await sara.bank_says("insufficient_funds")
    await sara.session(1).occurs()
    await care.pass_time(hours=24, minutes=1)
    stripe = care.house.dependencies.payments

    async def nobody_answers(*, intent: str, key: str) -> Intent:
        raise GatewayUnavailable("nobody answers", ambiguous=False, retry_with_same_key=True)

    with monkeypatch.context() as away:
        away.setattr(stripe, "cancel_intent", nobody_answers)
        await sara.is_archived()
        await sara.is_unarchived()
        await sara.books("session")
    await care.pass_time(hours=1)
    assert [intent["status"] for intent in (await care.stripe())["payment_intents"]] == ["canceled"]


async def test_s41_a_running_session_is_left_and_can_be_marked_in_the_archive(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    running, ahead = sara.session(1), sara.session(2)
    await care.until(running.starts_at + timedelta(minutes=10))
    before = await care.mail_counts()

    done = await sara.is_archived()
    assert [line["id"] for line in done["left_unmarked"]] == [running.id]
    assert [line["id"] for line in done["appointments"]] == [ahead.id]
    await care.pass_time(days=20)
    assert set(await care.mail_counts() - before) == CANCELLATIONS  # nobody is nudged
    assert await care.tasks() == []
    assert (await running.look())["status"] == "scheduled"

    marked = await running.marked("occurred", by="ana")
    assert (marked["payment"]["status"], marked["payment"]["because"]) == ("cancelled", "archived")
    assert (await sara.balance())["owed"] == 12000
    await sara.is_unarchived()
    await care.pass_time(days=30)
    assert await care.charges_at_stripe() == []  # what was cancelled stays cancelled
    assert await timers_of(sara) == 0


# ---------------------------------------------------------------- and back


async def test_s40_forms_and_reminders_rest_and_resume_and_what_is_past_is_skipped(care: Care) -> None:
    sara = await _activation(care)
    await care.rest()
    await care.pass_time(hours=12)
    await sara.is_archived()
    await care.pass_time(days=1)  # the first reminders would have been now
    forms = (await care.get(f"/v1/clients/{sara.id}/forms"))["items"]
    assert {form["status"] for form in forms} == {"suspended"}
    await sara.fills_in("informed_consent")  # they can still be completed

    await sara.is_unarchived()
    forms = {form["kind"]: form["status"] for form in (await care.get(f"/v1/clients/{sara.id}/forms"))["items"]}
    assert forms == {"informed_consent": "complete", "initial_consultation": "requested", "billing_info": "requested"}
    assert "forms_reminder" not in await care.mail_counts()
    await care.pass_time(days=10)
    counts = await care.mail_counts(to=sara.email)
    assert (counts["forms_reminder"], counts["activation_reminder"]) == (1, 1)


@pytest.mark.parametrize("by", ["site", "desk"])
async def test_s47_any_booking_makes_active_again_in_one_step_and_the_therapist_is_told(care: Care, by: str) -> None:
    sara = await care.client_in_care(sessions=1)
    left = sara.session(1)
    await care.until(left.starts_at)
    await sara.is_archived()
    await care.rest()

    [booked] = await sara.books("session", by=by)

    assert (await sara.look())["status"] == "active"
    assert (await booked.look())["status"] == "scheduled"
    await care.rest()
    assert (await care.mail_counts(to="ana@practice.example"))["client_back"] == 1
    assert await sara.stage() == "in_care"
    kinds = await sara.facts()
    assert kinds.index("unarchived") < len(kinds) - 1 - kinds[::-1].index("booked")
    # The session that was left unmarked is asked about again.
    await care.until(left.ends_at + timedelta(hours=25))
    assert (await care.mail_counts())["mark_outcome"] == 1
    await left.marked("occurred")
    await care.until(left.ends_at + timedelta(hours=48))
    assert await care.charges_at_stripe() == [12000]


async def test_s49_with_booking_off_the_client_side_stays_archived_and_the_practice_may(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    settings = {"portal_settings": {"schedule_appointments": False}}
    await care.call("PATCH", f"/v1/clients/{sara.id}", settings, by="desk", expect=200)
    await sara.is_archived()
    await sara.cannot_book("session", name="booking-disabled")
    assert (await sara.look())["status"] == "archived"
    await sara.books("session", by="ana")
    assert (await sara.look())["status"] == "active"
