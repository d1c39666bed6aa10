"""Form answers: checked against the version that was asked for, kept as they are, and told. For every form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, derived_id
from activities.forms.asking import first_request
from activities.forms.attached import check_files
from activities.forms.copies import copy_of
from activities.types.forms import FormCompletion, FormSubmission
from models.reads.forms.answerable import ToComplete
from models.reads.forms.shown import what_was_read
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer
from models.tables.forms.text import PracticeText
from models.writes.forms.answers import keep_answer
from models.writes.forms.drafts import forget_drafts
from models.writes.forms.uploads import attach_uploads
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
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
    asked: ToComplete,
    order: FormSubmission | FormCompletion,
    *,
    files: Mapping[UUID, AttachedFile],
    at: datetime,
    deps: Dependencies,
) -> dict[str, Any]:
    """Keep the answers, and a copy of all that was shown, and complete the form, inside the running transaction; the
    client's row is locked. Where the fee policy is signed with it, so is its text, as it was read. ``files``: those in
    the answers. What is answered of it: ``{"form_id", "version", "completed_at"}``.

    The title of an intake form is in the timeline; that of one of the practice's own could tell anything. Of what the
    practice has filled in with the client, the client is mailed where the copy is.
    """
    template, form = asked.template, asked.form
    if form is None:
        form = first_request(client, template.kind, template.version, at=at)
        session.add(form)
        await session.flush()  # the answer refers to it
    read = what_was_read(asked.policy)
    consent_version = str(template.fee_policy_version) if template.fee_policy_version is not None else None
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
    copy = await copy_of(session, client, template, answer, order, read=read, files=files, at=at, deps=deps)
    await keep_answer(session, form, answer, copy, at=at)
    if files:
        await attach_uploads(session, list(files), answer_id=answer.id)
    if asked.begun:
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
            "sha256": copy.sha256,
            **({"consent_version": consent_version} if consent_version else {}),
        },
    )
    if order.by.is_practice:
        await order_mails(session, [client_mail(Mail.FORM_COPY, client, str(answer.id))], at=at)
    return {"form_id": str(form.id), "version": form.version, "completed_at": at.isoformat()}
