"""Keeping what is shown fresh, also while the story is busy: with a step that asks Stripe, or behind another turn."""

from collections.abc import Callable

from temporalio import workflow

_NO_WORDS = "What stands here could not be put into words; the log of the worker says why. The workflow itself goes on."


async def keep_shown(state: Callable[[], object], show: Callable[[], None]) -> None:
    """Show, and show again whenever ``state`` has become another. To run beside the story, whose end it does not see.

    However much changes at once, it is shown once.
    """
    while True:
        seen = state()
        show()
        await workflow.wait_condition(lambda seen=seen: state() != seen)  # type: ignore[misc]


def in_words(describe: Callable[[], str]) -> str:
    """The details, or a sentence in their place: words that cannot be found must not hold up what they are about."""
    try:
        return describe()
    except Exception:  # noqa: BLE001 - whatever it is, it would fail the workflow task for ever
        workflow.logger.exception("the details could not be described")
        return _NO_WORDS
