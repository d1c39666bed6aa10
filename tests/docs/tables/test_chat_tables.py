"""The tables about chats, compared with the rules."""

from datetime import UTC, datetime, timedelta

from rules.accounts.caller import Caller
from rules.care.chats import (
    LONGEST_MESSAGE,
    MESSAGES_COUNTED_FOR,
    MOST_MESSAGES,
    MOST_OF_A_BLAST,
    TOLD_WHILE_ARCHIVED,
    may_start,
    message_mail_due,
    read_after_writing,
    setting_of,
)
from rules.enums import ChatKind, Role
from rules.policy import JourneyPolicy
from tests.docs.pages import ROOT, table, words

SECTION = (ROOT / "docs/journey.md").read_text().split("## Chats")[1].split("## Archive")[0]
ROLES = {
    "client side": (Role.CLIENT, Role.BOOKING_SITE),
    "therapist": (Role.THERAPIST,),
    "care team": (Role.CARE_TEAM,),
}


def test_each_kind_is_started_by_whom_the_table_says() -> None:
    rows = table(SECTION, "kind", "with whom", "is started by")
    assert {words(row[0])[0] for row in rows} == set(ChatKind)
    for told, _, started_by, _, part, mails in rows:
        kind = ChatKind(words(told)[0])
        may = {role for role in Role if may_start(Caller(role=role, name="x"), kind)}
        assert may == {role for name in started_by.split(", ") for role in ROLES[name]}, kind
        assert part == "-" if kind is ChatKind.STAFF else setting_of(kind) == words(part)[0]
        assert (kind in TOLD_WHILE_ARCHIVED) == (mails == "yes")
    assert f"at most {LONGEST_MESSAGE:,} characters" in SECTION
    assert f"at most {MOST_OF_A_BLAST:,}:" in SECTION


def test_how_far_is_read_after_writing() -> None:
    rows = table(SECTION, "read before", "newest message", "`read_seq`", "read after writing")
    for read, newest, shown, afterwards in rows:
        told = read_after_writing(read=int(read), shown=0 if shown == "-" else int(shown), newest=int(newest))
        assert told == int(afterwards), (read, newest, shown)
    assert f"at most {MOST_MESSAGES} messages a minute" in SECTION
    assert timedelta(minutes=1) == MESSAGES_COUNTED_FOR


def test_when_the_next_mail_is_due() -> None:
    told, told_at, waits, due_at = 0, None, 0, None
    for at, what, due in table(SECTION, "at", "what happens", "the next mail is due"):
        now = datetime.fromisoformat(f"2026-03-02T{at}").replace(tzinfo=UTC)
        if due_at is not None and due_at < now:
            told, told_at = waits, due_at
        waits = int(what.rpartition(" ")[2]) if "message" in what else 0
        every = JourneyPolicy().new_message_every
        due_at = message_mail_due(newest=waits, told=told, told_at=told_at, every=every, now=now)
        assert (f"{due_at:%H:%M}" if due_at else "-") == due, (at, what)
        if due_at == now:
            told, told_at, due_at = waits, now, None
