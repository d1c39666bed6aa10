"""Mails that were sent, found again by what a mail service says of them; whose they are, and what waits about them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import OutboxItem
from rules.accounts.caller import fold_email
from rules.enums import TaskKind


async def find_mail(session: AsyncSession, *, key: str | None, message_id: str | None) -> OutboxItem | None:
    """The mail with this key, else the one that the mail service gave this id."""
    mail = await session.get(OutboxItem, key) if key else None
    if mail is None and message_id:
        mail = (await session.exec(select(OutboxItem).where(col(OutboxItem.message_id) == message_id))).first()
    return mail


async def unhandled_events(session: AsyncSession, ids: Collection[str]) -> set[str]:
    """Those of these stored events that nobody has acted on yet."""
    open_still = select(InboundEvent.id).where(col(InboundEvent.id).in_(ids), col(InboundEvent.handled_at).is_(None))
    return set((await session.exec(open_still)).all())


async def whom_it_is_about(session: AsyncSession, mail: OutboxItem) -> Client | None:
    """The client whose record or account a mail is about; None of one to somebody of the practice about themselves."""
    named = mail.order.get("client_id")
    client_id = mail.client_id or (UUID(named) if named else None)
    return await person_of(session, client_id) if client_id else None


async def person_of(session: AsyncSession, client_id: UUID) -> Client | None:
    """The client, or the person's own record if this one was joined to it."""
    client = await session.get(Client, client_id)
    seen = set[UUID]()
    while client is not None and client.joined_into is not None and client.id not in seen:
        seen.add(client.id)
        client = await session.get(Client, client.joined_into)
    return client


async def open_task_about(session: AsyncSession, *, prefix: str) -> Task | None:
    """An open task about mails that do not arrive, whose key begins so."""
    statement = select(Task).where(
        col(Task.kind) == TaskKind.MAIL_UNDELIVERABLE,
        col(Task.key).startswith(prefix, autoescape=True),
        col(Task.resolved_at).is_(None),
    )
    return (await session.exec(statement)).first()


async def therapist_at(session: AsyncSession, address: str) -> Therapist | None:
    """The therapist who has this address now, in whatever case it is written."""
    statement = (
        select(Therapist).where(func.lower(col(Therapist.email)) == address.lower()).order_by(col(Therapist.slug))
    )
    return next((one for one in await session.exec(statement) if fold_email(one.email) == fold_email(address)), None)
