"""The forms that clients were asked for, and those they have still to complete."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.form import FormRequest
from rules.enums import FormKind, FormStatus
from rules.forms.intake import INTAKE_FORMS, outstanding


async def outstanding_forms(session: AsyncSession, clients: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The intake forms each client has still to complete."""
    statement = select(FormRequest.client_id, FormRequest.kind, FormRequest.version).where(
        col(FormRequest.client_id).in_(clients), col(FormRequest.status) == FormStatus.COMPLETE
    )
    complete: dict[UUID, dict[str, int]] = {client_id: {} for client_id in clients}
    for client_id, kind, version in await session.exec(statement):
        complete[client_id][kind] = max(version, complete[client_id].get(kind, 0))
    return {client_id: outstanding(versions) for client_id, versions in complete.items()}


async def forms_of(session: AsyncSession, client_id: UUID) -> Sequence[FormRequest]:
    """A client's forms as they were asked for; those of one moment in the order in which they are filled in."""
    order = list(INTAKE_FORMS)
    found = await session.exec(select(FormRequest).where(col(FormRequest.client_id) == client_id))

    def place(form: FormRequest) -> tuple[datetime, int, str, int]:
        known = form.kind in INTAKE_FORMS
        return form.requested_at, order.index(FormKind(form.kind)) if known else len(order), form.kind, form.version

    return sorted(found, key=place)
