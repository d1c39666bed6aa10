"""What a journey takes over with a record that is joined into its own."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.journey.joining import told_afterwards
from rules.journey.message_mails import Told

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("theirs", "mine", "after"),
    [
        (Told(), Told(), Told()),
        (Told(seq=2, at=NINE), Told(), Told(seq=5, at=NINE)),  # behind three messages that were read
        (Told(seq=2, at=NINE), Told(seq=1, at=NINE + timedelta(hours=1)), Told(seq=5, at=NINE + timedelta(hours=1))),
        (Told(waits=2, due_at=NINE), Told(seq=3, at=NINE), Told(seq=3, at=NINE)),
        # What the record itself was still to be told is told of after all, with what is behind it.
        (Told(seq=2, at=NINE), Told(seq=1, at=NINE, waits=3, due_at=NINE), Told(seq=1, at=NINE)),
    ],
)
def test_what_was_mailed_about_a_chat_is_known_of_the_one_that_its_messages_are_in(
    theirs: Told, mine: Told, after: Told
) -> None:
    assert told_afterwards(theirs, mine=mine, behind=3) == after
