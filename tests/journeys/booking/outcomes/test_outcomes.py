"""What came of an appointment: who says so, until when, what it costs, and what happens if nobody does."""

from datetime import timedelta

from tests.care.defaults import CARE_TEAM_EMAIL, FIRST_FEE_POLICY
from tests.care.story import Booked, Care, Person, key

FEE = 12000


async def refused_outcome(booked: Booked, outcome: str, *, name: str, by: str = "desk", **more: object) -> None:
    status = int(more.pop("status", 409))  # type: ignore[call-overload]
    await booked.person.care.refused(
        "POST", f"/v1/appointments/{booked.id}/outcome", {"outcome": outcome, **more}, by=by, name=name, status=status
    )


async def a_breach(person: Person) -> list[str]:
    return [kind for kind in await person.facts() if kind == "outcome_breach"]


async def test_s26_nobody_says_how_it_went_nudge_task_breach_and_never_a_charge(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await care.until(session.ends_at + timedelta(hours=23, minutes=59))
    assert "mark_outcome" not in await care.mail_counts()
    await care.pass_time(minutes=2)
    [nudge] = await care.mails(to="ana@practice.example", template="mark_outcome")
    assert session.id in nudge["text"]

    await care.until(session.ends_at + timedelta(hours=40, minutes=1))
    assert [task["kind"] for task in await care.tasks()] == ["outcome_missing"]
    assert len(await care.mails(to=CARE_TEAM_EMAIL, template="task_opened")) == 1
    assert await a_breach(sara) == []
    await care.until(session.ends_at + timedelta(hours=48, minutes=1))
    assert await a_breach(sara) == ["outcome_breach"]
    await care.pass_time(days=60)
    assert (await session.look())["status"] == "scheduled"
    assert (await sara.payments(), (await sara.balance())["owed"]) == ([], 0)
    assert (await care.stripe())["payment_intents"] == []
    assert await care.mail_counts(to="ana@practice.example") == {
        "new_client": 1, "appointment_booked": 2, "mark_outcome": 1
    }  # fmt: skip
    assert await a_breach(sara) == ["outcome_breach"]


async def test_s26_marked_late_is_one_breach_and_one_try_at_once(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    await care.until(first.ends_at + timedelta(hours=50))
    await first.marked("occurred")
    await care.rest()
    assert (await first.look())["payment"]["status"] == "paid"
    assert await a_breach(sara) == ["outcome_breach"]
    assert await care.tasks() == []  # the outcome is no longer missing

    await sara.bank_says("insufficient_funds")
    await care.until(second.ends_at + timedelta(hours=50))
    await second.marked("occurred")
    await care.rest()
    payment = (await second.look())["payment"]
    assert (payment["status"], payment["attempts"], payment["because"]) == ("owed", 1, "deadline_passed")
    assert (await sara.balance())["owed"] == FEE
    assert [task["kind"] for task in await care.tasks()] == ["payment_owed"]
    await care.pass_time(days=10)
    assert len((await care.stripe())["charges"]) == 2  # one try each
    assert len(await a_breach(sara)) == 2  # one for each session


async def test_an_outcome_can_be_told_from_the_start_and_by_whom_it_concerns(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await care.therapist("ben")
    await care.until(session.starts_at - timedelta(seconds=30))
    await refused_outcome(session, "occurred", name="appointment-not-started")
    await refused_outcome(session, "no_show", name="appointment-not-started", by="ana")
    await care.until(session.starts_at + timedelta(seconds=1))
    await refused_outcome(session, "occurred", name="not-allowed", by="site", status=403)
    await refused_outcome(session, "occurred", name="not-found", by="ben", status=404)
    await refused_outcome(session, "cancelled", name="validation-failed", status=422)
    assert (await session.look())["status"] == "scheduled"
    marked = await session.marked("occurred", by="ana")
    # Never before the end and its day, however early it was marked.
    assert marked["payment"]["due_at"] == (session.ends_at + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    assert marked["outcome_by"] == "therapist:ana"


async def test_the_same_outcome_again_is_the_same_answer_also_when_its_workflow_has_ended(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    first = await session.occurs()
    facts = await sara.timeline()
    assert await session.marked("occurred") == first
    assert await session.marked("occurred", by="ana") == first
    await care.rest()
    assert await sara.timeline() == facts

    await care.pass_time(days=2)
    await session.workflow.result()
    again = await session.marked("occurred")
    assert again["payment"] == first["payment"] | {
        "status": "paid", "attempts": 1, "paid_at": again["payment"]["paid_at"]
    }  # fmt: skip
    await refused_outcome(session, "no_show", name="appointment-not-open")
    assert await care.charges_at_stripe() == [FEE]


async def test_a_correction_replaces_the_payment_while_no_money_has_moved(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await session.occurs()
    corrected = await session.marked("no_show", by="ana")
    assert corrected["status"] == "no_show"
    assert (corrected["payment"]["kind"], corrected["payment"]["status"]) == ("no_show", "scheduled")
    waived = await session.marked("occurred", waive_fee=True, waive_reason="a fire alarm")
    assert (waived["payment"]["kind"], waived["payment"]["status"]) == ("session", "waived")


async def test_corrected_twice_and_charged_once_for_what_it_is_in_the_end(care: Care) -> None:
    sara = await care.client_in_care()
    session = sara.session(1)
    await session.occurs()
    await session.marked("no_show")
    await care.pass_time(hours=10)
    await session.marked("occurred")
    await care.pass_time(hours=15)
    [payment] = await sara.payments()
    assert (payment["kind"], payment["status"]) == ("session", "paid")
    await refused_outcome(session, "no_show", name="appointment-not-open")
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == [FEE]
    kinds = [kind for kind in await sara.facts() if kind.startswith("outcome_")]
    assert kinds[-3:] == ["outcome_recorded", "outcome_corrected", "outcome_corrected"]


async def test_s28_no_shows_and_late_cancellations_cost_the_full_fee_once(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    await care.until(first.ends_at)
    await first.marked("no_show", by="ana")
    await care.pass_time(hours=25)
    assert [(p["kind"], p["status"]) for p in await sara.payments()] == [("no_show", "paid")]

    await care.until(second.starts_at - timedelta(hours=47))
    path = f"/v1/appointments/{second.id}/cancel"
    problem = await care.refused("POST", path, {"reason": "ill"}, name="late-change-contact-therapist")
    assert problem["fee"] == {"amount": FEE, "currency": "USD"}
    asked = await care.post(path, {"requested_by": "client", "confirm": False}, by="ana", expect=200)
    assert (asked["late"], asked["fee"]) == (True, {"amount": FEE, "currency": "USD"})
    cancelled = await second.cancelled(by="ana", requested_by="client")
    assert cancelled["status"] == "late_cancelled"
    # The same due time as any session, though it was cancelled two days before.
    due = (second.ends_at + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    assert (cancelled["payment"]["kind"], cancelled["payment"]["due_at"]) == ("late_cancellation", due)
    await care.until(second.ends_at + timedelta(hours=25))
    assert [p["status"] for p in await sara.payments()] == ["paid", "paid"]
    assert await care.charges_at_stripe() == [FEE, FEE]
    await refused_outcome(second, "occurred", name="appointment-not-open")


async def test_s28_the_practice_cancels_for_its_own_reasons_and_intro_calls_are_free(care: Care) -> None:
    await care.therapist("ana", session_fee={"amount": 0, "currency": "USD"})
    await care.therapist("ben")
    free = await care.arrives(name="Otto")
    [call] = await free.books("intro_call")
    await care.rest()
    await free.activates()
    await free.completes_forms()
    await call.occurs()
    [pro_bono] = await free.books("session", after=timedelta(days=1))
    assert (await pro_bono.occurs())["payment"] is None

    sara = await care.client_in_care(therapist="ben")
    await care.until(sara.session(1).starts_at - timedelta(minutes=5))
    cancelled = await sara.session(1).cancelled(by="ben", reason="ill")
    assert (cancelled["status"], cancelled["payment"]) == ("cancelled", None)
    await care.pass_time(days=5)
    assert (await care.stripe())["payment_intents"] == []
    assert await free.payments() == await sara.payments() == []


async def test_x6_a_waiver_has_a_reason_and_the_consent_that_was_signed(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    await care.until(first.ends_at)
    await refused_outcome(first, "no_show", name="validation-failed", waive_fee=True, status=422)
    await refused_outcome(first, "no_show", name="validation-failed", waive_fee=True, waive_reason="  ", status=422)
    waived = await first.marked("no_show", by="ana", waive_fee=True, waive_reason="snowed in")
    assert waived["payment"]["status"] == "waived"
    await second.cancelled(by="desk", requested_by="client", waive_fee=True, waive_reason="a funeral")
    assert (await second.look())["payment"] is None  # a week ahead: nothing was due, and nothing is waived

    [third] = await sara.books("session", after=timedelta(days=1))
    body = {"waive_fee": True, "waive_reason": "please", "confirm": True}
    await care.refused("POST", f"/v1/appointments/{third.id}/cancel", body, name="not-allowed", status=403)
    await third.cancelled(by="desk", requested_by="client", waive_fee=True, waive_reason="a funeral")
    assert [p["status"] for p in await sara.payments()] == ["waived", "waived"]
    waivers = [fact for fact in await sara.timeline() if fact["kind"] == "payment_waived"]
    exceptions = [(fact["data"]["waiver"], fact["words"]) for fact in waivers]
    assert [(e["who"], why, e["consent_version"]) for e, why in exceptions] == [
        ("therapist:ana", "snowed in", FIRST_FEE_POLICY),
        ("care_team:desk", "a funeral", FIRST_FEE_POLICY),
    ]
    await care.pass_time(days=5)
    assert (await care.stripe())["payment_intents"] == []
    assert (await sara.balance())["owed"] == 0


async def test_a_cancellation_whose_answer_was_lost_is_answered_again(care: Care) -> None:
    """The workflow of a free cancellation ends at once: the request that ended it must still find its answer."""
    sara = await care.client_in_care()
    session = sara.session(1)
    headers = key()
    path = f"/v1/appointments/{session.id}/cancel"
    first = await care.post(path, {"reason": "moved"}, expect=200, headers=headers)
    await care.rest()
    await session.workflow.result()
    async with care.house.sessions() as database:
        connection = await database.connection()
        # What a server leaves that died between doing it and saying so.
        await connection.exec_driver_sql("UPDATE idempotency_key SET status = 0, answer = NULL")
        await database.commit()
    assert await care.post(path, {"reason": "moved"}, expect=200, headers=headers) == first
    await care.refused("POST", path, {"reason": "moved"}, name="appointment-not-open")
