"""Documents: kept by the practice, shared with clients and taken back, and always saved to a file, never shown."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from fastapi import APIRouter, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.shown import shows_clients
from api.accounts.openings import closed, must_be_open
from api.accounts.portal import must_be_on
from api.bodies import Body
from api.deps import ByTime, Known, Now, Practice, RequestId, Services, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, refusals, refuse, responses
from api.routes.care.downloads import download
from api.routes.care.uploads import read_upload, upload_form
from api.views.care import DocumentView, ShareView, document_view
from api.views.lists import Listed, cut, listed
from models.reads.booking.therapists import therapist_by_slug
from models.reads.care import documents
from models.reads.clients.clients import visible_client
from models.tables.care.document import Document, DocumentShare
from models.tables.clients.client import Client
from models.writes.care.documents import keep_document, share_document, unshare_document
from models.writes.locks import lock_client, lock_open_client
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.refusals import Problem
from workflows.messages import OUTBOX_FILLED, journey_id

router = APIRouter(
    prefix="/v1", tags=["documents"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.DOCUMENTS)]
)

_A_FILE = shows(AccessKind.DOCUMENTS, AccessEvent.EXPORT)


# ---------------------------------------------------------------- the practice's documents


@router.post(
    "/documents",
    status_code=201,
    summary="Keep a document, of 10 MB at most",
    response_model_exclude_unset=True,
    responses={**responses(), 413: refusals("The file has more than 10 MB", [Problem.VALIDATION_FAILED])},
    openapi_extra=upload_form(title="The file's name, if left out."),
)
async def upload_document(
    *, request: Request, services: Svc, caller: Practice, request_id: RequestId, now: Now
) -> DocumentView:
    """A therapist's document is theirs, anybody else's is the care team's. What it is, is told by its content."""
    async with (
        read_upload(request, services.uploads, lines=("title",)) as file,
        services.sessions() as session,
    ):
        therapist = await therapist_by_slug(session, caller.therapist) if caller.therapist else None
        row = Document(
            id=uuid5(request_id, "document"),
            therapist_id=therapist.id if therapist else None,
            title=file.said.get("title", file.filename),
            filename=file.filename,
            content_type=file.content_type,
            size=len(file.content),
            sha256=file.sha256,
            uploaded_by=caller.actor,
            uploaded_at=now,
        )
        document = await keep_document(session, row, file.content)
        await session.commit()
        shared = await documents.clients_shared_with(session, caller, [document.id])
    return document_view(document, caller=caller, shared_with=shared[document.id])


