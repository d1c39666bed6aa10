"""The worked tables of the rules, compared with the rules."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.problems import STATUS
from models.writes.booking.seed import _PEOPLE
from rules.booking.availability import (
    DEFAULT_SETTINGS,
    Availability,
    Busy,
    ClosedDay,
    check_slot,
    read_availability,
)
from rules.booking.eligibility import offered_types, refuse_booking
from rules.booking.hold_limits import MOST_HOLDS_OF_THE_PRACTICE
from rules.booking.series import Member, moved_together, this_and_following
from rules.clients.answers import Answers, PreferredTime
from rules.clients.candidates import Candidate
from rules.clients.matching import match
from rules.enums import AppointmentStatus, AppointmentType, IntroCalls, PaymentKind
from rules.journey.reminders import Due, appointment_plan, journey_plan
from rules.journey.stage import JourneyFacts, OpenAppointment, stage_of
from rules.money.cards import SavedCard
from rules.money.fees import Money, cancellation, classify_decline, due_times, fee_due, may_client_change, next_try
from rules.policy import JourneyPolicy
from rules.refusals import Problem
from tests.docs.pages import ROOT, durations, table, words

RULES = (ROOT / "docs/journey.md").read_text()
END = datetime(2026, 3, 2, 15, 50, tzinfo=UTC)
START = END - timedelta(minutes=50)
FEE = Money(15000, "USD")
POLICY = JourneyPolicy()
HOUR = timedelta(hours=1)
CLOSED = ClosedDay(day=START.date(), name="A day off")


def instant(cell: str) -> datetime | None:
    """``E + 24 h`` as an instant; None for a dash."""
    told = re.fullmatch(r"E ([+-]) (\d+) h", cell)
    if told is None:
        assert cell == "-"
        return None
    return END + (HOUR if told[1] == "+" else -HOUR) * int(told[2])


def test_every_time_of_the_policy_is_in_the_rules_with_its_default() -> None:
    reminders = table(RULES, "what", "to whom", "when", "setting", "default")
    others = table(RULES, "setting", "default", "what")
    told = {words(row[3])[0]: row[4] for row in reminders} | {words(row[0])[0]: row[1] for row in others}
    assert told.keys() == {field.name for field in fields(JourneyPolicy)} - {"time_zone"}
    for name, cell in told.items():
        value = getattr(POLICY, name)
        if isinstance(value, int):
            assert int(cell) == value
        else:
            assert durations(cell) == (value if isinstance(value, tuple) else (value,)), name


# ---------------------------------------------------------------- matching, stages, booking


def test_the_worked_match() -> None:
    rows = table(RULES, "factor", "weight")
    header = re.search(r"^\| factor \|(.+)\|$", RULES, re.MULTILINE)
    assert header
    slugs = [cell.strip() for cell in header[1].split("|")][1:]
    found = match(
        answers=Answers(
            state="NY",
            modality="couples",
            concerns=("anxiety", "grief", "sleep"),
            languages=("es", "en"),
            insurance="Cigna",
            preferred_times=(
                PreferredTime(weekday="mon", part="morning"),
                PreferredTime(weekday="thu", part="evening"),
            ),
        ),
        candidates=[
            Candidate(
                slug=person.slug,
                name=person.name,
                accepting_clients=True,
                licensed_in=frozenset(person.licensed_in),
                concerns=frozenset(person.concerns),
                languages=frozenset(person.languages),
                modalities=frozenset(person.modalities),
                gender=person.gender,
                insurances=frozenset(person.insurances),
                intro_calls=person.intro_calls,
                caseload_limit=person.caseload_limit,
                weekly=_hours(person).weekly,
            )
            for person in _PEOPLE
        ],
        earliest_slot=lambda _: None,
    )
    ranked = [(found.therapist, found.score, found.factors)]
    ranked += [(runner.slug, runner.score, runner.factors) for runner in found.runners_up]
    assert [slug for slug, _, _ in ranked] == slugs
    assert found.tie is None
    for column, (_, total, factors) in enumerate(ranked, start=2):
        told = [(row[0], float(row[1]), float(row[column])) for row in rows]
        assert told[:-1] == [(factor.factor, factor.weight, factor.score) for factor in factors]
        assert told[-1] == ("**total**", 1.0, total)
    assert {out.therapist for out in found.ruled_out} == {"ben-okafor", "mei-tanaka"}


def _hours(person: Any) -> Availability:
    return read_availability({"weekly": person.weekly, "settings": {}}, time_zone=person.time_zone)


def test_stages_are_tested_in_the_order_of_the_table() -> None:
    def ahead(kind: AppointmentType) -> OpenAppointment:
        return OpenAppointment(id=kind.value, type=kind, starts_at=START, ends_at=END)

    facts = JourneyFacts(
        version=1,
        ref="R",
        archived=True,
        created_at=START,
        session_occurred=True,
        outstanding_forms=("billing_info",),
        open_appointments=(ahead(AppointmentType.INTRO_CALL), ahead(AppointmentType.SESSION)),
    )
    # Line by line, what made the line hold is taken away: the next one must be the answer.
    ends: list[dict[str, Any]] = [
        {"archived": False},
        {"therapist": "ana"},
        {"first_booked_at": START},
        {"session_occurred": False},
        {"account_active": True},
        {"outstanding_forms": ()},
        {"open_appointments": (ahead(AppointmentType.SESSION),)},
        {"open_appointments": ()},
        {},
    ]
    for (_, told, *_), change in zip(table(RULES, "order", "stage"), ends, strict=True):
        assert stage_of(facts) == words(told)[0]
        facts = replace(facts, **change)


def test_what_a_client_is_offered() -> None:
    for setting, before, after in table(RULES, "the therapist's intro calls are"):
        for occurred, told in ((False, before), (True, after)):
            offered = offered_types(intro_calls=IntroCalls(words(setting)[0]), intro_occurred=occurred)
            assert [kind.value for kind in offered] == words(told)


def test_refusals_come_in_the_order_of_the_table() -> None:
    rows = table(RULES, "order", "refusal")
    for row in rows:
        assert {STATUS[Problem(name)] for name in words(row[1])} == {int(row[2])}
    intro = OpenAppointment(id="intro", type=AppointmentType.INTRO_CALL, starts_at=START, ends_at=END)
    facts = JourneyFacts(
        version=1,
        ref="SARA",
        archived=False,
        created_at=START,
        first_booked_at=START,
        open_appointments=(intro,),
        outstanding_forms=("billing_info",),
    )
    stands: dict[str, Any] = {"missing": ("email",), "enabled": False, "intro_calls": IntroCalls.REQUIRED}
    mend: list[dict[str, Any]] = [
        {"missing": ()},
        {"enabled": True},
        {"facts": {"therapist": "ana"}},
        {"intro_calls": IntroCalls.OPTIONAL},
        {"facts": {"open_appointments": ()}},
        {"facts": {"outstanding_forms": ()}},
    ]
    for row, change in zip(rows, mend, strict=False):
        [name] = words(row[1])
        kind = AppointmentType.INTRO_CALL if name == "intro-call-not-offered" else AppointmentType.SESSION
        refusal = refuse_booking(type=kind, facts=facts, **stands)
        assert refusal is not None
        assert refusal.name == name
        by_practice = refuse_booking(type=kind, facts=facts, by_practice=True, **stands)
        assert (by_practice is not None and by_practice.name == name) == (row[3] == "yes"), name
        facts = replace(facts, **change.get("facts", {}))
        stands |= {name: value for name, value in change.items() if name != "facts"}
    assert refuse_booking(type=AppointmentType.SESSION, facts=facts, **stands) is None  # what is left is the slot


def test_slot_settings_and_holds() -> None:
    for setting, *told in table(RULES, "setting", "`intro_call`", "`session`"):
        for kind, cell in zip(AppointmentType, told, strict=True):
            value = getattr(DEFAULT_SETTINGS[kind], words(setting)[0])
            assert cell == ("none" if value is None else str(value)), setting
    most = JourneyPolicy().holds_per_visitor
    assert f"can hold {most} times at once, somebody of the practice {MOST_HOLDS_OF_THE_PRACTICE}." in RULES


def test_what_the_practice_may_set_aside() -> None:
    monday = START.replace(hour=0, minute=0)  # UTC here, and nothing but sessions
    other = Busy(type=AppointmentType.SESSION, starts_at=START, ends_at=END)
    document: dict[str, Any] = {
        "weekly": [{"weekday": "mon", "from": "09:00", "to": "20:00", "types": ["session"]}],
        "time_off": [{"starts_at": "2026-03-02T18:00Z", "ends_at": "2026-03-02T19:00Z", "reason": ""}],
        "settings": {"session": {"max_per_day": 2}},
    }
    hours = read_availability(document, time_zone="UTC")

    def in_the_way(hour: float, *, practice: bool, days: float = 3, busy: list[Busy], **more: Any) -> str:
        starts_at = monday + HOUR * hour
        problem = check_slot(
            **{"availability": hours} | more,
            type=AppointmentType.SESSION,
            starts_at=starts_at,
            busy=busy,
            now=starts_at - timedelta(days=days) if days else starts_at + HOUR,
            practice=practice,
        )
        return "free" if problem is None else f"slot-{problem.kind.value}"

    two = [other, replace(other, starts_at=monday + HOUR * 9, ends_at=monday + HOUR * 10)]
    cases: dict[str, dict[str, Any]] = {
        "it lies outside the hours": {"hour": 21},
        "it is off the grid": {"hour": 17.25},
        "the practice is closed that day": {"hour": 17, "availability": replace(hours, closures=(CLOSED,))},
        "the therapist has time off": {"hour": 18},
        "less notice than the therapist needs": {"hour": 17, "days": 0.25},
        "it lies beyond the horizon": {"hour": 17, "days": 61},
        "the day's cap is reached": {"hour": 17, "busy": two},
        "it comes too close to a neighbour": {"hour": 16, "busy": [replace(other, ends_at=END + HOUR / 12)]},
        "another appointment or a live hold overlaps it": {"hour": 15.5},
        "the client has something else then": {"hour": 17, "client_busy": [replace(other, ends_at=END + 2 * HOUR)]},
        "it is past": {"hour": 17, "days": 0},
    }
    rows = table(RULES, "what is in the way of a time")
    assert [row[0] for row in rows] == [*cases]
    for what, told, practice in rows:
        case = {"busy": [other]} | cases[what]
        assert in_the_way(practice=False, **case) == words(told)[0], what
        assert in_the_way(practice=True, **case) == ("free" if practice == "may" else words(told)[0]), what
    assert in_the_way(17, practice=False, busy=[other]) == "free"


def test_this_and_all_after_it() -> None:
    rows, zone = table(RULES, "week", "it is"), ZoneInfo("America/New_York")

    def told(cell: str) -> datetime:
        return datetime.fromisoformat(cell).replace(tzinfo=zone)

    series = [
        Member(id=week, week=int(week) - 1, status=AppointmentStatus(words(status)[0]), starts_at=told(start))
        for week, start, status, *_ in rows
    ]
    now = datetime(2026, 2, 27, tzinfo=UTC)
    meant = this_and_following(first=series[2], series=series, now=now)
    assert [one.id for one in meant] == [row[0] for row in rows if row[3] == "cancelled"]
    new = told(rows[2][4])
    moved = moved_together(members=meant, starts_at=new, time_zone="America/New_York")
    assert dict(zip([one.id for one in meant], moved, strict=True)) == {
        row[0]: told(row[4]) for row in rows if row[4] != "stays"
    }


# ---------------------------------------------------------------- money

EVENTS = {
    "session occurred": (PaymentKind.SESSION, AppointmentType.SESSION),
    "no-show": (PaymentKind.NO_SHOW, AppointmentType.SESSION),
    "late cancellation": (PaymentKind.LATE_CANCELLATION, AppointmentType.SESSION),
    "intro call occurred": (PaymentKind.SESSION, AppointmentType.INTRO_CALL),
}
AMOUNTS: dict[str, Money | None] = {"150.00": FEE, "none": None}


def test_when_a_fee_is_due() -> None:
    for event, marked, due, amount, late in table(RULES, "event", "marked", "due"):
        kind, type_ = EVENTS[event]
        fee = fee_due(event=kind, fee=FEE, type=type_, waived=False)
        assert fee == AMOUNTS[amount]
        if fee is None:
            continue
        marked_at = instant(marked)
        assert marked_at is not None
        times = due_times(
            marked_at=marked_at,
            ends_at=END,
            charge_after=POLICY.charge_after,
            charge_deadline=POLICY.charge_deadline,
        )
        assert times.due_at == instant(due), event
        assert times.late == (late == "yes")


def test_what_a_cancellation_costs() -> None:
    for by, what, hours, status, fee, alone in table(RULES, "cancelled by"):
        kind = AppointmentType.INTRO_CALL if what == "intro call" else AppointmentType.SESSION
        now = START - timedelta(hours=float(hours))
        window = POLICY.notice_window
        told = cancellation(
            type=kind, fee=FEE, starts_at=START, now=now, requested_by_client=by == "client", notice_window=window
        )
        assert (told.late, told.fee) == (words(status) == ["late_cancelled"], AMOUNTS[fee])
        if alone != "-":
            assert may_client_change(type=kind, starts_at=START, now=now, notice_window=window) == (alone == "yes")


def test_what_a_decline_means() -> None:
    for code, kind, _ in table(RULES, "Stripe's code"):
        assert classify_decline("card_declined", words(code)[0] if words(code) else "a_new_word") == kind, code


def test_when_a_soft_decline_is_tried_again() -> None:
    for row in table(RULES, "first try"):
        tries = [instant(cell) for cell in row[:3]]
        last, owed = tries[0], instant(row[3])
        assert last is not None
        for made, told in enumerate([*tries[1:], None], start=1):
            again = next_try(
                tries_made=made,
                last_try_at=last,
                deadline=END + POLICY.charge_deadline,
                retries=POLICY.charge_retries,
            )
            assert again == told, row
            if again is None:
                break
            last = again
        assert owed == last


# ---------------------------------------------------------------- reminders


def _by_kind(plan: list[Due], measure: Callable[[datetime], timedelta]) -> dict[str, set[timedelta]]:
    found: dict[str, set[timedelta]] = {}
    for due in plan:
        found.setdefault(due.kind, set()).add(measure(due.at))
    return found


def test_reminders_are_planned_as_the_table_says() -> None:
    facts = JourneyFacts(version=1, ref="R", archived=False, created_at=START, therapist="ana", matched_at=START)
    known = replace(facts, anonymous=False, reachable=True)
    booked = replace(known, first_booked_at=START, outstanding_forms=("billing_info",), forms_requested_at=START)
    call_was = replace(booked, account_active=True, outstanding_forms=(), intro_occurred_at=START)
    planned: dict[str, set[timedelta]] = {}
    for stand in (facts, known, booked, call_was):
        planned |= _by_kind(journey_plan(stand, policy=POLICY, now=START), lambda at: at - START)
    session = AppointmentType.SESSION
    of_session = appointment_plan(
        starts_at=START, ends_at=END, type=session, policy=POLICY, charge_deadline=POLICY.charge_deadline, since=START
    )
    planned |= _by_kind(of_session, lambda at: START - at if at <= START else at - END)
    card = SavedCard(id="pm_1", exp_year=2027, exp_month=3)
    in_care = replace(call_was, intro_occurred_at=None, card=card, payment_open=True)
    planned |= _by_kind(journey_plan(in_care, policy=POLICY, now=START), lambda at: card.stops_working_at - at)

    told: dict[str, set[timedelta]] = {}
    for what, _, _, setting, default in table(RULES, "what", "to whom"):
        if words(setting) != ["forms_reminder_before"] and durations(default):
            told[words(what)[0]] = set(durations(default))
    assert planned == told

    ahead = OpenAppointment(id="a", type=session, starts_at=START + timedelta(days=9), ends_at=END + timedelta(days=9))
    before = journey_plan(replace(booked, open_appointments=(ahead,)), policy=POLICY, now=START)
    assert ahead.starts_at - POLICY.forms_reminder_before in [due.at for due in before if due.kind == "forms_reminder"]
