"""Form answers: checked against the version that was asked for, kept as they are, and told. For every form."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.types.forms import FormCompletion, FormSubmission
from models.reads.forms.texts import fee_policy_of, read_as
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.text import PracticeText
from models.writes.timeline import tell
from rules.enums import FormStatus
from rules.forms.fields import FormField, check_answers
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind


def refuse_answers(template: PracticeText, order: FormSubmission | FormCompletion) -> Refusal | None:
    """Why these answers do not complete the form, by field; None if they do."""
    errors = check_answers(
        [FormField.from_document(field) for field in template.fields], order.answers, order.signature
    )
    if not errors:
        return None
    return Refusal(
        name=Problem.VALIDATION_FAILED,
        detail="; ".join(f"{name}: {message}" for name, message in errors.items()),
        data={"errors": [{"field": name, "message": message} for name, message in errors.items()]},
    )


async def complete(
    session: AsyncSession,
    client: Client,
    form: FormRequest,
    template: PracticeText,
    order: FormSubmission | FormCompletion,
    *,
    at: datetime,
) -> None:
    """Keep the answers and complete the form, inside the running transaction; the client's row is locked. Where the
    fee policy is signed with it, so is its text, as it was read.

    The title of an intake form is in the timeline; that of one of the practice's own could tell anything.
    """
    policy = await fee_policy_of(session, template)
    signed = str(policy.version) if policy else None
    form.status, form.completed_at = FormStatus.COMPLETE, at
    session.add(form)
    await session.flush()  # the answer refers to it
    session.add(
        FormAnswer(
            id=derived_id(order.request_id, "answer"),
            request_id=form.id,
            answers=order.answers,
            signature=order.signature,
            consent_text=read_as(policy) if policy else None,
            consent_version=signed,
            answered_by=order.by.actor,
            answered_at=at,
        )
    )
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
            **({"consent_version": signed} if signed else {}),
        },
    )
