"""The tables of forms and goals on the page of rules, against the rules."""

from datetime import UTC, datetime

from rules.forms.drafts import DRAFTS_KEPT, MOST_UPLOADS
from rules.forms.fields import LONGEST_LONG_TEXT, LONGEST_TEXT, MOST_FILES, FieldType, FormField, check_fields
from rules.journey.goals import GoalReminder, WeeklyTime, next_reminder, read_weekly
from tests.docs.pages import ROOT, table, words

RULES = (ROOT / "docs/journey.md").read_text()


def test_every_type_of_question_is_told_with_its_bounds() -> None:
    rows = table(RULES, "a question of type", "is answered by")
    assert [words(row[0]) for row in rows] == [[type.value] for type in FieldType]
    for row, type in zip(rows, FieldType, strict=True):
        options = ("a", "b") if "options" in words(row[1]) else ()
        parts = (FormField(name="p", label="P", type=FieldType.TEXT),) if type is FieldType.GROUP else ()
        most = None if row[2] == "-" else 1
        least = 0 if "least" in words(row[1]) else None
        field = FormField(name="q", label="Q", type=type, options=options, most=most, least=least, fields=parts)
        assert check_fields([field]) == {}, type
        if row[2] == "-":
            assert check_fields([FormField(name="q", label="Q", type=type, options=options, most=1)])
    assert f"{LONGEST_TEXT} characters" in rows[0][1]
    assert f"{LONGEST_LONG_TEXT:,} characters" in rows[1][1]
    [files] = [row for row in rows if words(row[0]) == ["file"]]
    assert f"{MOST_FILES} at most" in files[2]
    assert f"{DRAFTS_KEPT.days} days after it was uploaded" in RULES
    assert f"of one client {MOST_UPLOADS} such" in RULES


def test_weekly_reminders_come_when_the_table_says() -> None:
    rows = table(RULES, "in the zone", "every")
    assert len(rows) == 5
    for zone, every, after, comes, _ in rows:
        weekday, at = words(every)[0].split()
        weekly = read_weekly(WeeklyTime(weekday=weekday, at=at))
        assert weekly is not None
        goal = GoalReminder(id="g", weekday=weekly[0], minute=weekly[1], since=datetime(2026, 1, 1, tzinfo=UTC))
        [name] = words(zone)
        assert next_reminder(goal, time_zone=name, after=_instant(after)) == _instant(comes), every


def _instant(cell: str) -> datetime:
    return datetime.strptime(cell, "%Y-%m-%d %H:%M %z")
