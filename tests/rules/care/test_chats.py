"""Who may start which chat, and when a mail says that a message waits."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.accounts.caller import Caller
from rules.care.chats import (
    Told,
    after_telling,
    left_out_because,
    may_start,
    message_plan,
    news_for,
    put_off,
    read_after_writing,
    reader_of,
    setting_of,
)
from rules.enums import ChatKind, ClientStatus, Role
from rules.journey.reminders import replan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.CLIENT, {ChatKind.DIRECT, ChatKind.CARE_TEAM}),
        (Role.BOOKING_SITE, {ChatKind.DIRECT, ChatKind.CARE_TEAM}),
        (Role.THERAPIST, {ChatKind.DIRECT, ChatKind.GROUP, ChatKind.COMMUNITY}),
        (Role.CARE_TEAM, set(ChatKind)),
        (Role.ADMIN, set(ChatKind)),
    ],
)
def test_who_starts_which_chats(role: Role, kinds: set[ChatKind]) -> None:
    assert {kind for kind in ChatKind if may_start(Caller(role=role, name="x"), kind)} == kinds


def test_each_kind_belongs_to_a_part_of_the_portal() -> None:
    assert {kind: setting_of(kind) for kind in ChatKind} == {
        ChatKind.DIRECT: "chat",
        ChatKind.CARE_TEAM: "chat",
        ChatKind.GROUP: "chat",
        ChatKind.COMMUNITY: "community",
    }


def test_all_who_act_for_a_client_read_as_that_client() -> None:
    site, sara = Caller(role=Role.BOOKING_SITE, name="site"), Caller(role=Role.CLIENT, name="s", client_id="s")
    assert reader_of(site, "s") == reader_of(sara, "s") == "client:s"
    ana = Caller(role=Role.THERAPIST, name="t", therapist="ana")
    assert reader_of(ana, None) == reader_of(ana, "s") == "therapist:ana"


@pytest.mark.parametrize(
    ("read", "shown", "newest", "afterwards"),
    [
        (0, 0, 0, 1),  # the first message of all
        (4, 0, 4, 5),  # nothing was unread
        (2, 0, 4, 2),  # nobody saw what is unread
        (2, 3, 4, 3),
        (2, 4, 4, 5),
        (4, 2, 4, 5),
        (0, 9, 4, 5),  # a page cannot have shown what is not there
    ],
)
def test_writing_alone_is_not_reading(read: int, shown: int, newest: int, afterwards: int) -> None:
    assert read_after_writing(read=read, shown=shown, newest=newest) == afterwards


def test_a_burst_is_told_of_once_and_the_next_mail_comes_an_hour_later_if_something_is_new() -> None:
    told = news_for(Told(), newest_unread=1, every=HOUR, now=NOON)
    assert told.due_at == NOON
    told = after_telling(told, now=NOON)
    assert message_plan({"c": told}) == []
    # The same message again (a signal that came twice) is no news.
    assert news_for(told, newest_unread=1, every=HOUR, now=NOON + 5 * HOUR).due_at is None
    for seq in range(2, 11):
        told = news_for(told, newest_unread=seq, every=HOUR, now=NOON + seq * MINUTE)
    assert (told.seq, told.waits, told.due_at) == (1, 10, NOON + HOUR)
    [due] = message_plan({"c": told})
    assert (due.at, due.about) == (NOON + HOUR, "c")
    # Read meanwhile: nothing is planned any more, but the hour still counts.
    told = news_for(told, newest_unread=0, every=HOUR, now=NOON + 20 * MINUTE)
    assert message_plan({"c": told}) == []
    told = news_for(told, newest_unread=11, every=HOUR, now=NOON + 30 * MINUTE)
    assert told.due_at == NOON + HOUR
    told = after_telling(told, now=NOON + HOUR)
    assert (told.seq, told.at, told.waits) == (11, NOON + HOUR, 0)
    assert news_for(told, newest_unread=12, every=HOUR, now=NOON + 9 * HOUR).due_at == NOON + 9 * HOUR


def test_what_waits_is_not_lost_when_its_time_passes_unseen() -> None:
    told = news_for(Told(seq=1, at=NOON), newest_unread=2, every=HOUR, now=NOON + MINUTE)
    plan = message_plan({"c": told})
    # While archived there is no plan; when it is made anew, its time has passed.
    assert replan(before=[], fresh=plan, now=NOON + 5 * HOUR) == plan


def test_a_mail_that_is_still_on_its_way_puts_the_next_one_off() -> None:
    waiting = news_for(Told(seq=3, at=NOON), newest_unread=4, every=HOUR, now=NOON + 2 * HOUR)
    later = put_off(waiting, every=HOUR, now=NOON + 2 * HOUR)
    assert (later.seq, later.waits, later.due_at) == (3, 4, NOON + 3 * HOUR)


def test_why_a_blast_leaves_somebody_out() -> None:
    def why(**changes: object) -> str | None:
        usual = {"status": ClientStatus.ACTIVE, "closed": False, "settings": {"chat": True}, "has_therapist": True}
        return left_out_because(**usual | changes)  # type: ignore[arg-type]

    assert why() is why(settings={}) is why(settings={"community": False}) is None
    assert "archived" in str(why(status=ClientStatus.ARCHIVED, has_therapist=False))
    assert "closed" in str(why(closed=True))
    assert "switched off" in str(why(settings={"chat": False}))
    assert "therapist" in str(why(has_therapist=False))