@router.get(
    "/documents",
    summary="The documents that the caller may see, newest first",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_documents(*, services: Svc, caller: Practice, page: ByTime, now: Now) -> Listed[DocumentView]:
    """For the care team: its own, and those of clients whose documents are open to it."""
    async with services.sessions() as session:
        rows, last = cut(await documents.list_documents(session, caller, page, now=now), page)
        shared = await documents.clients_shared_with(session, caller, [row.id for row in rows])
    views = [document_view(row, caller=caller, shared_with=shared[row.id]) for row in rows]
    return listed(views, (last.uploaded_at, last.id) if last else None)


@router.get(
    "/documents/{document_id}",
    summary="One document, without its content",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def get_document(*, document_id: UUID, services: Svc, caller: Known, now: Now) -> DocumentView:
    document, shared_with = await _seen(services, caller, document_id, now=now)
    return document_view(document, caller=caller, shared_with=shared_with)


@router.head("/documents/{document_id}/content", include_in_schema=False, dependencies=[_A_FILE])
@router.get(
    "/documents/{document_id}/content",
    dependencies=[_A_FILE],
    summary="The file itself, to be saved",
    response_class=Response,
    responses={
        **responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
        200: {"description": "The bytes as they were uploaded"},
    },
)
async def download_document(*, request: Request, document_id: UUID, services: Svc, caller: Known, now: Now) -> Response:
    document, shared_with = await _seen(services, caller, document_id, now=now)
    shows_clients(*(client.id for client in shared_with))
    return download(
        request,
        services,
        partial(documents.piece_of, document=document),
        filename=document.filename,
        content_type=document.content_type,
        size=document.size,
    )


async def _seen(
    services: Services, caller: Caller, document_id: UUID, *, now: datetime
) -> tuple[Document, Sequence[Client]]:
    """The document, and the clients it is shared with. Raises Refused: not found, closed, or switched off for the
    client."""
    async with services.sessions() as session:
        document = await _must_see(session, caller, document_id, now=now)
        shared_with = (await documents.clients_shared_with(session, caller, [document_id]))[document_id]
    if not caller.is_practice:
        must_be_on(shared_with[0], caller, "documents")  # the client who asks: no other is seen
    return document, shared_with


async def _must_see(session: AsyncSession, caller: Caller, document_id: UUID, *, now: datetime) -> Document:
    """Raises Refused: not found, or, of what is shared with a client whom the caller sees, closed."""
    row = await documents.visible_document(session, caller, document_id, now=now)
    if row is None and caller.is_care_team:
        whose = await documents.shared_first_with(session, caller, document_id)
        if whose is not None:
            raise closed(caller, OpeningKind.DOCUMENTS, whose)
    return must_find("document", row)


# ---------------------------------------------------------------- sharing


class ShareBody(Body):
    client_id: UUID


@router.post(
    "/documents/{document_id}/shares",
    status_code=201,
    summary="Share a document with a client",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED, Problem.OPENING_REQUIRED),
)
async def add_document_share(
    *, document_id: UUID, body: ShareBody, services: Svc, caller: Practice, request_id: RequestId, now: Now
) -> ShareView:
    """The client is told by mail that a document waits. Sharing it twice is one share."""
    async with services.sessions() as session:
        client = await lock_open_client(session, caller, body.client_id)
        document = await _must_see(session, caller, document_id, now=now)
        if client is None:
            raise not_found("client")
        made = await share_document(session, document, client, id=uuid5(request_id, "share"), by=caller.actor, at=now)
        if made is None:
            raise refuse(Problem.CLIENT_ARCHIVED, "This client is archived: nothing can be shared with them newly.")
        await session.commit()
    await _tell(services, made)
    return ShareView.of(made)


async def _tell(services: Services, made: DocumentShare) -> None:
    """Have the journey deliver the mail about it. It is sent once per share; a closed journey has nobody to write to.

    Raises EngineUnavailable when the engine is away: the share is kept by then, and the same request again tells.
    """
    await services.engine.signal(journey_id(str(made.client_id)), OUTBOX_FILLED)


@router.delete(
    "/documents/{document_id}/shares/{client_id}",
    status_code=204,
    summary="Take a document back from a client",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_document_share(
    *, document_id: UUID, client_id: UUID, services: Svc, caller: Practice, now: Now
) -> None:
    """Whose it is takes it back from whomever. From clients whom they see, also the care team, and who shared it."""
    async with services.sessions() as session:
        document = await _to_be_taken_back(session, caller, document_id, client_id)
        client = await lock_client(session, client_id)
        if not await unshare_document(session, document, client, by=caller.actor, at=now):
            raise not_found("share")
        await session.commit()


async def _to_be_taken_back(session: AsyncSession, caller: Caller, document_id: UUID, client_id: UUID) -> Document:
    """The document, if it was shared with this client and the caller may take it back. Raises Refused."""
    document = must_find("document", await documents.document_to_take_back(session, caller, document_id))
    owned = await documents.is_the_callers(session, caller, document)
    if not owned and await visible_client(session, caller, client_id) is None:
        raise not_found("client")
    shares = await documents.shares_of(session, document_id, client_id)
    if not shares:
        raise not_found("share")
    if not (owned or caller.is_care_team or shares[0].shared_by == caller.actor):
        detail = "A document is taken back by whose it is, by who shared it, or by the care team."
        raise refuse(Problem.NOT_ALLOWED, detail)
    return document


@router.get(
    "/clients/{client_id}/documents",
    summary="What is shared with a client, the newest share first",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def list_client_documents(
    *, client_id: UUID, services: Svc, caller: Known, page: ByTime, now: Now
) -> Listed[DocumentView]:
    client = await must_see_client(services, caller, client_id)
    must_be_on(client, caller, "documents")
    async with services.sessions() as session:
        await must_be_open(session, caller, OpeningKind.DOCUMENTS, client_id, now=now)
        rows, last = cut(await documents.documents_of_client(session, client, page), page)
        shared = await documents.clients_shared_with(session, caller, [row.document.id for row in rows])
    views = [
        document_view(row.document, caller=caller, shared_with=shared[row.document.id], share=row.share) for row in rows
    ]
    return listed(views, (last.share.shared_at, last.share.id) if last else None)
