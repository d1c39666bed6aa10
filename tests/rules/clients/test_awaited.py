"""What a journey waits for, until when, and who can act."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.archive.plan import PaymentLine
from rules.clients.awaited import AwaitedThing, awaited_of
from rules.enums import AppointmentType, PaymentStatus, Role
from rules.journey.reminders import journey_plan, open_plan
from rules.journey.stage import JourneyFacts, OpenAppointment, OpenTask
from rules.policy import JourneyPolicy

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = JourneyPolicy()
NEW = JourneyFacts(version=1, ref="SARA", archived=False, created_at=NOW)
MATCHED = replace(NEW, therapist="ana", matched_at=NOW)
BOOKED = replace(MATCHED, anonymous=False, first_booked_at=NOW, account_active=True)
SESSION = OpenAppointment(id="a1", type=AppointmentType.SESSION, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)


def awaited(facts: JourneyFacts, *payments: PaymentLine, now: datetime = NOW) -> list[AwaitedThing]:
    plan = open_plan(journey_plan(facts, policy=POLICY, now=now), done=())
    return awaited_of(facts, client_id="c1", plan=plan, payments=payments, policy=POLICY, now=now)


def payment(status: PaymentStatus, **more: Any) -> PaymentLine:
    usual: dict[str, Any] = {"id": "p1", "appointment_id": "a1", "amount": 1, "credit_used": 0, "currency": "USD"}
    usual |= {"because": None, "due_at": NOW, "deadline": NOW + 24 * HOUR, "next_try_at": None}
    return PaymentLine(status=status, **usual | more)


def test_each_stage_says_who_can_act_and_how() -> None:
    [match] = awaited(NEW)
    assert [(way.who, way.how) for way in match.ways] == [(Role.CARE_TEAM, "PUT /v1/clients/c1/match")]
    [first] = awaited(MATCHED)
    assert (first.what, first.until) == ("the first booking", NOW + POLICY.anonymous_ttl)
    assert {way.who for way in first.ways} == {Role.CLIENT, Role.THERAPIST, Role.CARE_TEAM}
    account, forms = awaited(replace(BOOKED, account_active=False, outstanding_forms=("billing_info",)))
    assert account.ways[0].who is Role.CLIENT
    assert account.ways[1].how == "POST /v1/clients/c1/activation"
    assert {way.how for way in forms.ways} == {"PUT /v1/clients/c1/forms/billing_info"}
    [booking] = awaited(replace(BOOKED, intro_occurred_at=NOW))
    assert (booking.what, booking.until) == ("the next booking", NOW + POLICY.first_session_task)
    [back] = awaited(replace(BOOKED, archived=True))
    assert back.ways[0].how == "POST /v1/clients/c1/unarchive"


def test_an_appointment_is_awaited_and_then_how_it_went() -> None:
    facts = replace(BOOKED, open_appointments=(SESSION,), session_booked=True)
    [ahead] = awaited(facts)
    assert (ahead.what, ahead.until, ahead.about) == ("the session", SESSION.starts_at, "a1")
    [over] = awaited(facts, now=SESSION.ends_at)
    assert (over.what, over.until) == ("somebody to say how the session went", SESSION.ends_at + POLICY.charge_deadline)
    assert [way.who for way in over.ways] == [Role.THERAPIST, Role.CARE_TEAM]


def test_payments_and_tasks_wait_for_somebody_too() -> None:
    facts = replace(BOOKED, open_tasks=(OpenTask(key="k", kind="payment_owed", id="t1"),))
    waits = payment(PaymentStatus.FAILED, next_try_at=NOW + 6 * HOUR)
    _, again, task = awaited(facts, waits, payment(PaymentStatus.PAID))
    assert (again.what, again.until) == ("another try of a payment", NOW + 6 * HOUR)
    assert (task.what, task.ways[0].how) == ("A payment is owed", "POST /v1/tasks/t1/resolve")
    for status, what in (
        (PaymentStatus.SCHEDULED, "a payment to be due"),
        (PaymentStatus.FAILED, "a card that a payment can be made with"),
        (PaymentStatus.REQUIRES_ACTION, "the client to confirm a payment"),
        (PaymentStatus.OWED, "a payment that is owed"),
    ):
        assert awaited(BOOKED, payment(status))[1].what == what
