"""What becomes of one client of an archive of many, and what all of it comes to."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from rules.archive.bulk import (
    ALREADY_ARCHIVED,
    CLOSED,
    GONE,
    JOINED,
    LATE,
    STOPPED,
    Became,
    LineSituation,
    LineState,
    became,
    request_id_of,
    totals_of,
)
from rules.archive.plan import ArchiveSituation, MoneyLine, PaymentLine, plan_archive
from rules.enums import ArchiveResult, ClientStatus, PaymentStatus

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACTIVE, ARCHIVED = ClientStatus.ACTIVE, ClientStatus.ARCHIVED


def skipped(because: str) -> Became:
    return Became(ArchiveResult.SKIPPED, because)


def failed(because: str) -> Became:
    return Became(ArchiveResult.FAILED, because)


@pytest.mark.parametrize(
    ("asked", "recorded", "status", "result"),
    [
        (LineState.NOT_YET, False, ACTIVE, None),
        (LineState.TOLD, False, ACTIVE, None),
        (LineState.GONE, False, ACTIVE, failed(GONE)),
        (LineState.LATE, False, ACTIVE, failed(LATE)),
        (LineState.NOT_YET, False, ARCHIVED, skipped(ALREADY_ARCHIVED)),
        (LineState.TOLD, False, ARCHIVED, skipped(ALREADY_ARCHIVED)),  # somebody else's archive came first
        (LineState.TOLD, True, ARCHIVED, Became(ArchiveResult.ARCHIVED)),
        (LineState.TOLD, True, ACTIVE, Became(ArchiveResult.ARCHIVED)),  # and made active again since
        (LineState.LATE, True, ARCHIVED, Became(ArchiveResult.ARCHIVED)),  # at the last look
    ],
)
def test_what_becomes_of_one_client(
    asked: LineState, recorded: bool, status: ClientStatus, result: Became | None
) -> None:
    assert became(LineSituation(asked=asked, recorded=recorded, status=status)) == result


@pytest.mark.parametrize("asked", list(LineState))
def test_who_has_no_journey_of_their_own_is_skipped(asked: LineState) -> None:
    """Also if the signal found nobody: that is why."""
    closed = LineSituation(asked=asked, recorded=False, status=ACTIVE, closed=True)
    joined = LineSituation(asked=asked, recorded=False, status=ARCHIVED, closed=True, joined=True)
    assert became(closed) == skipped(CLOSED)
    assert became(joined) == skipped(JOINED)


def test_once_stopped_nobody_else_is_asked_and_whoever_was_is_waited_for() -> None:
    told = [LineSituation(asked=asked, recorded=False, status=ACTIVE) for asked in LineState]
    assert [became(line, stopped=True) for line in told] == [skipped(STOPPED), None, failed(GONE), failed(LATE)]
    archived = LineSituation(asked=LineState.NOT_YET, recorded=False, status=ARCHIVED)
    assert became(archived, stopped=True) == skipped(ALREADY_ARCHIVED)


def test_a_client_is_asked_with_one_id_however_often() -> None:
    archive, other, client = str(uuid4()), str(uuid4()), str(uuid4())
    assert request_id_of(archive, client) == request_id_of(archive, client)
    assert len({request_id_of(archive, client), request_id_of(other, client), request_id_of(archive, other)}) == 3


def test_totals_are_kept_by_currency() -> None:
    def client(currency: str, *, credits: dict[str, int], amounts: dict[str, tuple[int, ...]]) -> ArchiveSituation:
        payments = tuple(
            PaymentLine(
                id=str(uuid4()),
                appointment_id=str(uuid4()),
                status=PaymentStatus.SCHEDULED,
                because=None,
                amount=amount,
                credit_used=0,
                currency=code,
                due_at=NOW,
                deadline=NOW + timedelta(days=1),
            )
            for code in amounts
            for amount in amounts[code]
        )
        return ArchiveSituation(
            appointments=(), payments=payments, forms=(), reminders=(), currency=currency, credits=credits
        )

    clients = [
        client("USD", credits={"USD": 500, "EUR": 70}, amounts={"USD": (12000, 9000), "EUR": (3000,)}),
        client("EUR", credits={"GBP": 5}, amounts={"EUR": (8000,)}),
        client("USD", credits={"USD": 100}, amounts={}),
        client("CHF", credits={}, amounts={}),
    ]
    totals = totals_of(plan_archive(situation, now=NOW) for situation in clients)
    assert (totals.appointments, totals.payments) == (0, 4)
    assert totals.money == (
        MoneyLine(currency="CHF", credit=0, owed=0),
        MoneyLine(currency="EUR", credit=70, owed=11000),
        MoneyLine(currency="GBP", credit=5, owed=0),
        MoneyLine(currency="USD", credit=600, owed=21000),
    )
