"""When a mail says that a message waits."""

from datetime import UTC, datetime, timedelta

from rules.journey.message_mails import Told, after_looking, after_telling, message_plan, put_off
from rules.journey.reminders import replan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_a_burst_is_told_of_once_and_the_next_mail_comes_an_hour_later_if_something_is_new() -> None:
    told = after_looking(Told(), newest_unread=1, every=HOUR, now=NOON)
    assert told.due_at == NOON
    told = after_telling(told, now=NOON)
    assert message_plan({"c": told}) == []
    # The same message again (a signal that came twice) is no news.
    assert after_looking(told, newest_unread=1, every=HOUR, now=NOON + 5 * HOUR).due_at is None
    for seq in range(2, 11):
        told = after_looking(told, newest_unread=seq, every=HOUR, now=NOON + seq * MINUTE)
    assert (told.seq, told.waits, told.due_at) == (1, 10, NOON + HOUR)
    [due] = message_plan({"c": told})
    assert (due.at, due.about) == (NOON + HOUR, "c")
    # Read meanwhile: nothing is planned any more, but the hour still counts.
    told = after_looking(told, newest_unread=0, every=HOUR, now=NOON + 20 * MINUTE)
    assert message_plan({"c": told}) == []
    told = after_looking(told, newest_unread=11, every=HOUR, now=NOON + 30 * MINUTE)
    assert told.due_at == NOON + HOUR
    told = after_telling(told, now=NOON + HOUR)
    assert (told.seq, told.at, told.waits) == (11, NOON + HOUR, 0)
    assert after_looking(told, newest_unread=12, every=HOUR, now=NOON + 9 * HOUR).due_at == NOON + 9 * HOUR


def test_what_waits_is_not_lost_when_its_time_passes_unseen() -> None:
    told = after_looking(Told(seq=1, at=NOON), newest_unread=2, every=HOUR, now=NOON + MINUTE)
    plan = message_plan({"c": told})
    # While archived there is no plan; when it is made anew, its time has passed.
    assert replan(before=[], fresh=plan, now=NOON + 5 * HOUR) == plan


def test_a_mail_that_is_still_on_its_way_puts_the_next_one_off() -> None:
    waiting = after_looking(Told(seq=3, at=NOON), newest_unread=4, every=HOUR, now=NOON + 2 * HOUR)
    later = put_off(waiting, every=HOUR, now=NOON + 2 * HOUR)
    assert (later.seq, later.waits, later.due_at) == (3, 4, NOON + 3 * HOUR)
