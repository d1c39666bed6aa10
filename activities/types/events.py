"""What goes out to programs, and what comes in of calendars kept elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from activities.types.keeping import JourneyHears
from rules.enums import CalendarKind, CalendarTrouble


@dataclass(frozen=True, kw_only=True)
class WebhooksDelivered:
    """``on``: whether the endpoint is told anything still. ``look_at``: when something more is due; None while nothing
    waits. ``more``: there is more to do now."""

    on: bool
    look_at: datetime | None = None
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class CalendarLook:
    """How a calendar stands after a look at it. ``look_at``: when the next one is due; None once there is no such
    calendar any more. ``news``: whose journeys hear of tasks that were opened or resolved. ``lines`` are therapists
    (slugs) whose waitlist has something to look at. ``own_mail``: a mail of the practice's own waits."""

    look_at: datetime | None = None
    therapist: str = ""
    kind: CalendarKind | None = None
    read_at: datetime | None = None
    failing_since: datetime | None = None
    trouble: CalendarTrouble | None = None
    busy: int = 0
    news: tuple[JourneyHears, ...] = ()
    lines: tuple[str, ...] = ()
    own_mail: bool = False
    history_limit: int = 4000
    time_zone: str = "UTC"
