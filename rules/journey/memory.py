"""What a client's journey knows, and no table does."""

from dataclasses import dataclass, field
from datetime import datetime

from rules.care.chats import Told
from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class JourneyMemory:
    """``policy``: the settings with which the journey began. ``reminded``: which instant of each goal, by id, it acted
    on last. ``chats``: what it told of each chat, by id, and what is still to be told."""

    policy: JourneyPolicy
    reminded: dict[str, datetime] = field(default_factory=dict)
    chats: dict[str, Told] = field(default_factory=dict)
