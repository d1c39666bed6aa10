"""Why a booked appointment no longer fits what its therapist says about when they can be booked."""

from collections.abc import Iterable
from dataclasses import replace

from rules.booking.availability import Availability, Busy, outside_hours

OUTSIDE_HOURS = "outside the hours"
UNDER_TIME_OFF = "under time off"


def why_outside(*, availability: Availability, appointments: Iterable[Busy]) -> list[tuple[Busy, str]]:
    """Those appointments that are not inside the hours of their type, or lie under time off, each with the reason.

    What is booked on a closed day is told with the closure: no hours of a therapist's would change it.
    """
    availability = replace(availability, closures=())
    listed = outside_hours(availability=availability, appointments=appointments)
    without_time_off = replace(availability, time_off=())
    beyond = outside_hours(availability=without_time_off, appointments=listed)
    found = []
    for appointment in listed:
        away = any(
            off.starts_at < appointment.ends_at and appointment.starts_at < off.ends_at for off in availability.time_off
        )
        reasons = [OUTSIDE_HOURS] * (appointment in beyond) + [UNDER_TIME_OFF] * away
        found.append((appointment, " and ".join(reasons)))
    return found
