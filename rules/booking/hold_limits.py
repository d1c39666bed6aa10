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
    """How many may live at once, by whom; asked for one more of this type in a calendar of these hours."""

    availability: Availability
    type: AppointmentType
    policy: JourneyPolicy
    now: datetime

    @property
    def of_visitor(self) -> int:
        """Or of a person."""
        return self.policy.holds_per_visitor

    @property
    def of_network(self) -> int:
        return self.policy.holds_per_visitor * NETWORKS_MOST

    @property
    def of_calendar(self) -> int:
        """By whoever is no person: a share of the slots of this type that its hours have in the next 14 days, taken or
        not; one at least, so that whoever has few can be booked too."""
        zone = self.availability.time_zone
        today = self.now.astimezone(ZoneInfo(zone)).date()
        slots = open_slots(
            availability=self.availability,
            type=self.type,
            busy=(),
            now=self.now,
            first_day=today,
            last_day=today + _DAYS - timedelta(days=1),
            asker_zone=zone,
        )
        return max(1, len(slots) * self.policy.holds_per_calendar // 100)
