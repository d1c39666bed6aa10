"""Made-up examples that are the same on every run, whatever else the run has imported (Hypothesis)."""

from hypothesis.internal.conjecture import providers


def without_our_constants() -> None:
    """Of the numbers and texts that it makes up, Hypothesis takes some from the source of the project's modules that
    happen to be imported. So a test alone would look at other examples than in the whole run, and every change of the
    product at others than the one before. Hypothesis has no setting for it; a test says so if this no longer works."""
    providers.is_local_module_file = _is_none_of_ours  # type: ignore[assignment,attr-defined]


def _is_none_of_ours(path: str) -> bool:
    return False
