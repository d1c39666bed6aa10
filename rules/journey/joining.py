"""What the journey of a record takes over when another record of the same person is joined into it.

It runs inside workflows. A change here needs `workflow.patched`, and every recorded history must replay.
"""

from dataclasses import dataclass

from rules.journey.message_mails import Told


@dataclass(frozen=True, kw_only=True)
class MovedChat:
    """Where the messages of a chat are now: mostly in another chat, each with its number and ``behind`` more."""

    chat_id: str
    behind: int


def told_afterwards(theirs: Told, *, mine: Told, behind: int) -> Told:
    """What somebody was told of a chat by mail, after another's messages were moved behind its own.

    What waited to be told has to be looked for again; it is told of with all that is behind it.
    """
    at = max((told.at for told in (theirs, mine) if told.at is not None), default=None)
    return Told(seq=behind + theirs.seq if theirs.seq and not mine.waits else mine.seq, at=at)
