"""The archive's worked table says what the rule does."""

from datetime import UTC, datetime, timedelta

from rules.archive import PaymentLine
from rules.restore import again
from rules.words import PaymentStatus
from tests.docs.pages import ROOT, table

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def at(cell: str) -> datetime:
    day, _, time = cell.partition(" ")
    hours, minutes = time.split(":")
    return MONDAY + timedelta(days=DAYS.index(day), hours=int(hours), minutes=int(minutes))


def test_a_restored_payment_is_due_as_the_table_says() -> None:
    stopped = PaymentLine(
        id="p",
        appointment_id="a",
        status=PaymentStatus.CANCELLED,
        because="archived",
        amount=15000,
        credit_used=0,
        currency="USD",
        due_at=at("Tuesday 10:50"),
        deadline=at("Wednesday 10:50"),
    )
    for restored_on, due, deadline in table((ROOT / "docs/journey.md").read_text(), "restored on", "due", "deadline"):
        fresh = again(stopped, now=at(restored_on))
        assert (fresh.due_at, fresh.deadline) == (at(due), at(deadline))
