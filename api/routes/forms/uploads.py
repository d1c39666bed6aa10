"""Files for a field of a form: checked like documents, and part of the record once answers name them."""

from functools import partial
from uuid import UUID, uuid5

from fastapi import APIRouter, Request, Response

from api.access_log.declared import shows
from api.accounts.portal import must_be_on
from api.deps import Known, Now, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, not_found, refusals, responses, wrong_fields
from api.routes.care.downloads import download
from api.routes.care.uploads import read_upload, upload_form
from api.routes.forms.answerable import must_be_answerable, must_be_shown
from api.views.forms import FormFileView, form_file_view
from models.reads.forms.uploads import upload_piece, uploads_of, waiting_uploads
from models.tables.forms.text import PracticeText
from models.tables.forms.upload import FormUpload
from models.writes.forms.uploads import keep_upload
from models.writes.locks import lock_open_client
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.budgets import refuse_above
from rules.forms.drafts import DRAFTS_KEPT, MOST_UPLOADS
from rules.forms.fields import FieldType, FormField, field_at
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["forms"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.FORMS)])

_A_FILE = shows(AccessKind.FORMS, AccessEvent.EXPORT)
_LINES = {
    "kind": "Of the form.",
    "field": "The name of the question; of one in a group with the group's before it, such as `cover.card`.",
}


@router.post(
    "/clients/{client_id}/uploads",
    status_code=201,
    summary="Upload a file for a field of a form, of 10 MB at most",
    responses={
        **responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
        413: refusals("The file has more than 10 MB", [Problem.VALIDATION_FAILED]),
    },
    openapi_extra=upload_form(required=tuple(_LINES), **_LINES),
)
async def upload_form_file(
    *, request: Request, client_id: UUID, services: Svc, caller: Known, request_id: RequestId, now: Now
) -> FormFileView:
    """The answers name it by its id. One that none names is gone after 30 days. What it is, is told by its content."""
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    reading = read_upload(request, services.uploads, lines=tuple(_LINES), required=tuple(_LINES))
    async with reading as file, services.sessions() as session:
        if await lock_open_client(session, caller, client_id) is None:
            raise not_found("client")
        kind, path = file.said["kind"], file.said["field"]
        _, template = await must_be_answerable(session, client_id, kind)
        _must_take(template, path, file.content_type)
        id = uuid5(request_id, "upload")
        waiting = [each for each in await waiting_uploads(session, client_id) if each.id != id]
        ends = [each.wanted_at + DRAFTS_KEPT for each in waiting]
        if refusal := refuse_above(ends, most=MOST_UPLOADS, what="files of a client wait for forms", now=now):
            raise Refused(refusal)
        row = FormUpload(
            id=id,
            client_id=client_id,
            kind=kind,
            field=path,
            filename=file.filename,
            content_type=file.content_type,
            size=len(file.content),
            sha256=file.sha256,
            uploaded_by=caller.actor,
            uploaded_at=now,
            wanted_at=now,
        )
        kept = await keep_upload(session, row, file.content)
        await session.commit()
    return form_file_view(kept)


def _must_take(template: PracticeText, path: str, content_type: str) -> None:
    """Raises Refused, naming the field."""
    field = field_at([FormField.from_document(each) for each in template.fields], path)
    if field is None or field.type is not FieldType.FILE:
        raise wrong_fields([("field", "is not a question of this form that is answered by files")])
    if field.accepts and content_type not in field.accepts:
        raise wrong_fields([("file", f"is {content_type}; this question accepts {', '.join(field.accepts)}")])


@router.head("/clients/{client_id}/uploads/{upload_id}/content", include_in_schema=False, dependencies=[_A_FILE])
@router.get(
    "/clients/{client_id}/uploads/{upload_id}/content",
    dependencies=[_A_FILE],
    summary="The file itself, to be saved",
    response_class=Response,
    responses={
        **responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
        200: {"description": "The bytes as they were uploaded"},
    },
)
async def download_form_file(
    *, request: Request, client_id: UUID, upload_id: UUID, services: Svc, caller: Known, now: Now
) -> Response:
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        found = must_find("upload", next(iter(await uploads_of(session, client_id, [upload_id])), None))
        await must_be_shown(session, caller, client_id, found.kind, now=now)
    return download(
        request,
        services,
        partial(upload_piece, upload=found),
        filename=found.filename,
        content_type=found.content_type,
        size=found.size,
    )
