"""OutsideCalendar: reads one calendar that a therapist keeps elsewhere, again and again, while it has a row."""

from dataclasses import replace
from typing import Any

from temporalio import workflow

from workflows import steps
from workflows.handling.handlers import answers_query, takes_signal
from workflows.handling.starts import Start
from workflows.parts import details, waitlist
from workflows.parts.cancelling import heedless
from workflows.parts.hearing import tell_journeys
from workflows.parts.search_attributes import THERAPIST_SLUG, SearchAttributes
from workflows.parts.wait import Wait
from workflows.shown.others import describe_calendar

with workflow.unsafe.imports_passed_through():
    from activities.types.events import CalendarLook
    from rules.keeping import Kept
    from workflows.messages import CALENDAR_QUERY, LOOK_AGAIN, OUTSIDE_CALENDAR, CalendarInput

_NEXT = "the next look at the calendar"
_INSTEAD = "whoever's calendar it is takes it away on the page of their calendars."


@workflow.defn(name=OUTSIDE_CALENDAR)
class OutsideCalendar:
    """What it reads stands in rows, and so does when it read last: it may end at any moment, and be started anew."""

    @workflow.init
    def __init__(self, *said: Any) -> None:
        self.start = Start(CalendarInput, said, of=Kept.CALENDAR, key="id")
        self.id = self.start.input.id
        self.seen = self.start.input.seen or CalendarLook()
        self.wait = Wait(lambda: self.seen.history_limit)
        self.search_attributes = SearchAttributes()

    @workflow.run
    async def run(self, *said: Any) -> None:  # noqa: ARG002 - as __init__ takes it
        self.start.must_be_sound()
        await heedless(self.follow(), instead=_INSTEAD)

    async def follow(self) -> None:
        if self.seen.look_at is not None:
            self.show()
            await self.wait.until(self.seen.look_at, label=_NEXT)
        while True:
            before = self.wait.changes
            self.seen = await steps.read_calendar(self.id)
            self.show()
            await self.tell()
            if self.seen.look_at is None:
                break
            if self.wait.history_is_long():
                await workflow.wait_condition(workflow.all_handlers_finished)
                asked_again = self.wait.changes != before
                seen = None if asked_again else replace(self.seen, news=(), lines=(), own_mail=False)
                workflow.continue_as_new(CalendarInput(id=self.id, seen=seen))
            if self.wait.changes == before:  # else it was asked for while it was read: look again at once
                await self.wait.until(self.seen.look_at, label=_NEXT)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def tell(self) -> None:
        await tell_journeys(self.seen.news)
        await waitlist.wake(self.seen.lines)
        if self.seen.own_mail:
            await steps.leave_to_practice_mail("")

    @takes_signal(LOOK_AGAIN, "Read the calendar now; or it was taken away.")
    def look_again(self) -> None:
        self.wait.note_change()

    @answers_query(CALENDAR_QUERY, "When it was read last, how it went, and when it is read next.")
    def progress(self) -> CalendarLook:
        return self.seen

    def show(self) -> None:
        details.show(lambda: describe_calendar(self.seen))
        if self.seen.therapist:
            self.search_attributes.upsert({THERAPIST_SLUG: self.seen.therapist})
