"""Telling programs of events."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class WebhooksDelivered:
    """``on``: whether the endpoint is told anything still. ``look_at``: when something more is due; None while nothing
    waits. ``more``: there is more to do now."""

    on: bool
    look_at: datetime | None = None
    more: bool = False
