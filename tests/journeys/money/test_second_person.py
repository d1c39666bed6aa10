"""What one person may not decide alone, as the practice sees it: asked for, approved by another one, and done once."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from rules.enums import Role
from rules.policy import Ceiling, JourneyPolicy
from rules.refusals import NEUTRAL, Problem
from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.story import Care, Person
from tests.journeys.money.amounts import FEE, balance, fact, payment_of, refunds_at_stripe, task_kinds
from tests.journeys.money.test_waivers_and_debts import DAY_AFTER

NAME = "second-person-required"


@pytest.fixture
def policy() -> JourneyPolicy:
    ceilings = tuple(Ceiling(role=role, currency="USD", amount=FEE - 1) for role in (Role.THERAPIST, Role.CARE_TEAM))
    return JourneyPolicy(second_person_above=ceilings)


async def settled(care: Care, asked: Json, how: str, *, by: str) -> Json:
    return await care.post(f"/v1/approvals/{asked['approval_id']}/{how}", by=by, expect=200)


async def by_hand(sara: Person, message: str, **said: object) -> str:
    """How an update is refused that somebody types into the Temporal UI: the sentence that they read."""
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await sara.journey.execute_update(message, said)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == NAME
    return failed.value.cause.message


async def test_a_waiver_waits_for_somebody_else_and_a_refund_too(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    payment = (await first.occurs())["payment"]
    waive = f"/v1/payments/{payment['id']}/waive"
    asked = await care.post(waive, {"reason": "a fault of ours"}, by="ana", expect=202)
    assert (asked["act"], asked["amount"], asked["status"], asked["asked_by"]) == (
        "waive", FEE, "open", "therapist:ana"
    )  # fmt: skip
    assert ((await payment_of(first))["status"], await task_kinds(care)) == ("scheduled", ["second_person"])
    await care.rest()
    assert "waits for a second person" in (await care.mails(to=CARE_TEAM_EMAIL, template="task_opened"))[-1]["text"]

    # Listed for whoever may decide about it; who asked, another therapist and the Temporal UI cannot approve it.
    await care.therapist("ben")
    seen = {by: [one["id"] for one in await care.items("/v1/approvals", by=by)] for by in ("ana", "desk", "ben")}
    assert seen == {"ana": [asked["id"]], "desk": [asked["id"]], "ben": []}
    approve = f"/v1/approvals/{asked['id']}/approve"
    await care.refused("POST", approve, by="ana", name=NAME)
    await care.refused("POST", approve, by="ben", name="not-found", status=404)
    sentence = NEUTRAL[Problem.SECOND_PERSON_REQUIRED]
    for more in ({}, {"approval": asked["id"]}, {"another": "0" * 64}):
        assert await by_hand(sara, "waive_payment", payment_id=payment["id"], reason="x", **more) == sentence
    assert await by_hand(sara, "grant_credit", amount=FEE, currency="USD", reason="x") == sentence
    assert (await payment_of(first))["status"] == "scheduled"

    done = await settled(care, asked, "approve", by="desk")
    assert (done["status"], done["settled_by"]) == ("approved", "care_team:desk")
    assert ((await payment_of(first))["status"], await task_kinds(care)) == ("waived", [])
    assert (await settled(care, asked, "approve", by="office"))["settled_by"] == "care_team:desk"  # it is done already
    await care.refused("POST", f"/v1/approvals/{asked['id']}/refuse", by="office", name=NAME)
    waived = await fact(sara, "payment_waived")
    assert (waived["actor"], waived["words"]) == ("therapist:ana", "a fault of ours")
    assert waived["data"]["exception"]["approved_by"] == "care_team:desk"
    await first.workflow.result()

    # Of a card, by the care team: once at Stripe, and only when it is approved.
    await second.occurs()
    await care.until(second.ends_at + DAY_AFTER)
    paid = await payment_of(second)
    refund = {"to": "card", "reason": "no session"}
    asked = await care.post(f"/v1/payments/{paid['id']}/refund", refund, by="desk", expect=202)
    await care.rest()
    assert (await refunds_at_stripe(care), asked["to"], asked["amount"]) == ([], "card", FEE)
    await settled(care, asked, "approve", by="ana")
    await care.rest()
    assert [amount for amount, _ in await refunds_at_stripe(care)] == [FEE]
    [given] = (await care.get(f"/v1/payments/{paid['id']}/refunds"))["items"]
    assert (given["status"], given["asked_by"], given["approved_by"]) == (
        "succeeded", "care_team:desk", "therapist:ana"
    )  # fmt: skip
    assert await balance(sara) == (0, 0)


async def test_whoever_may_settle_it_is_told_by_mail_within_seconds(care: Care) -> None:
    eva = await care.rows.staff("eva", Role.CARE_TEAM)
    sara = await care.client_in_care(sessions=1)
    body = {"amount": FEE, "currency": "USD", "reason": "a gift"}
    asked = await care.post(f"/v1/clients/{sara.id}/credits", body, by="desk", expect=202)
    await care.rest()
    [mail] = await care.mails(to=eva.email, template="second_person_asked")
    assert "desk has asked for a credit of 120.00 USD" in mail["text"]
    assert "Sara" not in mail["text"]
    signed_in = await care.rows.session_of(
        eva, made_at=await care.now(), expires_at=await care.now() + timedelta(days=1)
    )
    care.tokens["eva"] = signed_in["Authorization"].removeprefix("Bearer ")
    await care.refused(
        "POST", f"/v1/approvals/{asked['approval_id']}/approve", by="office", name="not-allowed", status=403
    )
    await settled(care, asked, "approve", by="eva")


async def test_a_journey_that_was_ended_meanwhile_does_it_once(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    body = {"amount": FEE, "currency": "USD", "reason": "a gift"}
    asked = await care.post(f"/v1/clients/{sara.id}/credits", body, by="desk", expect=202)
    await sara.journey.terminate("by somebody")
    done = await settled(care, asked, "approve", by="office")
    assert (done["status"], await balance(sara)) == ("approved", (FEE, 0))
    await sara.journey.terminate("by somebody")
    assert (await settled(care, asked, "approve", by="ana"))["settled_by"] == "care_team:office"
    assert await balance(sara) == (FEE, 0)


async def test_refused_or_lapsed_it_changes_nothing_also_when_archived(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    credits = f"/v1/clients/{sara.id}/credits"
    body = {"amount": FEE, "currency": "USD", "reason": "a gift"}
    asked = await care.post(credits, body, by="desk", expect=202)
    refused = await care.post(
        f"/v1/approvals/{asked['id']}/refuse", {"reason": "not without a talk"}, by="office", expect=200
    )
    assert (refused["status"], refused["answer"], await task_kinds(care)) == ("refused", "not without a talk", [])
    assert await settled(care, asked, "refuse", by="office") == refused
    assert (await fact(sara, "approval_refused"))["words"] == "not without a talk"
    await sara.is_archived(notify=False)
    asked = await care.post(credits, body, by="desk", expect=202)
    await care.pass_time(days=7)
    [lapsed] = await care.items("/v1/approvals", status="lapsed")
    assert lapsed["id"] == asked["id"]
    problem = await care.refused("POST", f"/v1/approvals/{asked['id']}/approve", by="office", name=NAME)
    assert (problem["approval_status"], await task_kinds(care)) == ("lapsed", [])
    again = await care.post(credits, body, by="desk", expect=202)
    assert (await settled(care, again, "approve", by="ana"))["status"] == "approved"
    assert await balance(sara) == (FEE, 0)
