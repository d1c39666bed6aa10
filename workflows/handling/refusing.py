"""Refusals on their way out of a workflow: an update that is refused fails, so that nobody takes it for done."""

from collections.abc import Iterable
from dataclasses import asdict

from temporalio import exceptions, workflow

from workflows.handling.binding import Flaw

with workflow.unsafe.imports_passed_through():
    from rules.refusals import NEUTRAL, Problem, Refusal

_LONGEST = 700  # of a sentence that the UI shows in one line


def refused(refusal: Refusal, *, sentence: str | None = None) -> exceptions.ApplicationError:
    """The failure of an update. Its sentence stands in the clear, and so says nothing of anybody; what the refusal
    itself tells are its details, which are encrypted, and of which the API makes its problem."""
    return exceptions.ApplicationError(
        (sentence or NEUTRAL[refusal.name])[:_LONGEST],
        asdict(refusal),
        type=refusal.name.value,
        non_retryable=True,
        category=exceptions.ApplicationErrorCategory.BENIGN,
    )


def unsound(flaws: Iterable[Flaw], *, hint: str = "") -> exceptions.ApplicationError:
    """The failure of an update whose input cannot be accepted, each field named. ``hint`` says what would be."""
    found = list(flaws)
    told = "; ".join(f"{flaw.field} {flaw.message}" for flaw in found)
    return refused(
        Refusal(
            name=Problem.VALIDATION_FAILED,
            detail="; ".join(f"{flaw.field}: {flaw.message}" for flaw in found),
            data={"errors": [{"field": flaw.field, "message": flaw.message} for flaw in found]},
        ),
        sentence=f"Not accepted, and nothing was changed: {told}.{hint}",
    )
