"""Keeping documents, sharing them with clients, and taking them back. The caller commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.care.documents import shares_of
from models.sealing import sealed_values
from models.tables.care.document import Document, DocumentContent, DocumentShare
from models.tables.clients.client import Client
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.enums import ClientStatus
from rules.mail.kinds import Mail
from rules.timeline import FactKind

PIECE = 1024 * 1024  # bytes


async def keep_document(session: AsyncSession, document: Document, content: bytes) -> Document:
    """Keep a document with its bytes, in the running transaction; or the one of this id that is kept already."""
    known = await session.get(Document, document.id)
    if known is not None:
        return known
    session.add(document)
    await session.flush()
    for number, start in enumerate(range(0, len(content), PIECE)):
        piece = content[start : start + PIECE]
        row = DocumentContent(document_id=document.id, number=number, content=piece)
        await session.exec(insert(DocumentContent).values(sealed_values(session, row)))
    return document


async def share_document(
    session: AsyncSession, document: Document, client: Client, *, id: UUID, by: str, at: datetime
) -> DocumentShare | None:
    """Share a document with a client, whose row is locked; the share there is already, by this ``id`` or still live.

    None if it would be a new one and the client is archived.
    """
    made = await session.get(DocumentShare, id)
    if made is not None:
        return made
    for known in await shares_of(session, document.id, client.id):
        if known.unshared_at is None:
            return known
    if client.status is ClientStatus.ARCHIVED:
        return None
    made = DocumentShare(id=id, document_id=document.id, client_id=client.id, shared_by=by, shared_at=at)
    session.add(made)
    tell(
        session,
        client,
        FactKind.DOCUMENT_SHARED,
        at=at,
        by=by,
        text="A document was shared with the client.",
        data={"document_id": str(document.id), "share_id": str(id)},
    )
    mail = client_mail(Mail.DOCUMENT_SHARED, client, str(id), share_id=str(id))
    await order_mails(session, [mail], at=at)
    return made


async def unshare_document(session: AsyncSession, document: Document, client: Client, *, by: str, at: datetime) -> bool:
    """Take a document back from a client, whose row is locked. False if it never was shared with them."""
    shares = await shares_of(session, document.id, client.id)
    for live in shares:
        if live.unshared_at is not None:
            continue
        live.unshared_by, live.unshared_at = by, at
        session.add(live)
        tell(
            session,
            client,
            FactKind.DOCUMENT_UNSHARED,
            at=at,
            by=by,
            text="A document is not shared with the client any more.",
            data={"document_id": str(document.id), "share_id": str(live.id)},
        )
    return bool(shares)
