"""The dates of events that repeat, within a window and within bounds."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import recurring_ical_events
from icalendar import Calendar, Event, vRecur

from calendars.outside.refusing import NotACalendar, TooMuch
from rules.booking.outside import MOST_SPANS, Window

_MARGIN = timedelta(days=2)  # a date has other instants in each zone
_OFTEN = ("SECONDLY", "MINUTELY")
_TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
_MOST_TIMES_A_DAY = 48


def dates_of(events: Sequence[Event], window: Window) -> Iterator[Event]:
    """Each date of these events that may touch the window: moved ones where they were moved to, those that were taken
    out left out. Raises TooMuch before there would be too many, and NotACalendar."""
    if not events:
        return
    for event in events:
        for rule in _rules(event):
            _bounded(rule)
    calendar = Calendar()
    calendar.subcomponents.extend(events)
    try:
        found = recurring_ical_events.of(calendar).between(window.starts_at - _MARGIN, window.ends_at + _MARGIN)
    except Exception as error:
        raise NotACalendar("An event of it repeats in a way that cannot be worked out.") from error
    if len(found) > MOST_SPANS:
        raise TooMuch("Its repeating events have more dates than are read.")
    yield from found


def _rules(event: Event) -> list[vRecur]:
    rules = event.get("RRULE")
    if rules is None:
        return []
    return rules if isinstance(rules, list) else [rules]


def _bounded(rule: vRecur) -> None:
    count = int((rule.get("COUNT") or [MOST_SPANS + 1])[0])
    if str(rule["FREQ"][0]).upper() in _OFTEN and count > MOST_SPANS:
        raise TooMuch("An event of it repeats more often than any appointment does.")
    times = 1
    for part in _TIMES:
        times *= max(len(rule.get(part) or ()), 1)
    if times > _MOST_TIMES_A_DAY and count > MOST_SPANS:
        raise TooMuch("An event of it repeats more often than any appointment does.")
