"""Mails about unread messages, throttled: the first at once, the next of the same chat only after a while.

It runs inside workflows. A change here needs `workflow.patched`, and every recorded history must replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.journey.reminders import Due, mail_due
from rules.mail.kinds import Mail


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a client was told of one chat by mail, and what is still to be told.

    ``seq`` and ``at``: the newest message of the last mail, and when it was ordered. ``waits`` is the newest message
    that no mail has told of (0: none does), and ``due_at`` when one will.
    """

    seq: int = 0
    at: datetime | None = None
    waits: int = 0
    due_at: datetime | None = None


def after_looking(told: Told, *, newest_unread: int, every: timedelta, now: datetime) -> Told:
    """What is to be told after a look at the chat. ``newest_unread``: the number of a message, 0 if all is read.

    Due at once, or ``every`` after the mail before; never about a message that was mailed already.
    """
    if newest_unread <= told.seq:
        return Told(seq=told.seq, at=told.at)
    due_at = now if told.at is None else max(now, told.at + every)
    return Told(seq=told.seq, at=told.at, waits=newest_unread, due_at=due_at)


def after_telling(told: Told, *, now: datetime) -> Told:
    """After the mail about what waits was ordered."""
    return Told(seq=told.waits, at=now)


def put_off(told: Told, *, every: timedelta, now: datetime) -> Told:
    """An earlier mail has not gone out yet, and tells of this message too if it goes; look again later."""
    return Told(seq=told.seq, at=told.at, waits=told.waits, due_at=now + every)


def message_plan(chats: Mapping[str, Told]) -> list[Due]:
    """The mails that are still to be ordered, by chat."""
    return [
        mail_due(Mail.NEW_MESSAGE, told.due_at, f"{chat_id}:{told.waits}", about=chat_id)
        for chat_id, told in chats.items()
        if told.due_at is not None
    ]
