"""Ledger and Stripe compared, as the care team asks for it: what was missed is made good, once, and people are told."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from activities.types.reconciliation import ComparisonCursor, ComparisonPart, Reconciled, Reconciling
from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.story import Care, Person, key
from tests.workflows.conftest import attributes_of
from workflows.messages import (
    RECONCILIATION_QUERY,
    ReconciliationInput,
    ReconciliationProgress,
    ReconciliationState,
    reconciliation_id,
)

FEE = 12000


async def compare(care: Care, *, expect: int = 200, **body: Any) -> Json:
    done: Json = await care.post("/v1/reconciliations", body, by="desk", expect=expect)
    await care.rest()
    return done


async def at_stripe(care: Care, path: str, *, json: Any = None, **data: str | int) -> Json:
    """What a bank does, or somebody in Stripe's dashboard."""
    if json is not None:
        return dict(await care.at_stripe.ask("POST", path.removeprefix("/"), json))
    return await care.at_stripe.made(path.removeprefix("/v1/"), **data)


async def no_webhook_comes(care: Care, kind: str = "webhook_dropped", event: str = "*") -> None:
    await care.at_stripe.ask("POST", "_faults", [{"kind": kind, "event": event, "times": 100}])


async def payment_that_needs_the_client(care: Care) -> tuple[Person, Json]:
    sara = await care.client_in_care(card="pm_card_authenticationRequired")
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    [payment] = await sara.payments()
    assert payment["status"] == "requires_action"
    return sara, payment


@pytest.mark.parametrize("days", [0, 3])
async def test_x2_a_webhook_that_never_came_is_made_good_and_the_receipt_goes_out_once(care: Care, days: int) -> None:
    """While the appointment's workflow waits for the client, and long after it has ended."""
    sara, payment = await payment_that_needs_the_client(care)
    await care.pass_time(days=days, minutes=1)
    assert (await sara.payments())[0]["status"] == ("owed" if days else "requires_action")
    await no_webhook_comes(care, "webhook_late")
    await sara.confirms(payment["id"])
    await care.rest()
    assert (await sara.payments())[0]["status"] != "paid"

    done = await compare(care)
    assert done["status"] == "finished"
    assert [(found["kind"], found["payment_id"], found["client_id"]) for found in done["healed"]] == [
        ("missed_payment", payment["id"], sara.id)
    ]
    assert done["differences"] == []
    assert (await sara.payments())[0]["status"] == "paid"
    assert (await sara.balance())["owed"] == 0
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert await care.tasks() == []

    # The webhook comes after all, and the books are compared again: nothing more happens.
    await care.http.post(f"{care.house.sandbox_url}/stripe/_webhooks/release")
    again = await compare(care)
    await care.pass_time(days=4)
    assert (again["healed"], again["differences"]) == ([], [])
    assert len(await care.mails(to=sara.email, template="receipt")) == 1
    assert (await sara.facts()).count("payment_paid") == 1
    await sara.session(1).workflow.result()
    assert await care.charges_at_stripe() == [FEE]


