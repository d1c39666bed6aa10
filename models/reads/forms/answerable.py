"""Which form, in which version, a client answers now."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.requests import asked_of
from models.reads.forms.texts import newest_text, text_of
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText


async def to_be_answered(
    session: AsyncSession, client_id: UUID, kind: str
) -> tuple[FormRequest | None, PracticeText] | None:
    """The newest asking, and its questions. An intake form may also be answered before anybody asked for it: in its
    newest version. None for any other that nobody asked for."""
    asked = await asked_of(session, client_id, kind)
    form = asked[-1] if asked else None
    template = await (text_of(session, kind=kind, version=form.version) if form else newest_text(session, kind))
    if template is None or (form is None and not template.is_intake):
        return None
    return form, template
