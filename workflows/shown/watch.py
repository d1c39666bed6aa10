"""Keeping what is shown fresh, also while the story is busy: with a step that asks Stripe, or behind another turn."""

from collections.abc import Callable

from temporalio import workflow


async def keep_shown(state: Callable[[], object], show: Callable[[], None]) -> None:
    """Show, and show again whenever ``state`` has become another. To run beside the story, whose end it does not see.

    However much changes at once, it is shown once.
    """
    while True:
        seen = state()
        show()
        await workflow.wait_condition(lambda seen=seen: state() != seen)  # type: ignore[misc]
