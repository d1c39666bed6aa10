"""Forms, as they are answered."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from models.tables.forms.form import FormRequest
from rules.accounts.caller import Caller
from rules.enums import FormStatus, Role


class FormView(BaseModel):
    """``gates_from``: from when on bookings wait for an intake form that was asked for again; null for one that was
    asked for with the first booking, which gates at once, and for the practice's own, which gate nothing.
    ``entered_by``: who of the practice entered the answers; null if the client's side did."""

    id: UUID
    kind: str
    title: str
    version: int
    status: FormStatus
    requested_at: datetime
    completed_at: datetime | None
    gates_from: datetime | None
    entered_by: str | None


def form_view(form: FormRequest, *, caller: Caller, title: str, answered_by: str | None) -> FormView:
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
        gates_from=form.gates_from,
        entered_by=answered_by if answered_by is not None and _is_of_practice(answered_by) else None,
    )


def _is_of_practice(actor: str) -> bool:
    role = actor.partition(":")[0]
    return role in frozenset(Role) and Role(role).is_practice