async def test_what_a_person_must_look_at_is_a_task_that_closes_by_itself(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    [payment] = await sara.payments()
    [customer] = (await care.stripe())["customers"]
    twice = await at_stripe(
        care,
        "/v1/payment_intents",
        amount=FEE,
        currency="usd",
        customer=customer["id"],
        payment_method=(await sara.cards_at_stripe())[-1],
        confirm="true",
        off_session="true",
        **{"metadata[payment_id]": payment["id"]},
    )
    for _ in range(2):
        done = await compare(care)
        assert [found["kind"] for found in done["differences"]] == ["taken_twice"]
        [task] = await care.tasks()
        assert (task["kind"], task["client_id"], task["data"]["intent"]) == (
            "ledger_difference", sara.id, twice["id"],
        )  # fmt: skip
        assert done["differences"][0]["task_id"] == task["id"]
        assert (await attributes_of(sara.journey))["NeedsAttention"] == ["ledger_difference"]
        assert len(await care.mails(to=CARE_TEAM_EMAIL, template="task_opened")) == 1
    await at_stripe(care, "/v1/refunds", payment_intent=twice["id"])
    done = await compare(care)
    assert (done["healed"], done["differences"]) == ([], [])
    assert await care.tasks() == []
    assert "NeedsAttention" not in await attributes_of(sara.journey)


async def test_refunds_and_disputes_that_nobody_reported(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    await no_webhook_comes(care)
    [intent] = [pi["id"] for pi in (await care.stripe())["payment_intents"]]
    await at_stripe(care, "/v1/refunds", payment_intent=intent, amount=2000)
    done = await compare(care)
    assert [found["kind"] for found in done["healed"]] == ["refund_by_hand"]
    [payment] = await sara.payments()
    assert (payment["status"], payment["refunded"]) == ("partially_refunded", 2000)

    await at_stripe(care, "/_disputes", json={"payment_intent": intent, "reason": "fraudulent"})
    done = await compare(care)
    assert [found["kind"] for found in done["healed"]] == ["missed_dispute"]
    assert [task["kind"] for task in await care.tasks()] == ["dispute"]
    # And so the next session is not charged.
    await sara.session(2).occurs()
    await care.pass_time(hours=30)
    assert [line["status"] for line in await sara.payments()] == ["partially_refunded", "scheduled"]


async def test_what_is_shown_of_a_comparison(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    now = await care.now()
    again = key()
    body = {"since": (now - timedelta(days=7)).isoformat(), "until": now.isoformat()}
    done = await care.post("/v1/reconciliations", body, by="office", expect=200, headers=again)
    assert done["asked_by"] == "care_team:office"
    assert done["compared"] == {
        "intents": 1, "payments": 1, "unfinished_payments": 0, "stripe_refunds": 0, "refunds": 0,
        "unfinished_refunds": 0, "disputes": 0,
    }  # fmt: skip
    assert await care.post("/v1/reconciliations", body, by="office", expect=200, headers=again) == done
    assert await care.get(f"/v1/reconciliations/{done['id']}") == done
    later = await compare(care)
    assert [line["id"] for line in (await care.get("/v1/reconciliations"))["items"]] == [later["id"], done["id"]]
    page = await care.get("/v1/reconciliations", limit=1)
    assert (await care.get("/v1/reconciliations", limit=1, cursor=page["next_cursor"]))["items"] == [done]

    handle: Any = care.house.engine.get_workflow_handle(reconciliation_id(done["id"]))
    view = await handle.query(RECONCILIATION_QUERY, result_type=ReconciliationProgress)
    assert (view.comparing, view.result.healed, view.result.differences) == (None, 0, 0)
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert "the books agree" in metadata.current_details
    assert "- Compared: 1 payments" in metadata.current_details


async def test_without_a_worker_it_is_pending_and_is_done_later(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.money.reconciliations._WAIT_AT_MOST", 0.2)
    await care.house.stop_worker()
    answer = await care.call("POST", "/v1/reconciliations", by="desk", expect=202)
    id = answer.json()["id"]
    assert answer.json() == {"id": id, "status": "running"}
    shown = await care.get(f"/v1/reconciliations/{id}")
    assert (shown["status"], shown["finished_at"], shown["healed"]) == ("running", None, [])
    await care.house.start_worker()
    await care.house.engine.get_workflow_handle(reconciliation_id(id)).result()
    assert (await care.get(f"/v1/reconciliations/{id}"))["status"] == "finished"


async def test_a_schedule_says_nothing_and_the_last_thirty_days_are_compared(care: Care) -> None:
    before = await care.now()
    await care.house.engine.execute_workflow("ReconcilePayments", id="by-schedule", task_queue="care-journeys")
    [line] = (await care.get("/v1/reconciliations"))["items"]
    assert (line["asked_by"], line["status"]) == ("schedule", "finished")
    shown = await care.get(f"/v1/reconciliations/{line['id']}")
    assert shown["until"] >= before.replace(microsecond=0).isoformat().replace("+00:00", "Z")


async def test_a_long_comparison_goes_on_in_another_run(care: Care) -> None:
    """What a run hands to the next is all that it knows: here, that only disputes are left to be compared."""
    done = await compare(care)
    state = ReconciliationState(
        reconciling=Reconciling(
            id=done["id"],
            since=datetime.fromisoformat(done["since"]),
            until=datetime.fromisoformat(done["until"]),
        ),
        place=ComparisonCursor(part=ComparisonPart.DISPUTES),
        compared={"payments": 7},
        left_out=2,
    )
    result = await care.house.engine.execute_workflow(
        "ReconcilePayments",
        ReconciliationInput(state=state),
        id="the-next-run",
        task_queue="care-journeys",
        result_type=Reconciled,
    )
    assert result == Reconciled(healed=0, differences=2)
    shown = await care.get(f"/v1/reconciliations/{done['id']}")
    assert shown["compared"] == {"payments": 7, "disputes": 0, "left_out": 2}


async def test_bad_requests_for_a_comparison_start_nothing(care: Care) -> None:
    now = await care.now()
    wrong: list[tuple[Json, str]] = [
        ({"since": now.isoformat(), "until": (now - timedelta(days=1)).isoformat()}, "since"),
        ({"until": (now + timedelta(hours=1)).isoformat()}, "until"),
        ({"since": (now - timedelta(days=3653)).isoformat()}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"until": 5}, "until"),
        ({"to": now.isoformat()}, "to"),
    ]
    for body, field in wrong:
        problem = await care.refused(
            "POST", "/v1/reconciliations", body, by="desk", name="validation-failed", status=422
        )
        assert [error["field"] for error in problem["errors"]] == [field], body
    await care.therapist("ana")
    for by in ("site", "ana"):
        await care.refused("POST", "/v1/reconciliations", {}, by=by, name="not-allowed", status=403)
        await care.call("GET", "/v1/reconciliations", by=by, expect=403)
        await care.call("GET", f"/v1/reconciliations/{uuid4()}", by=by, expect=403)
    await care.refused("POST", "/v1/reconciliations", {}, by=None, name="unauthenticated", status=401)
    await care.refused("GET", f"/v1/reconciliations/{uuid4()}", by="desk", name="not-found", status=404)
    assert (await care.get("/v1/reconciliations"))["items"] == []
