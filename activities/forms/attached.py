"""Files in form answers: whether each is there for just this question, and what a signed copy says of it."""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.forms.text import PracticeText
from models.tables.forms.upload import FormUpload
from models.writes.forms.uploads import lock_uploads
from rules.forms.fields import Errors, FormField, field_at, files_in
from rules.forms.signed import AttachedFile


async def check_files(
    session: AsyncSession, client: Client, template: PracticeText, fields: list[FormField], answers: dict[str, object]
) -> tuple[dict[UUID, AttachedFile], Errors]:
    """Of answers whose shape is sound: the files that they name, which stay as long as the transaction, and what is
    wrong with them."""
    named = files_in(fields, answers)
    if not named:
        return {}, {}
    found = {upload.id: upload for upload in await lock_uploads(session, client.id, named)}
    errors: Errors = {}
    for id, path in named.items():
        wrong = _wrong(found.get(id), template, fields, path)
        if wrong is not None:
            errors[f"answers.{path}"] = wrong
    return {id: _as_attached(upload) for id, upload in found.items()}, errors


def _wrong(upload: FormUpload | None, template: PracticeText, fields: list[FormField], path: str) -> str | None:
    if upload is None or (upload.kind, upload.field) != (template.kind, path):
        return "names a file that was not uploaded for this question, or not kept any more"
    field = field_at(fields, path)
    if field is not None and field.accepts and upload.content_type not in field.accepts:
        return "is of a kind that this question does not accept"  # a newer version may ask for another
    return None


def _as_attached(upload: FormUpload) -> AttachedFile:
    return AttachedFile(
        filename=upload.filename, content_type=upload.content_type, size=upload.size, sha256=upload.sha256
    )
