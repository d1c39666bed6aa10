"""The current details of a workflow: what it tells of itself, and notes of what people tried in vain."""

from collections import deque
from dataclasses import dataclass, field

from temporalio import workflow

_NOTES = 3
_LONGEST_NOTE = 500


@dataclass
class _Details:
    text: str = ""
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTES))

    def show(self) -> None:
        lines = [f"> {note}" for note in self.notes]
        workflow.set_current_details("\n\n".join(part for part in (self.text, *lines) if part))


def show(text: str) -> None:
    """Show this as the details of the workflow that runs, with the notes of this run below."""
    details = _of_this_workflow()
    details.text = text
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
