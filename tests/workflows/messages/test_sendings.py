"""Every message that the details can print, pasted: the workflow it is meant for has it, and takes the input."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio import workflow

from activities.types.booking import LineLook, PlaceInLine
from activities.types.facts import AppointmentFacts, PaymentFacts
from activities.types.workflow_ids import own_id
from rules.enums import AppointmentStatus, AppointmentType, PaymentStatus, TaskKind
from rules.journey.reminders import ANONYMOUS_EXPIRY, Due
from rules.journey.stage import JourneyFacts, OpenAppointment, OpenTask, TaskPayment
from rules.money.cards import SavedCard
from rules.money.payment_states import Because
from tests.workflows.messages.pasting import Pasted, filled_in, pasted_from
from workflows import messages
from workflows.handling.binding import Unsound, bind, check
from workflows.messages import BulkArchiveProgress, appointment_workflow_id, journey_id, waitlist_id
from workflows.registry import WORKFLOWS
from workflows.shown.appointment import describe_appointment, summary_of, waiting_for
from workflows.shown.journey import describe_joined, describe_journey
from workflows.shown.others import describe_bulk_archive, describe_line
from workflows.shown.problems import _HELPS
from workflows.shown.words import at, money, person

NOW = datetime(2026, 12, 3, 14, 0, tzinfo=UTC)
NEW_YORK = "America/New_York"
CLIENT, OTHER, SESSION, PAYMENT, TASK, PLACE = (str(UUID(int=number)) for number in range(1, 7))
JOURNEY, APPOINTMENT = journey_id(CLIENT), appointment_workflow_id(SESSION)
CARD = SavedCard(id="pm_1", exp_year=2029, exp_month=3)
FACTS = JourneyFacts(version=1, ref="VBMGA596LT", archived=False, created_at=NOW, first_name="Sara")
BOOKED = replace(FACTS, therapist="ana", first_booked_at=NOW, card=CARD)
SESSIONS = OpenAppointment(
    id=SESSION, type=AppointmentType.SESSION, starts_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(hours=1)
)


def a_task(kind: TaskKind, status: PaymentStatus = PaymentStatus.OWED) -> OpenTask:
    payment = TaskPayment(
        id=PAYMENT, status=status, amount=12000, currency="USD", deadline=NOW - timedelta(days=1), because=None
    )
    return OpenTask(key="why", kind=kind.value, id=TASK, appointment_id=SESSION, payment=payment, other_id=OTHER)


def an_appointment(status: AppointmentStatus, payment: PaymentFacts | None = None, **more: Any) -> AppointmentFacts:
    return AppointmentFacts(
        version=1,
        id=SESSION,
        client_id=CLIENT,
        ref="VBMGA596LT",
        first_name="Sara",
        type=AppointmentType.SESSION,
        status=status,
        therapist="ana",
        planned_at=NOW,
        charge_deadline=timedelta(hours=48),
        payment=payment,
        **{"starts_at": NOW, "ends_at": NOW + timedelta(minutes=50), **more},
    )


def a_payment(status: PaymentStatus, **more: Any) -> PaymentFacts:
    return PaymentFacts(
        id=PAYMENT,
        status=status,
        amount=12000,
        currency="USD",
        due_at=NOW,
        deadline=NOW + timedelta(days=1),
        **more,
    )


def journeys() -> Iterator[JourneyFacts]:
    yield FACTS
    yield BOOKED
    yield replace(BOOKED, open_appointments=(SESSIONS,), outstanding_forms=("billing_info",))
    yield replace(BOOKED, archived=True, open_appointments=(SESSIONS,))
    for kind in TaskKind:
        yield replace(FACTS, open_tasks=(a_task(kind),))
        yield replace(BOOKED, open_tasks=(OpenTask(key="why", kind=kind.value, id=TASK),))
    for status in PaymentStatus:
        yield replace(BOOKED, open_tasks=(a_task(TaskKind.PAYMENT_FAILED, status),))


def appointments() -> Iterator[AppointmentFacts]:
    for status in AppointmentStatus:
        yield an_appointment(status)
        yield an_appointment(status, starts_at=NOW + timedelta(days=3), ends_at=NOW + timedelta(days=4))
        yield an_appointment(status, starts_at=NOW - timedelta(days=3), ends_at=NOW - timedelta(days=2))
        for payment in PaymentStatus:
            yield an_appointment(status, a_payment(payment))
            yield an_appointment(status, a_payment(payment, frozen=True, credit_used=500, refunded=500))
            yield an_appointment(status, a_payment(payment, because=Because.NO_CARD))


def everything_shown() -> Iterator[tuple[str, str]]:
    """The workflow's id, and what it shows."""
    for facts in journeys():
        yield JOURNEY, describe_journey(facts, [], now=NOW, zone=NEW_YORK)
    for appointment in appointments():
        yield APPOINTMENT, describe_appointment(appointment, [], now=NOW, zone=NEW_YORK)
    place = PlaceInLine(
        place_id=PLACE,
        client_id=CLIENT,
        ref="VBMGA596LT",
        type=AppointmentType.SESSION,
        wished_from=NOW,
        wished_until=NOW,
    )
    yield waitlist_id("ana"), describe_line("ana", LineLook(line=(place,)), zone=NEW_YORK)
    for status in ("running", "finished"):
        yield messages.bulk_archive_id("1"), describe_bulk_archive(_many(status))


def _many(status: str) -> BulkArchiveProgress:
    numbers = dict.fromkeys(("total", "done", "archived", "skipped", "failed", "waiting_for"), 1)
    return BulkArchiveProgress(id="1", asked_by="desk", status=status, stopped=False, **numbers)


