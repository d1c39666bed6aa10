"""Open times; and dates of a booking or a move that are not free, or only the practice could take."""

from datetime import datetime

from pydantic import BaseModel


class SlotView(BaseModel):
    starts_at: datetime
    ends_at: datetime


class ClosureInTheWay(BaseModel):
    """A day on which the practice is closed."""

    date: str
    name: str


class SetAsideView(BaseModel):
    """A date that only the practice could take, and which rules were set aside for it. ``week`` counts from 1."""

    week: int
    starts_at: datetime
    because: str
    outside_busy: bool = False


class SkippedDateView(BaseModel):
    """A date that is not free, and at most three other times in its week. ``week`` counts from 1."""

    week: int
    starts_at: datetime
    because: str
    closure: ClosureInTheWay | None = None
    alternatives: list[SlotView]
