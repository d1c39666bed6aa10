"""Form answers: checked against the version that was asked for, kept as they are, and told. For every form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, derived_id
from activities.forms.attached import check_files
from activities.forms.copies import keep_copy
from activities.types.forms import FormCompletion, FormSubmission
from models.reads.forms.shown import what_was_read
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.text import PracticeText
from models.writes.forms.drafts import forget_drafts
from models.writes.forms.uploads import attach_uploads
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.enums import FormStatus
from rules.forms.fields import FormField, check_answers
from rules.forms.signed import AttachedFile
from rules.mail.kinds import Mail
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Why answers do not complete their form, by field; or the files that they name."""

    refusal: Refusal | None = None
    files: Mapping[UUID, AttachedFile] = field(default_factory=dict)


async def check(
    session: AsyncSession, client: Client, template: PracticeText, order: FormSubmission | FormCompletion
) -> Checked:
    """Whether these answers complete the form, inside the running transaction; the client's row is locked."""
    fields = [FormField.from_document(field) for field in template.fields]
    errors = check_answers(fields, order.answers, order.signature)
    files: Mapping[UUID, AttachedFile] = {}
    if not errors:
        files, errors = await check_files(session, client, template, fields, order.answers)
    if not errors:
        return Checked(files=files)
    return Checked(
        refusal=Refusal(
            name=Problem.VALIDATION_FAILED,
            detail="; ".join(f"{name}: {message}" for name, message in errors.items()),
            data={"errors": [{"field": name, "message": message} for name, message in errors.items()]},
        )
    )


async def complete(
    session: AsyncSession,
    client: Client,
    form: FormRequest,
    template: PracticeText,
    order: FormSubmission | FormCompletion,
    *,
    files: Mapping[UUID, AttachedFile],
    at: datetime,
    deps: Dependencies,
) -> None:
    """Keep the answers, and a copy of all that was shown, and complete the form, inside the running transaction; the
    client's row is locked. Where the fee policy is signed with it, so is its text, as it was read. ``files``: those in
    the answers.

    The title of an intake form is in the timeline; that of one of the practice's own could tell anything. Of what the
    practice has filled in with the client, the client is mailed where the copy is.
    """
    read = await what_was_read(session, template)
    consent_version = str(template.fee_policy_version) if template.fee_policy_version is not None else None
    form.status, form.completed_at = FormStatus.COMPLETE, at
    session.add(form)
    await session.flush()  # the answer refers to it
    answer = FormAnswer(
        id=derived_id(order.request_id, "answer"),
        request_id=form.id,
        answers=order.answers,
        signature=order.signature,
        consent_text=read.body if read is not None else None,
        consent_version=consent_version,
        answered_by=order.by.actor,
        answered_at=at,
    )
    session.add(answer)
    await session.flush()  # its copy and its files refer to it
    sha256 = await keep_copy(session, client, template, answer, order, read=read, files=files, at=at, deps=deps)
    if files:
        await attach_uploads(session, list(files), answer_id=answer.id)
    await forget_drafts(session, client.id, form.kind)
    tell(
        session,
        client,
        FactKind.FORM_COMPLETED,
        at=at,
        by=order.by.actor,
        text=f"{template.title if template.is_intake else 'A form'} was completed.",
        data={
            "form": form.kind,
            "version": form.version,
            "form_id": str(form.id),
            "request_id": order.request_id,
            "answer_id": str(answer.id),
            "sha256": sha256,
            **({"consent_version": consent_version} if consent_version else {}),
        },
    )
    if order.by.is_practice:
        await order_mails(session, [client_mail(Mail.FORM_COPY, client, str(answer.id))], at=at)
