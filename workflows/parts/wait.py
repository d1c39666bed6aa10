"""Timers that outlast changes: a wait ends at a change, its timer only when another instant is awaited."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from temporalio import workflow


class Wait:
    """How a workflow waits. Whatever happens meanwhile is counted, so that every wait notices it.

    ``history_limit`` says after how many events a run should end; ``work_is_left`` whether there is something to do
    without waiting for anything.
    """

    def __init__(self, history_limit: Callable[[], int], *, work_is_left: Callable[[], bool] = lambda: False) -> None:
        self.history_limit = history_limit
        self.work_is_left = work_is_left
        self.changes = 0
        self._instant: datetime | None = None
        self._timer: asyncio.Task[None] | None = None

    def note_change(self) -> None:
        """End every wait: what was awaited is to be looked at anew."""
        self.changes += 1

    async def until(self, instant: datetime | None, *, label: str, though_work_is_left: bool = False) -> bool:
        """Wait for an instant. True if something happened before it came, or if this run should end.

        ``though_work_is_left``: it is that work which cannot be done now.
        """
        seen = self.changes
        if instant is not None and instant <= workflow.now():
            return False
        timer = self._timer_for(instant, label)
        await workflow.wait_condition(
            lambda: (
                self.changes != seen
                or (self.work_is_left() and not though_work_is_left)
                or self.history_is_long()
                or (timer is not None and timer.done())
            )
        )
        # Both may have come in one task: what was awaited must then be looked at anew.
        return self.changes != seen or timer is None or not timer.done()

    def _timer_for(self, instant: datetime | None, label: str) -> "asyncio.Task[None] | None":
        """The one timer: it goes on while the same instant is awaited, whatever happens meanwhile."""
        if self._timer is not None and (self._instant != instant or self._timer.done()):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and instant is not None:
            self._timer = asyncio.create_task(workflow.sleep(instant - workflow.now(), summary=label))
        self._instant = instant
        return self._timer

    def end(self) -> None:
        """Nothing is awaited any more: no timer is left behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def history_is_long(self) -> bool:
        info = workflow.info()
        return info.get_current_history_length() >= self.history_limit() or info.is_continue_as_new_suggested()
