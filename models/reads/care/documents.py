"""Documents as they are read. Who may see one is part of each query.

A document is its therapist's, or the care team's. It is seen by whose it is, and, while it is shared with a client, by
that client and their therapist, and by the care team through an opening. What a therapist has not shared, nobody else
sees: the care team and admins neither.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Exists, exists, false, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import may_see_client, opened, therapist_of
from models.tables.care.document import Document, DocumentContent, DocumentShare
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.enums import Role


@dataclass(frozen=True, kw_only=True)
class SharedDocument:
    """A document as it is shared with one client."""

    document: Document
    share: DocumentShare


def _is_live() -> ColumnElement[bool]:
    return col(DocumentShare.unshared_at).is_(None)


def _is_the_callers(caller: Caller) -> ColumnElement[bool]:
    if caller.role is Role.THERAPIST:
        return col(Document.therapist_id) == therapist_of(caller)
    return col(Document.therapist_id).is_(None) if caller.is_care_team else false()


def may_see_document(caller: Caller, *, now: datetime) -> ColumnElement[bool]:
    """The condition on ``Document`` for this caller."""
    shared = _shared_with(caller).where(opened(caller, OpeningKind.DOCUMENTS, col(Client.id), now=now))
    return or_(_is_the_callers(caller), shared)


def may_take_back(caller: Caller) -> ColumnElement[bool]:
    """The same for whoever only unshares it, which shows nothing of it and so needs no opening."""
    return or_(_is_the_callers(caller), _shared_with(caller))


def _shared_with(caller: Caller) -> Exists:
    """A client whom the caller sees."""
    return exists().where(
        col(DocumentShare.document_id) == col(Document.id),
        _is_live(),
        col(Client.id) == col(DocumentShare.client_id),
        may_see_client(caller),
    )


async def visible_document(
    session: AsyncSession, caller: Caller, document_id: UUID, *, now: datetime
) -> Document | None:
    seen = may_see_document(caller, now=now)
    return (await session.exec(select(Document).where(col(Document.id) == document_id, seen))).first()


async def document_to_take_back(session: AsyncSession, caller: Caller, document_id: UUID) -> Document | None:
    statement = select(Document).where(col(Document.id) == document_id, may_take_back(caller))
    return (await session.exec(statement)).first()


async def shared_first_with(session: AsyncSession, caller: Caller, document_id: UUID) -> UUID | None:
    """The client whom the caller sees with whom a document was shared first, and still is."""
    statement = (
        select(Client.id)
        .join(DocumentShare, col(DocumentShare.client_id) == col(Client.id))
        .where(col(DocumentShare.document_id) == document_id, _is_live(), may_see_client(caller))
        .order_by(col(DocumentShare.shared_at), col(DocumentShare.id))
    )
    return (await session.exec(statement.limit(1))).first()


async def is_the_callers(session: AsyncSession, caller: Caller, document: Document) -> bool:
    """Whether the document is this caller's own: that therapist's, or the care team's."""
    statement = select(Document.id).where(col(Document.id) == document.id, _is_the_callers(caller))
    return (await session.exec(statement)).first() is not None


async def list_documents(session: AsyncSession, caller: Caller, page: Page, *, now: datetime) -> Sequence[Document]:
    """What the caller may see, newest first; one more than the page holds, if there are more."""
    statement = (
        select(Document)
        .where(may_see_document(caller, now=now))
        .order_by(col(Document.uploaded_at).desc(), col(Document.id).desc())
    )
    return await one_page(session, statement, page, Document.uploaded_at, Document.id, descending=True)


async def piece_of(session: AsyncSession, document: Document, number: int) -> bytes | None:
    """A piece of a document that the caller may see, counted from 0; None after the last."""
    piece = await session.get(DocumentContent, (document.id, number))
    return piece.content if piece is not None else None


async def documents_of_client(session: AsyncSession, client: Client, page: Page) -> Sequence[SharedDocument]:
    """What is shared with a client, the newest share first; one more than the page holds, if there are more."""
    statement = (
        select(Document, DocumentShare)
        .join(DocumentShare, col(DocumentShare.document_id) == col(Document.id))
        .where(col(DocumentShare.client_id) == client.id, _is_live())
        .order_by(col(DocumentShare.shared_at).desc(), col(DocumentShare.id).desc())
    )
    found = await one_page(session, statement, page, DocumentShare.shared_at, DocumentShare.id, descending=True)
    return [SharedDocument(document=document, share=share) for document, share in found]


async def clients_shared_with(
    session: AsyncSession, caller: Caller, documents: Collection[UUID]
) -> dict[UUID, list[Client]]:
    """With whom each document is shared now, first share first: those whom the caller may see, or shared it with."""
    statement = (
        select(DocumentShare.document_id, Client)
        .join(Client, col(Client.id) == col(DocumentShare.client_id))
        .where(
            col(DocumentShare.document_id).in_(documents),
            _is_live(),
            or_(may_see_client(caller), col(DocumentShare.shared_by) == caller.actor),
        )
        .order_by(col(DocumentShare.shared_at), col(DocumentShare.id))
    )
    found: dict[UUID, list[Client]] = {id: [] for id in documents}
    for document_id, client in await session.exec(statement):
        found[document_id].append(client)
    return found


async def shares_of(session: AsyncSession, document_id: UUID, client_id: UUID) -> Sequence[DocumentShare]:
    """Every time this document was shared with this client, the latest first; one of them may be live."""
    statement = (
        select(DocumentShare)
        .where(col(DocumentShare.document_id) == document_id, col(DocumentShare.client_id) == client_id)
        .order_by(col(DocumentShare.unshared_at).desc().nulls_first(), col(DocumentShare.id))
    )
    return (await session.exec(statement)).all()


async def is_shared(session: AsyncSession, share_id: UUID, client: Client) -> bool:
    """Whether this share with the client is still live."""
    known = await session.get(DocumentShare, share_id)
    return known is not None and known.client_id == client.id and known.unshared_at is None
