"""The one rule of preview and archive: what is stopped, left, suspended; and what a restore brings back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from rules.archive.plan import (
    AppointmentLine,
    ArchiveSituation,
    ChatLine,
    FormLine,
    GoalLine,
    HoldLine,
    MoneyLine,
    PaymentLine,
    ReminderLine,
    TaskLine,
    owed_by_currency,
    plan_archive,
)
from rules.archive.restore import CancelledLine, NotRestored, RestoreSituation, again, plan_restore
from rules.booking.availability import Availability, Busy
from rules.enums import AppointmentStatus, AppointmentType, ChatKind, FormStatus, Mode, PaymentStatus, TaskKind

NOW = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SESSION = AppointmentType.SESSION


def appointment(
    id: str, starts_at: datetime, status: AppointmentStatus = AppointmentStatus.SCHEDULED
) -> AppointmentLine:
    return AppointmentLine(
        id=id, type=SESSION, status=status, therapist="ana", starts_at=starts_at, ends_at=starts_at + HOUR
    )


def payment(
    status: PaymentStatus, because: str | None = None, *, credit_used: int = 0, currency: str = "USD"
) -> PaymentLine:
    return PaymentLine(
        id=f"{status.value}-{because}-{currency}",
        appointment_id="held",
        status=status,
        because=because,
        amount=12000,
        credit_used=credit_used,
        currency=currency,
        due_at=NOW - HOUR,
        deadline=NOW + HOUR,
    )


def situation(**parts: object) -> ArchiveSituation:
    nothing = ArchiveSituation(
        appointments=(), payments=(), forms=(), reminders=(), currency="USD", time_zone="America/New_York"
    )
    return replace(nothing, **parts)  # type: ignore[arg-type]


def test_only_what_is_ahead_is_cancelled_and_what_has_begun_is_left() -> None:
    lines = (
        appointment("held", NOW - 5 * HOUR, AppointmentStatus.OCCURRED),
        appointment("running", NOW - HOUR / 2),
        appointment("begins", NOW),
        appointment("ahead", NOW + timedelta(microseconds=1)),
        appointment("called off", NOW + HOUR, AppointmentStatus.CANCELLED),
    )
    plan = plan_archive(situation(appointments=lines), now=NOW)
    assert [line.id for line in plan.appointments] == ["ahead"]
    assert [line.id for line in plan.left] == ["running", "begins"]


@pytest.mark.parametrize("status", PaymentStatus)
def test_every_state_of_a_payment_is_stopped_waited_for_or_left(status: PaymentStatus) -> None:
    plan = plan_archive(situation(payments=(payment(status, credit_used=2000),), credits={"USD": 500}), now=NOW)
    stopped = status in (PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION)
    assert bool(plan.payments) == stopped
    assert bool(plan.in_flight) == (status is PaymentStatus.PROCESSING)
    # A stopped one gives back the credit that it had reserved, so the whole fee is owed.
    owed = 12000 if stopped else 10000 if status is PaymentStatus.OWED else 0
    assert plan.money == (MoneyLine(currency="USD", credit=2500 if stopped else 500, owed=owed),)


def test_what_counts_as_owed_is_the_same_before_and_after() -> None:
    lines = [
        payment(status, because, currency=currency)
        for status, because, currency in product(PaymentStatus, (None, "archived", "waived"), ("USD", "EUR"))
    ]
    plan = plan_archive(situation(payments=tuple(lines)), now=NOW)
    after = [
        replace(line, status=PaymentStatus.CANCELLED, because="archived") if line in plan.payments else line
        for line in lines
    ]
    assert {line.currency: line.owed for line in plan.money} == owed_by_currency(after, now=NOW)


def test_money_of_several_currencies_is_never_added_up() -> None:
    owed, scheduled = PaymentStatus.OWED, PaymentStatus.SCHEDULED
    plan = plan_archive(
        situation(
            payments=(
                payment(scheduled, currency="USD", credit_used=2000),
                payment(scheduled, currency="EUR", credit_used=300),
                payment(owed, currency="EUR"),
                payment(PaymentStatus.PAID, currency="JPY"),
            ),
            credits={"USD": 500, "EUR": 70, "GBP": 5, "CHF": 0},
        ),
        now=NOW,
    )
    document = plan.to_document()
    assert {name: document[name] for name in ("credit", "owed", "currency", "money")} == {
        "credit": 2500,
        "owed": 12000,
        "currency": "USD",
        "money": [
            {"currency": "EUR", "credit": 370, "owed": 24000},
            {"currency": "GBP", "credit": 5, "owed": 0},
            {"currency": "USD", "credit": 2500, "owed": 12000},
        ],
    }
    nothing = plan_archive(situation(currency="CHF"), now=NOW).to_document()
    assert nothing["money"] == [{"currency": "CHF", "credit": 0, "owed": 0}]


def test_of_the_open_tasks_only_those_about_matching_and_times_ahead_are_closed() -> None:
    tasks = tuple(TaskLine(id=kind.value, kind=kind) for kind in TaskKind)
    document = plan_archive(situation(tasks=tasks), now=NOW).to_document()
    closed = [{"id": kind, "kind": kind} for kind in ("match_by_hand", "booked_time_busy")]
    assert document["tasks_closed"] == closed


def test_group_chats_are_left_and_all_others_kept() -> None:
    chats = tuple(ChatLine(id=kind.value, kind=kind) for kind in ChatKind if kind is not ChatKind.STAFF)
    plan = plan_archive(situation(chats=chats), now=NOW)
    assert [chat.id for chat in plan.chats_left] == ["group"]
    assert [chat.id for chat in plan.chats_kept] == ["direct", "care_team", "community"]


@pytest.mark.parametrize(
    ("notify", "reachable", "told"),
    [
        (True, True, ["client", "therapist"]),
        (True, False, ["therapist"]),
        (False, True, []),
        (False, False, []),
    ],
)
def test_the_mails_that_will_go_are_the_cancellations_and_no_other(
    notify: bool, reachable: bool, told: list[str]
) -> None:
    here = situation(appointments=(appointment("ahead", NOW + HOUR),), reachable=reachable)
    assert [mail.to for mail in plan_archive(here, now=NOW, notify=notify).mails] == told


def test_timers_are_named_in_words_and_in_the_therapists_own_time() -> None:
    document = plan_archive(
        situation(
            forms=(FormLine(kind="billing_info", status=FormStatus.REQUESTED),),
            reminders=(
                ReminderLine(kind="new_message", at=NOW + HOUR, chat="direct"),
                ReminderLine(kind="appointment_reminder", at=NOW + 24 * HOUR, about="ahead"),
            ),
            payments=(replace(payment(PaymentStatus.SCHEDULED), due_at=NOW + 48 * HOUR),),
            goals=(GoalLine(id="goal", weekday=4, minute=7 * 60 + 5),),
            holds=(HoldLine(id="hold", therapist="ana", type=SESSION, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR),),
        ),
        now=NOW,
    ).to_document()
    assert [(line["text"], line["appointment_id"], line["chat_id"]) for line in document["reminders"]] == [
        ("notice of a new message on Mon 30 Nov 2026, 10:00", None, "direct"),
        ("reminder on Tue 1 Dec 2026, 09:00", "ahead", None),
    ]
    assert [line["text"] for line in document["payments"]] == ["charge on Wed 2 Dec 2026, 09:00"]
    assert document["goals"] == [{"id": "goal", "remind": {"weekday": "fri", "at": "07:05"}}]
    assert document["forms"] == [{"kind": "billing_info"}]
    assert [hold["id"] for hold in document["holds"]] == ["hold"]
    assert document["time_zone"] == "America/New_York"


# ---------------------------------------------------------------- and back

OPEN = Availability(time_zone="America/New_York", weekly=(), overrides=(), time_off=())


def cancelled(id: str, starts_at: datetime, *, therapist: str = "ana", mode: Mode = Mode.VIDEO) -> CancelledLine:
    return CancelledLine(
        id=id, type=SESSION, mode=mode, therapist=therapist, starts_at=starts_at, ends_at=starts_at + HOUR
    )


def back(**parts: object) -> RestoreSituation:
    nothing = RestoreSituation(appointments=(), payments=(), chats=(), therapist="ana", availability=OPEN, zoom=True)
    return replace(nothing, **parts)  # type: ignore[arg-type]


def test_a_restore_is_bound_by_overlaps_and_the_past_alone() -> None:
    busy = Busy(id="x", type=SESSION, starts_at=NOW + 5 * HOUR, ends_at=NOW + 6 * HOUR)
    of_client = Busy(id="y", type=SESSION, starts_at=NOW + 8 * HOUR, ends_at=NOW + 9 * HOUR)
    plan = plan_restore(
        back(
            appointments=(
                cancelled("over", NOW),
                cancelled("next to it", NOW + 4 * HOUR),
                cancelled("taken", NOW + 5.5 * HOUR),
                cancelled("elsewhere", NOW + 8.5 * HOUR),
            ),
            busy=(busy,),
            client_busy=(of_client,),
        ),
        now=NOW,
    )
    assert [line.id for line in plan.appointments] == ["next to it"]
    assert [(lost.id, lost.because) for lost in plan.not_restored] == [
        ("over", "Its time is over."),
        ("taken", "This time is no longer free."),
        ("elsewhere", "The client has another appointment at this time."),
    ]
    assert plan.set_aside["next to it"]  # no hours, no notice, no buffer: told, and no hindrance


@pytest.mark.parametrize(
    ("parts", "because"),
    [
        ({"therapist": None, "availability": None}, "The client has no therapist."),
        ({"therapist": "ben"}, "The client has another therapist now."),
        ({"zoom": False}, "The therapist has no Zoom link any more."),
    ],
)
def test_a_restore_says_why_it_cannot_book_again(parts: dict[str, object], because: str) -> None:
    plan = plan_restore(back(appointments=(cancelled("a", NOW + HOUR, mode=Mode.ZOOM),), **parts), now=NOW)
    assert plan.not_restored == (NotRestored(kind="appointment", id="a", because=because),)


def test_two_that_were_at_one_time_are_not_both_restored() -> None:
    both = (cancelled("a", NOW + HOUR), cancelled("b", NOW + 1.5 * HOUR))
    assert [line.id for line in plan_restore(back(appointments=both), now=NOW).appointments] == ["a"]


@pytest.mark.parametrize(
    ("was_due", "deadline", "is_due", "is_until"),
    [
        (-72, -48, 0, 24),  # long past: at once, with a day to make it
        (-1, 23, 0, 24),
        (-1, 30, 0, 30),
        (5, 29, 5, 29),  # not due yet: as it was
        (5, 5, 5, 24),
    ],
)
def test_a_stopped_payment_is_due_again_never_early_and_with_a_day_to_make_it(
    was_due: int, deadline: int, is_due: int, is_until: int
) -> None:
    stopped = replace(
        payment(PaymentStatus.CANCELLED, "archived"), due_at=NOW + was_due * HOUR, deadline=NOW + deadline * HOUR
    )
    fresh = again(stopped, now=NOW)
    assert (fresh.status, fresh.because) == (PaymentStatus.SCHEDULED, None)
    assert (fresh.due_at, fresh.deadline) == (NOW + is_due * HOUR, NOW + is_until * HOUR)


@pytest.mark.parametrize("status", PaymentStatus)
def test_only_what_the_archive_stopped_is_charged_after_all(status: PaymentStatus) -> None:
    for because in (None, "archived", "waived"):
        plan = plan_restore(back(payments=(payment(status, because),), chats=("group",)), now=NOW)
        # Owed for that reason: its client came to pay it meanwhile, and has not.
        stopped = status in (PaymentStatus.CANCELLED, PaymentStatus.OWED) and because == "archived"
        assert bool(plan.payments) == stopped
        assert [lost.kind for lost in plan.not_restored] == ([] if stopped else ["payment"]) + ["chat"]
