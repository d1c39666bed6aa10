"""The current details of a workflow: what it tells of itself, and notes of what people tried in vain."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from temporalio import workflow

_NOTES = 3
_LONGEST_NOTE = 500
_NO_WORDS = "What stands here could not be put into words; the log of the worker says why. The workflow itself goes on."


@dataclass
class _Details:
    text: str = ""
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTES))

    def show(self) -> None:
        first, _, rest = self.text.partition("\n\n")  # who it is about comes first, then what went wrong just now
        lines = [f"> {note}" for note in self.notes]
        workflow.set_current_details("\n\n".join(part for part in (first, *lines, rest) if part))


def show(describe: Callable[[], str]) -> None:
    """Show this as the details of the workflow that runs, with the notes of this run below the first line.

    Words that cannot be found never hold up what they are about: any error would fail the workflow's task for ever.
    """
    details = _of_this_workflow()
    try:
        details.text = describe()
    except Exception:  # noqa: BLE001 - as said above
        workflow.logger.exception("the details could not be described")
        details.text = _NO_WORDS
    details.show()


def note(text: str) -> None:
    """Add a note, with its time. The newest few are shown, until the next run begins."""
    details = _of_this_workflow()
    details.notes.append(f"{workflow.now():%a %d %b %Y %H:%M} UTC: {text}"[:_LONGEST_NOTE])
    details.show()


def _of_this_workflow() -> _Details:
    """Kept with the workflow, not with this module, which all workflows share."""
    found: _Details = vars(workflow.instance()).setdefault("_details", _Details())
    return found
