"""Forms, as they are answered."""

from datetime import datetime
from uuid import UUID

from api.views.base import View
from models.tables.forms.form import FormRequest
from models.tables.forms.upload import FormUpload
from rules.accounts.caller import Caller
from rules.enums import FormStatus, Role


class FormView(View):
    """``gates_from``: from when on bookings wait for an intake form that was asked for again; null for one that was
    asked for with the first booking, which gates at once, and for the practice's own, which gate nothing.
    ``entered_by``: who of the practice entered the answers; null if the client's side did. ``begun_at``: of one that is
    not complete, when a draft of its answers was saved last; null without one."""

    id: UUID
    kind: str
    title: str
    version: int
    status: FormStatus
    requested_at: datetime
    completed_at: datetime | None
    gates_from: datetime | None
    entered_by: str | None
    begun_at: datetime | None


def form_view(
    form: FormRequest, *, caller: Caller, title: str, answered_by: str | None, begun_at: datetime | None
) -> FormView:
    status = form.status
    if status is FormStatus.SUSPENDED and not caller.is_practice:
        status = FormStatus.REQUESTED
    begun = None if status is FormStatus.COMPLETE else begun_at
    return FormView.of(form, title=title, status=status, entered_by=entered_by(answered_by), begun_at=begun)


def entered_by(actor: str | None) -> str | None:
    """Who it was, if somebody of the practice."""
    role = (actor or "").partition(":")[0]
    return actor if role in frozenset(Role) and Role(role).is_practice else None


class FormFileView(View):
    """A file for the question ``field`` of a form. Answers name it by its ``id``; ``size`` in bytes."""

    id: UUID
    kind: str
    field: str
    filename: str
    content_type: str
    size: int
    sha256: str
    uploaded_at: datetime


def form_file_view(upload: FormUpload) -> FormFileView:
    return FormFileView.of(upload)
