"""Many clients moved to a group at once: how many, and what becomes of each."""

from enum import StrEnum

MOST_MOVED = 1000
AT_ONCE = 50  # whose rows are locked together, so that nobody's journey waits for all of them

CLOSED = "The record was closed or joined to another one, or is another therapist's by now."


class MoveResult(StrEnum):
    MOVED = "moved"
    ALREADY = "already"
    LEFT_OUT = "left_out"
