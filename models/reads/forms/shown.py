"""What is read before a form is answered: its own text, and what its agreement is to. Both come from here alone."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.texts import fee_policy_of, read_as
from models.tables.forms.text import PracticeText
from rules.forms.signed import Read


def body_of(template: PracticeText) -> str:
    """The form's own text, as people read it; empty without one."""
    return read_as(template) if template.body else ""


async def what_was_read(session: AsyncSession, template: PracticeText) -> Read | None:
    """The text beside it to which the form's agreement is given, as people read it; None for a form that has none."""
    policy = await fee_policy_of(session, template)
    return Read(title=policy.title, version=policy.version, body=read_as(policy)) if policy is not None else None
