"""Goals, and what waits in chats."""

from dataclasses import dataclass, field

from activities.types.words import WORDS
from rules.accounts.caller import Caller
from rules.enums import GoalStatus
from rules.journey.goals import WeeklyTime


@dataclass(frozen=True, kw_only=True)
class GoalOrder:
    request_id: str
    client_id: str
    by: Caller
    text: str = field(default="", metadata=WORDS)
    remind: WeeklyTime | None = None
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class GoalChange:
    """What is not said stays; ``no_reminder`` takes the reminder away."""

    request_id: str
    client_id: str
    by: Caller
    goal_id: str
    text: str | None = field(default=None, metadata=WORDS)
    remind: WeeklyTime | None = None
    no_reminder: bool = False
    status: GoalStatus | None = None
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChatLook:
    client_id: str
    chat_id: str
