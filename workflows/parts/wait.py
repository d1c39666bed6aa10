"""How both journeys wait: for an instant, for news, and for the end of a run that has grown long."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from rules.policy import JourneyPolicy


class Pace:
    """Waiting, for a workflow that counts its ``news``."""

    policy: JourneyPolicy
    news: int

    def is_needed(self) -> bool:
        """Whether there is something to do besides what comes as news."""
        return False

    async def wait(self, *, until: datetime | None, label: str) -> bool:
        """Wait for an instant. True if something happened before it came, or if this run should end."""
        seen = self.news
        timeout = None if until is None else until - workflow.now()
        if timeout is not None and timeout.total_seconds() <= 0:
            return False
        try:
            await workflow.wait_condition(
                lambda: self.news != seen or self.is_needed() or self.history_is_long(),
                timeout=timeout,
                timeout_summary=label,
            )
        except TimeoutError:
            # Both may have come in one task: what was awaited must then be looked at anew.
            return self.news != seen
        return True

    def history_is_long(self) -> bool:
        info = workflow.info()
        return info.get_current_history_length() >= self.policy.history_limit or info.is_continue_as_new_suggested()