def everything_pasted() -> list[Pasted]:
    return sorted({pasted for own, text in everything_shown() for pasted in pasted_from(text, own=own)})


TYPES = {
    "client-journey": messages.CLIENT_JOURNEY,
    "appointment": messages.APPOINTMENT_JOURNEY,
    "bulk-archive": messages.BULK_ARCHIVE,
}
DEFINED = {found.name: found for found in (workflow._Definition.must_from_class(each) for each in WORKFLOWS)}
ARGUMENTS: dict[str, Any] = {
    **{update.name: update.argument for update in vars(messages).values() if isinstance(update, messages.Update)},
    messages.ARCHIVE: messages.ArchiveSignal,
    messages.UNARCHIVE: messages.UnarchiveSignal,
    messages.STOP: None,
}


def test_many_messages_are_printed() -> None:
    names = {pasted.name for pasted in everything_pasted()}
    assert len(names) >= 16
    assert not any(name.startswith("system.") for name in names)


@pytest.mark.parametrize("pasted", everything_pasted(), ids=lambda pasted: f"{pasted.name}-{pasted.input}"[:60])
def test_every_message_that_is_printed_is_taken_when_it_is_pasted(pasted: Pasted) -> None:
    definition = DEFINED[TYPES[pasted.workflow_id.partition(":")[0]]]
    assert pasted.name in (definition.updates if pasted.kind == "update" else definition.signals)
    own = own_id(pasted.workflow_id) if "<" not in pasted.workflow_id else {}
    said = (json.loads(filled_in(pasted.input)),) if pasted.input else ()
    bound = bind(pasted.name, ARGUMENTS[pasted.name], said, own=own, request_id=TASK, strict=True)
    check(bound.order, own)


def test_a_bracket_that_nobody_filled_in_is_refused_by_its_field() -> None:
    [move] = [pasted for pasted in everything_pasted() if pasted.name == "reschedule"]
    with pytest.raises(Unsound) as refused:
        bind(move.name, ARGUMENTS[move.name], (json.loads(move.input),), own=own_id(APPOINTMENT), request_id=TASK)
    assert [flaw.field for flaw in refused.value.flaws] == ["starts_at"]


def test_every_kind_of_task_says_what_helps() -> None:
    assert _HELPS.keys() == set(TaskKind)


def test_who_it_is_stands_at_the_top_and_a_name_is_never_markdown() -> None:
    assert describe_journey(FACTS, [], now=NOW, zone="UTC").startswith("**Sara** (VBMGA596LT) is in stage")
    assert describe_appointment(an_appointment(AppointmentStatus.SCHEDULED), [], now=NOW, zone="UTC").startswith(
        "**Sara** (VBMGA596LT): session with ana"
    )
    assert person(None, "VBMGA596LT") == "**Client VBMGA596LT**"
    wicked = person("[Sara](http://evil.example)\n# **now**", "R")
    assert wicked == r"**\[Sara\]\(http://evil.example\) \# \*\*now\*\*** (R)"
    assert len(person("x" * 500, "R")) < 60


def test_times_are_the_practices_and_money_is_money() -> None:
    assert at(NOW, NEW_YORK) == "Thu 3 Dec 2026, 09:00 EST"
    assert at(NOW, "America/Sao_Paulo") == "Thu 3 Dec 2026, 11:00 UTC-03"
    assert at(NOW, "Nowhere/Else") == "Thu 3 Dec 2026, 14:00 UTC"
    assert money(12000, "USD") == "120.00 USD"
    text = describe_appointment(
        an_appointment(AppointmentStatus.OCCURRED, a_payment(PaymentStatus.SCHEDULED)), [], now=NOW, zone=NEW_YORK
    )
    assert "- 120.00 USD: **scheduled**" in text
    assert "Due Thu 3 Dec 2026, 09:00 EST" in text
    assert summary_of(an_appointment(AppointmentStatus.SCHEDULED), zone=NEW_YORK) == (
        "session of client VBMGA596LT, Thu 3 Dec 2026, 09:00 EST, with ana"
    )
    later = Due(at=NOW + timedelta(days=1), since=NOW, kind=ANONYMOUS_EXPIRY, key="x")
    assert "Fri 4 Dec 2026, 09:00 EST" in describe_journey(FACTS, [later], now=NOW, zone=NEW_YORK)


def test_a_try_at_the_card_is_only_proposed_where_there_is_a_card_to_try() -> None:
    owed = replace(BOOKED, open_tasks=(a_task(TaskKind.PAYMENT_OWED),))
    disputed = replace(owed, open_tasks=(*owed.open_tasks, a_task(TaskKind.DISPUTE)))
    for facts, proposed in ((owed, True), (replace(owed, card=None), False), (disputed, False)):
        assert ("retry_payment" in describe_journey(facts, [], now=NOW, zone="UTC")) is proposed


def test_while_stripe_is_asked_nobody_is_told_to_do_anything() -> None:
    text = describe_appointment(
        an_appointment(AppointmentStatus.OCCURRED, a_payment(PaymentStatus.PROCESSING)), [], now=NOW, zone="UTC"
    )
    assert "waiting for Stripe's answer" in text
    assert not list(pasted_from(text, own=APPOINTMENT))


def test_a_joined_record_says_where_to_go_on() -> None:
    assert f"`{journey_id(OTHER)}`" in describe_joined(FACTS, OTHER)


def test_what_an_archive_leaves_waits_without_a_timer() -> None:
    archived = an_appointment(AppointmentStatus.SCHEDULED, client_archived=True)
    assert "no timer runs" in waiting_for(archived, [], zone="UTC")
    assert not re.search(r"`archive`", describe_journey(replace(BOOKED, archived=True), [], now=NOW, zone="UTC"))
