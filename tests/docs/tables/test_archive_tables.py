"""The archive's worked tables say what the rules do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.archive.plan import PaymentLine
from rules.archive.restore import again
from rules.archive.wording import charge_words
from rules.enums import PaymentStatus
from rules.money.payment_states import WAITING
from tests.docs.pages import ROOT, table, words

RULES = (ROOT / "docs/journey.md").read_text()
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def at(cell: str) -> datetime:
    day, _, time = cell.partition(" ")
    hours, minutes = time.split(":")
    return MONDAY + timedelta(days=DAYS.index(day), hours=int(hours), minutes=int(minutes))


PAYMENT = PaymentLine(
    id="p",
    appointment_id="a",
    status=PaymentStatus.SCHEDULED,
    because=None,
    amount=15000,
    credit_used=0,
    currency="USD",
    due_at=at("Tuesday 10:50"),
    deadline=at("Wednesday 10:50"),
)


def test_a_stopped_payment_is_named_with_what_it_waited_for() -> None:
    rows = table(RULES, "a payment that is stopped while", "is told as")
    for stands, told in rows:
        payment = replace(
            PAYMENT,
            status=PaymentStatus(words(stands)[0]),
            next_try_at=at("Monday 10:50") + timedelta(hours=30) if "next try at E + 30 h" in stands else None,
            frozen="under a dispute" in stands,
        )
        assert words(told) == [charge_words(payment, zone=ZoneInfo("UTC"))], stands
    assert {PaymentStatus(words(stands)[0]) for stands, _ in rows} == WAITING


def test_a_restored_payment_is_due_as_the_table_says() -> None:
    stopped = replace(PAYMENT, status=PaymentStatus.CANCELLED, because="archived")
    for restored_on, due, deadline in table(RULES, "restored on", "due", "deadline"):
        fresh = again(stopped, now=at(restored_on))
        assert (fresh.due_at, fresh.deadline) == (at(due), at(deadline))
