"""Archiving, from every stage and with money in every state; and back again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from activities.ports import GatewayUnavailable, Intent, PaymentGateway
from tests.journeys.care import Care, Person

LONG = 400  # days
SHARED = ("appointments", "left_unmarked", "payments", "in_flight", "forms", "reminders", "credit", "owed", "currency")
CANCELLATIONS = {"appointment_cancelled", "appointment_changed"}


async def open_timers(handle: WorkflowHandle[Any, Any]) -> int:
    """Timers that the newest run has started and that neither fired nor were cancelled."""
    kinds = Counter(event.event_type for event in (await handle.fetch_history()).events)
    return (
        kinds[EventType.EVENT_TYPE_TIMER_STARTED]
        - kinds[EventType.EVENT_TYPE_TIMER_FIRED]
        - kinds[EventType.EVENT_TYPE_TIMER_CANCELED]
    )


async def timers_of(person: Person) -> int:
    handles = [person.journey, *(appointment.workflow for appointment in person.appointments)]
    return sum([await open_timers(handle) for handle in handles])


async def archived_facts(person: Person) -> int:
    return (await person.facts()).count("archived")


# ---------------------------------------------------------------- in every stage


async def _matching(care: Care) -> Person:
    await care.therapist("ana", licensed_in=["CA"])
    return await care.arrives("matching_form", client={"first_name": "Sara", "email": "sara@example.com"})


async def _first_booking(care: Care) -> Person:
    await care.therapist()
    return await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})


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


async def _intro_call(care: Care) -> Person:
    sara = await _intake(care)
    await sara.completes_forms()
    return sara


async def _scheduling(care: Care) -> Person:
    sara = await _intro_call(care)
    await sara.appointments[0].occurs()
    return sara


async def _in_care(care: Care) -> Person:
    """A series half done: one session paid, one just held, two ahead."""
    sara = await care.client_in_care(sessions=4)
    await sara.session(1).occurs()
    await sara.session(2).occurs()
    return sara


STAGES: dict[str, Callable[[Care], Awaitable[Person]]] = {
    "matching": _matching,
    "first_booking": _first_booking,
    "activation": _activation,
    "intake": _intake,
    "intro_call": _intro_call,
    "scheduling": _scheduling,
    "in_care": _in_care,
}
NEVER_TOLD = {"intro_call": "scheduling"}  # its call was cancelled


@pytest.mark.parametrize("stage", STAGES)
async def test_s34_an_archive_stops_everything_ahead_in_every_stage_and_lets_go_again(care: Care, stage: str) -> None:
    sara = await STAGES[stage](care)
    assert await sara.stage() == stage
    await care.rest()
    mails_before, charges = await care.mail_counts(), await care.charges_at_stripe()
    ahead = [a for a in sara.appointments if (await a.look())["status"] == "scheduled"]
    preview = await care.get(f"/v1/clients/{sara.id}/archive")
    assert preview["already_archived"] is False

    done = await sara.is_archived(reason="no answer")

    assert {name: done[name] for name in SHARED} == {name: preview[name] for name in SHARED}
    assert [line["id"] for line in done["appointments"]] == [a.id for a in ahead]
    assert await sara.stage() == "archived"
    again = await sara.is_archived()  # a second archive answers with the first
    assert again == done | {"already_archived": True}
    await sara.journey.signal("archive")  # as does a signal from the Temporal UI, with no input
    await care.pass_time(days=LONG)
    sent = await care.mail_counts() - mails_before
    assert sent == (Counter(dict.fromkeys(CANCELLATIONS, len(ahead))) if ahead else Counter())
    assert await care.charges_at_stripe() == charges
    assert await timers_of(sara) == 0
    assert await archived_facts(sara) == 1
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"] is True

    await sara.is_unarchived()
    assert await sara.stage() == NEVER_TOLD.get(stage, stage)
    for appointment in ahead:
        assert (await appointment.look())["status"] == "cancelled"
    if stage == "matching":  # the archive closed the task; somebody must look again
        assert [task["kind"] for task in await care.tasks()] == ["match_by_hand"]


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
    assert (await sara.timeline())[-1]["actor"] == "via Temporal"


async def test_s37_without_notify_nobody_hears_of_the_cancellations(care: Care) -> None:
    sara = await _activation(care)
    await care.rest()
    before = await care.mail_counts()
    await sara.is_archived(notify=False)
    await care.pass_time(days=10)
    assert await care.mail_counts() == before
    assert (await sara.appointments[0].look())["status"] == "cancelled"


# ---------------------------------------------------------------- money


@pytest.mark.parametrize("state", ["scheduled", "failed", "requires_action"])
async def test_s42_a_payment_on_its_way_to_the_card_stops_and_counts_as_owed(care: Care, state: str) -> None:
    card = "pm_card_authenticationRequired" if state == "requires_action" else "pm_card_visa"
    sara = await care.client_in_care(sessions=2, card=card)
    if state == "failed":
        await sara.bank_says("insufficient_funds")
    await sara.session(1).occurs()
    if state != "scheduled":
        await care.pass_time(hours=24, minutes=1)
    assert [payment["status"] for payment in await sara.payments()] == [state]
    before = await care.mail_counts()

    done = await sara.is_archived()
    assert [line["status"] for line in done["payments"]] == [state]
    assert done["owed"] == 12000
    await sara.bank_says(None)
    await care.pass_time(days=LONG)

    [payment] = await sara.payments()
    assert (payment["status"], payment["because"]) == ("cancelled", "archived")
    assert (await sara.balance())["owed"] == 12000
    assert await care.charges_at_stripe() == []
    assert {intent["status"] for intent in (await care.stripe())["payment_intents"]} <= {"canceled"}
    assert set(await care.mail_counts() - before) == CANCELLATIONS
    assert await timers_of(sara) == 0


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

    done = await sara.is_archived()
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


# ---------------------------------------------------------------- what the client sees


async def seen_by(care: Care, sara: Person, by: str) -> dict[str, Any]:
    """All that the client side can read of this client."""
    of = f"/v1/clients/{sara.id}"
    return {
        "clients": await care.get("/v1/clients", by=by),
        "client": await care.get(of, by=by),
        "appointments": await care.get("/v1/appointments", by=by, client=sara.id),
        "forms": await care.get(f"{of}/forms", by=by),
        "payments": await care.get(f"{of}/payments", by=by),
        "balance": await care.get(f"{of}/balance", by=by),
    }


def keys_of(view: Any) -> set[str]:
    if isinstance(view, dict):
        return set(view).union(*(keys_of(inner) for inner in view.values()))
    return set().union(*(keys_of(inner) for inner in view)) if isinstance(view, list) else set()


async def test_s37_nothing_the_client_side_can_read_tells_of_the_archive(care: Care) -> None:
    sara = await _intake(care)
    await sara.appointments[0].cancelled()
    views = {by: await seen_by(care, sara, by) for by in ("site", sara.email)}
    assert views["site"]["client"]["stage"] == "intake"
    await sara.is_archived()
    # With nothing ahead there is nothing to cancel, and not a letter changes.
    assert {by: await seen_by(care, sara, by) for by in ("site", sara.email)} == views
    in_stage = await care.get("/v1/clients", by="site", stage="intake")
    assert [client["id"] for client in in_stage["items"]] == [sara.id]
    assert (await care.get("/v1/clients", by="site", stage="archived"))["items"] == []
    await sara.signs_in()  # S57: login and profile stay
    await care.refused("GET", f"/v1/clients/{sara.id}/timeline", by=sara.email, name="not-allowed", status=403)
    await care.refused("GET", f"/v1/clients/{sara.id}/archive", by=sara.email, name="not-allowed", status=403)
    await care.refused("GET", "/v1/clients?status=archived", by="site", name="validation-failed", status=422)


async def test_s37_what_an_archive_cancels_looks_like_any_cancellation(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    await sara.signs_in()
    before = {by: await seen_by(care, sara, by) for by in ("site", sara.email)}
    await sara.is_archived(reason="moved away")
    after = {by: await seen_by(care, sara, by) for by in ("site", sara.email)}
    for by, view in after.items():
        assert keys_of(view) == keys_of(before[by])
        assert view["client"]["stage"] == "in_care"
        text = str(view).lower()
        assert not [word for word in ("archiv", "suspend", "because", "moved away") if word in text]
        assert [payment["status"] for payment in view["payments"]["items"]] == ["cancelled"]
    problem = await care.refused(
        "POST", f"/v1/appointments/{sara.session(2).id}/cancel", {"confirm": True}, name="appointment-not-open"
    )
    assert "archiv" not in str(problem).lower()
    await care.rest()
    assert not [mail for mail in await care.mails() if "archiv" in (mail["subject"] + mail["text"]).lower()]
