"""Booked appointments that no longer fit, each with the reason."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.booking.availability import Availability, Busy, TimeOff, WeeklyWindow
from rules.booking.outside_hours import why_outside
from rules.enums import AppointmentType

NINE = datetime(2026, 3, 2, 14, tzinfo=UTC)  # a Monday, 09:00 in New York
SESSION = AppointmentType.SESSION
MINUTES = timedelta(minutes=1)


def booked(starts_at: datetime, minutes: int = 50, type: AppointmentType = SESSION) -> Busy:
    return Busy(id=starts_at.isoformat(), type=type, starts_at=starts_at, ends_at=starts_at + minutes * MINUTES)


def hours(*off: tuple[datetime, datetime]) -> Availability:
    """Sessions on Mondays from nine to noon."""
    return Availability(
        time_zone="America/New_York",
        weekly=(WeeklyWindow(weekday="mon", start=540, end=720, types=frozenset({SESSION})),),
        time_off=tuple(TimeOff(starts_at=start, ends_at=end) for start, end in off),
    )


@pytest.mark.parametrize(
    ("appointment", "because"),
    [
        (booked(NINE), None),
        (booked(NINE + 7 * MINUTES), None),  # off the grid, as the practice may book
        (booked(NINE + 120 * MINUTES, 60), None),
        (booked(NINE - MINUTES), "outside the hours"),
        (booked(NINE, type=AppointmentType.INTRO_CALL), "outside the hours"),
        (booked(NINE + timedelta(days=1)), "outside the hours"),
        (booked(NINE + 60 * MINUTES), None),  # ends where the time off begins
        (booked(NINE + 60 * MINUTES, 51), "under time off"),
        (booked(NINE + 120 * MINUTES, 1), None),  # begins where it ends
        (booked(NINE + 119 * MINUTES), "under time off"),
        (booked(NINE + 111 * MINUTES, 1), "under time off"),
        (booked(NINE + 111 * MINUTES, 70), "outside the hours and under time off"),
        (booked(NINE + 95 * MINUTES, 15, AppointmentType.INTRO_CALL), "outside the hours"),  # which it only touches
        (booked(NINE + 120 * MINUTES, 61), "outside the hours"),
        (booked(NINE + 111 * MINUTES, 5, AppointmentType.INTRO_CALL), "outside the hours and under time off"),
    ],
)
def test_the_reason(appointment: Busy, because: str | None) -> None:
    availability = hours((NINE + 110 * MINUTES, NINE + 120 * MINUTES))
    expected = [] if because is None else [(appointment, because)]
    assert why_outside(availability=availability, appointments=[appointment]) == expected


def test_they_stay_in_the_order_given() -> None:
    late, fits, early = booked(NINE + timedelta(hours=5)), booked(NINE), booked(NINE - timedelta(hours=5))
    found = why_outside(availability=hours(), appointments=iter([late, fits, early]))
    assert [appointment for appointment, _ in found] == [late, early]
