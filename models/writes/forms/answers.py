"""Keeping what was answered, and completing its form. The client's row is locked."""

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealing import sealed_values
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.signed_copy import KeptCopy
from rules.enums import FormStatus


async def keep_answer(
    session: AsyncSession, form: FormRequest, answer: FormAnswer, copy: KeptCopy, *, at: datetime
) -> None:
    """The answer with its copy, and the form as complete, which is there already. In one statement: what refers to what
    is checked at its end."""
    whole = {"status": FormStatus.COMPLETE, "completed_at": at}
    said = insert(FormAnswer).values(sealed_values(session, answer)).cte("said")
    completed = update(FormRequest).where(col(FormRequest.id) == form.id).values(whole).cte("completed")
    kept = insert(KeptCopy).values(sealed_values(session, copy)).add_cte(said, completed)
    await session.exec(kept)
    for name, value in whole.items():
        set_committed_value(form, name, value)
