"""Timers that end early: at a change, or when a run has grown long and the workflow should continue as new."""

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from rules.policy import JourneyPolicy


class Wait:
    """How a workflow waits. Whatever happens meanwhile is counted, so that every wait notices it.

    ``work_is_left`` says whether there is something to do without waiting for anything.
    """

    def __init__(self, policy: JourneyPolicy, *, work_is_left: Callable[[], bool] = lambda: False) -> None:
        self.policy = policy
        self.work_is_left = work_is_left
        self.changes = 0

    def note_change(self) -> None:
        """End every wait: what was awaited is to be looked at anew."""
        self.changes += 1

    async def until(self, instant: datetime | None, *, label: str) -> bool:
        """Wait for an instant. True if something happened before it came, or if this run should end."""
        seen = self.changes
        timeout = None if instant is None else instant - workflow.now()
        if timeout is not None and timeout.total_seconds() <= 0:
            return False
        try:
            await workflow.wait_condition(
                lambda: self.changes != seen or self.work_is_left() or self.history_is_long(),
                timeout=timeout,
                timeout_summary=label,
            )
        except TimeoutError:
            # Both may have come in one task: what was awaited must then be looked at anew.
            return self.changes != seen
        return True

    def history_is_long(self) -> bool:
        info = workflow.info()
        return info.get_current_history_length() >= self.policy.history_limit or info.is_continue_as_new_suggested()
