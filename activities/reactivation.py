"""Making an archived client active again, inside the running transaction: by hand, or with a booking."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.tasks import open_task_once
from models.reads.booking.waitlist import released_places
from models.tables.clients.client import Client
from models.tables.forms.form import FormRequest
from models.writes.outbox import resume_mails
from models.writes.timeline import tell
from rules.enums import ClientStatus, FormStatus, TaskKind
from rules.timeline import FactKind


async def make_active(
    session: AsyncSession,
    client: Client,
    *,
    by: str,
    at: datetime,
    request_id: str,
    restored: Mapping[str, Any] | None = None,
) -> None:
    """Unarchive: suspended forms are asked for again, and places on waitlists that the archive released are taken up
    again, as the client sees them all the while. The client's row is locked. The fact tells what was ``restored``.
    """
    for place in await released_places(session, client_id=client.id, now=at):
        if place.therapist_id == client.therapist_id:
            place.ended_at, place.ended_because = None, None
            session.add(place)
    await session.flush()
    client.status, client.archived_at, client.archive_record = ClientStatus.ACTIVE, None, None
    client.active_since = at
    await resume_mails(session, client.id, at=at)
    for form in await session.exec(
        select(FormRequest).where(
            col(FormRequest.client_id) == client.id, col(FormRequest.status) == FormStatus.SUSPENDED
        )
    ):
        form.status = FormStatus.REQUESTED
        session.add(form)
    tell(
        session,
        client,
        FactKind.UNARCHIVED,
        at=at,
        by=by,
        text="The client was made active again.",
        data={"request_id": request_id, **(restored or {})},
    )
    if client.therapist_id is None:
        # The archive closed the matching task; the client waits for a therapist once more.
        await open_task_once(
            session,
            client,
            key=f"match_by_hand:{client.id}:{request_id}",
            kind=TaskKind.MATCH_BY_HAND,
            text=f"Client {client.ref} is active again and has no therapist; please match by hand.",
            at=at,
        )
