"""Making an archived client active again, inside the running transaction: by hand, or with a booking."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.clients.tasks import open_task_once
from models.reads.booking.waitlist import released_places
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.forms.form import FormRequest
from models.writes.timeline import tell
from rules.enums import ClientStatus, FormStatus, TaskKind
from rules.timeline import FactKind


async def done_by(session: AsyncSession, client: Client, kind: str, request_id: str) -> Fact | None:
    """The archive or unarchive that this very request has made before, whatever came after it."""
    told = select(Fact).where(
        col(Fact.client_id) == client.id,
        col(Fact.kind) == kind,
        col(Fact.data)["request_id"].astext == request_id,
    )
    return (await session.exec(told)).first()


async def made_active_by(session: AsyncSession, client: Client, request_id: str) -> bool:
    """Whether the latest unarchiving was this request's."""
    latest = (
        select(Fact)
        .where(col(Fact.client_id) == client.id, col(Fact.kind) == FactKind.UNARCHIVED)
        .order_by(col(Fact.seq).desc())
        .limit(1)
    )
    fact = (await session.exec(latest)).first()
    return fact is not None and fact.data.get("request_id") == request_id


async def make_active(
    session: AsyncSession,
    client: Client,
    *,
    by: str,
    at: datetime,
    request_id: str,
    restored: Mapping[str, Any] | None = None,
) -> Fact:
    """Unarchive: suspended forms are asked for again, and places on waitlists that the archive released are taken up
    again, as the client sees them all the while. The client's row is locked. The fact tells what was ``restored``.
    """
    for place in await released_places(session, client_id=client.id, now=at):
        if place.therapist_id == client.therapist_id:
            place.ended_at, place.ended_because = None, None
            session.add(place)
    await session.flush()
    client.status, client.archived_at, client.archive_record = ClientStatus.ACTIVE, None, None
    for form in await session.exec(
        select(FormRequest).where(
            col(FormRequest.client_id) == client.id, col(FormRequest.status) == FormStatus.SUSPENDED
        )
    ):
        form.status = FormStatus.REQUESTED
        session.add(form)
    fact = tell(
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
    return fact
