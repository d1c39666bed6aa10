"""What is read before a form is answered: its own text, and what its agreement is to. Both come from here alone."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.text import PracticeText
from rules.forms.intake import BILLING_INFO, FEE_POLICY_TEXT
from rules.forms.wording import worded
from rules.money.terms import Terms


def body_of(template: PracticeText) -> str:
    """The form's own text, as people read it; empty without one."""
    return worded(template.body, Terms.read(template.terms)) if template.terms else template.body


async def what_was_read(session: AsyncSession, template: PracticeText) -> str:  # noqa: ARG001 - a text is a row
    """The text beside it to which the form's agreement is given, as people read it; empty for a form that has none."""
    return FEE_POLICY_TEXT if template.kind == BILLING_INFO else ""
