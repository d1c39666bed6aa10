"""What a client's journey knows, and no table does.

The answer of a query, from what is carried from run to run: a new field needs a default. A change of what is remembered
needs `workflow.patched`, and every recorded history must replay.
"""

from dataclasses import dataclass, field
from datetime import datetime

from rules.journey.message_mails import Told
from rules.policy import JourneyPolicy


@dataclass(frozen=True, kw_only=True)
class JourneyMemory:
    """``policy``: the settings with which the journey began. ``reminded``: which instant of each goal, by id, it acted
    on last. ``chats``: what it told of each chat, by id, and what is still to be told."""

    policy: JourneyPolicy
    reminded: dict[str, datetime] = field(default_factory=dict)
    chats: dict[str, Told] = field(default_factory=dict)
