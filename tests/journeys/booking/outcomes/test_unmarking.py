"""An outcome that was marked by mistake is taken back: as if nobody had said anything yet."""

from datetime import datetime, timedelta

from temporalio.client import WorkflowExecutionStatus

from tests.care.defaults import Json
from tests.care.story import Booked, Care

FEE = 12000


async def unmarked(booked: Booked, *, by: str = "desk") -> Json:
    answer = await booked.person.care.call("DELETE", f"/v1/appointments/{booked.id}/outcome", by=by, expect=200)
    body: Json = answer.json()
    return body


async def not_unmarked(
    booked: Booked, *, by: str = "desk", name: str = "appointment-not-open", status: int = 409
) -> Json:
    return await booked.person.care.refused(
        "DELETE", f"/v1/appointments/{booked.id}/outcome", None, by=by, name=name, status=status
    )


async def test_a_mark_is_taken_back_nothing_is_charged_and_it_is_asked_again(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await session.occurs()
    stands = await session.look()
    assert stands["undo_until"] == stands["payment"]["due_at"]
    answer = await unmarked(session)
    assert answer["undo_until"] is None
    assert (answer["status"], answer["outcome_at"], answer["outcome_by"]) == ("scheduled", None, None)
    assert (answer["payment"]["status"], answer["payment"]["because"]) == ("cancelled", "unmarked")
    assert await unmarked(session, by="ana") == answer
    assert [fact for fact in await sara.facts() if fact == "outcome_unmarked"] == ["outcome_unmarked"]

    await care.until(session.ends_at + timedelta(hours=47))
    assert len(await care.mails(to="ana@practice.example", template="mark_outcome")) == 1
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    assert await care.charges_at_stripe() == []
    assert (await sara.balance())["owed"] == 0

    again = await session.marked("occurred")
    assert again["payment"] == answer["payment"] | {
        "status": "scheduled", "because": None, "due_at": again["payment"]["due_at"]
    }  # fmt: skip
    await care.rest()
    assert (await session.look())["payment"]["status"] == "paid"
    assert await care.tasks() == []
    refusal = await not_unmarked(session)
    assert "paid" in refusal["detail"]
    assert await care.charges_at_stripe() == [FEE]


async def test_the_task_that_a_mark_had_settled_is_opened_anew(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await care.until(session.ends_at + timedelta(hours=41))
    await session.marked("no_show")
    # It is charged at once, but for a moment in which nobody has asked a card yet.
    await care.rest()
    await not_unmarked(session)
    [call] = await sara.books("intro_call", by="desk")
    await care.until(call.ends_at + timedelta(hours=41))
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    await call.marked("occurred")
    await care.rest()
    assert await care.tasks() == []
    marked = await call.look()
    until, since = (datetime.fromisoformat(marked[name]) for name in ("undo_until", "outcome_at"))
    assert until - since == timedelta(days=1)
    await unmarked(call)
    await care.rest()
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    await care.pass_time(hours=10)
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    await call.marked("no_show")
    assert await care.tasks() == []


async def test_an_intro_call_is_unmarked_for_a_day_though_its_workflow_has_ended(care: Care) -> None:
    await care.therapist("ana", intro_calls="required")
    sara = await care.arrives()
    [call] = await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    await sara.completes_forms()
    await call.occurs()
    await call.workflow.result()
    [booked] = await sara.books("session")
    await care.rest()
    assert (await unmarked(call, by="ana"))["status"] == "scheduled"
    await care.rest()
    assert (await call.workflow.describe()).status is WorkflowExecutionStatus.RUNNING
    # What was booked because it took place stays; the next session has to wait for it again.
    assert (await booked.look())["status"] == "scheduled"
    await sara.cannot_book("session", name="intro-call-required")

    await care.until(call.ends_at + timedelta(hours=25))
    assert len(await care.mails(to="ana@practice.example", template="mark_outcome")) == 1
    await call.marked("occurred")
    await call.workflow.result()
    await care.pass_time(hours=23, minutes=55)
    await unmarked(call)
    await call.marked("no_show")
    await care.pass_time(hours=24, minutes=1)
    await not_unmarked(call)
    assert (await call.look())["status"] == "no_show"


async def test_who_may_and_what_else_is_refused(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    first, second, third = sara.appointments
    await care.therapist("ben")
    await first.occurs()
    await not_unmarked(first, by="ben", name="not-found", status=404)
    await not_unmarked(first, by="site", name="not-allowed", status=403)
    waived = await first.marked("occurred", waive_fee=True, waive_reason="a fire alarm")
    assert "waived" in (await not_unmarked(first))["detail"]
    assert (await first.look())["payment"] == waived["payment"]

    assert (await unmarked(second))["status"] == "scheduled"  # nobody had marked it
    await second.occurs()
    await sara.is_archived()
    await not_unmarked(second)  # what the archive stopped is a debt, and let go of as one
    await not_unmarked(third)  # cancelled by the archive
    assert [fact for fact in await sara.facts() if fact == "outcome_unmarked"] == []


async def test_by_hand_in_the_temporal_ui(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await session.occurs()
    await care.rest()
    await sara.journey.execute_update("unmark_outcome", {"appointment_id": session.id})
    assert (await session.look())["status"] == "scheduled"
    [fact] = [fact for fact in await sara.timeline() if fact["kind"] == "outcome_unmarked"]
    assert fact["actor"].startswith("via Temporal")
