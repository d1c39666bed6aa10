"""What is read before a form is answered: its own text, and what its agreement is to. Both come from here alone."""

from models.reads.forms.texts import read_as
from models.tables.forms.text import PracticeText
from rules.forms.signed import Read


def body_of(template: PracticeText) -> str:
    """The form's own text, as people read it; empty without one."""
    return read_as(template) if template.body else ""


def what_was_read(policy: PracticeText | None) -> Read | None:
    """The text beside a form to which its agreement is given, as people read it; None for a form that has none."""
    return Read(title=policy.title, version=policy.version, body=read_as(policy)) if policy is not None else None
