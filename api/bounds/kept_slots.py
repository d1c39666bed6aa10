"""Answers about open slots, kept between two changes of a calendar: few, and none that is not what would be made anew.

A calendar is read for every answer, as text in one statement. What is saved where the text is the same is the rest: to
read it, to find the slots, and to write them down.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from models.reads.booking.written_calendar import WrittenCalendar
from rules.enums import AppointmentType

_MOST = 128
_LONGEST = 256 * 1024  # characters and bytes, of one and what it was made of: 32 MB of all


class AskedSlots(NamedTuple):
    """All that an answer follows from, but for the time. ``days``: the first and the last, in the asker's zone."""

    calendar: WrittenCalendar
    type: AppointmentType
    days: tuple[date, date]
    zone_name: str


@dataclass(frozen=True, kw_only=True)
class SlotsAnswer:
    """A body, and from when (itself included) until when (left out) it is the answer."""

    body: bytes
    since: datetime
    until: datetime


class KeptSlots:
    """Of one process; those go first that were asked for longest ago."""

    def __init__(self) -> None:
        self._answers: OrderedDict[AskedSlots, SlotsAnswer] = OrderedDict()

    def answer(self, asked: AskedSlots, *, now: datetime) -> bytes | None:
        """What is kept, if it is the answer now."""
        kept = self._answers.get(asked)
        if kept is None or not kept.since <= now < kept.until:
            return None
        self._answers.move_to_end(asked)
        return kept.body

    def keep(self, asked: AskedSlots, answer: SlotsAnswer) -> bytes:
        """The body, which is kept if it is not too long."""
        if len(answer.body) + asked.calendar.size <= _LONGEST:
            self._answers[asked] = answer
            self._answers.move_to_end(asked)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return answer.body
