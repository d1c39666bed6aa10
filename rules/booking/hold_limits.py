"""How many times may be held at once (rate limits): by each visitor, and of each calendar by all of them together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rules.accounts.budgets import NETWORKS_MOST
from rules.booking.availability import Availability, open_slots
from rules.enums import AppointmentType
from rules.policy import JourneyPolicy

MOST_HOLDS_OF_THE_PRACTICE = 200  # of each of its people and programs
_DAYS = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class MostHolds:
    """Live holds at once: ``of_visitor`` (or person), ``of_network``, and ``of_calendar`` by whoever is no person."""

    of_visitor: int
    of_network: int
    of_calendar: int

    @classmethod
    def of(
        cls, availability: Availability, type: AppointmentType, *, policy: JourneyPolicy, now: datetime
    ) -> "MostHolds":
        """Of a calendar: a share of the slots of this type that its hours have in the next 14 days, taken or not; one
        at least, so that whoever has few can be booked too."""
        today = now.astimezone(ZoneInfo(availability.time_zone)).date()
        slots = open_slots(
            availability=availability,
            type=type,
            busy=(),
            now=now,
            first_day=today,
            last_day=today + _DAYS - timedelta(days=1),
            asker_zone=availability.time_zone,
        )
        return cls(
            of_visitor=policy.holds_per_visitor,
            of_network=policy.holds_per_visitor * NETWORKS_MOST,
            of_calendar=max(1, len(slots) * policy.holds_per_calendar // 100),
        )
