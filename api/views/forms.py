"""Forms, as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from models.tables.forms.form import FormRequest
from rules.accounts.caller import Caller
from rules.enums import FormStatus


class FormView(BaseModel):
    id: UUID
    kind: str
    title: str
    version: int
    status: FormStatus
    requested_at: datetime
    completed_at: datetime | None


def form_view(form: FormRequest, *, caller: Caller, title: str) -> FormView:
    status = form.status
    if status is FormStatus.SUSPENDED and not caller.is_practice:
        status = FormStatus.REQUESTED
    return FormView(
        id=form.id,
        kind=form.kind,
        title=title,
        version=form.version,
        status=status,
        requested_at=form.requested_at,
        completed_at=form.completed_at,
    )
