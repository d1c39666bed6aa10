"""The signed copy of a form: made to be kept with the answers, in the transaction that completes it."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies
from activities.types.forms import FormCompletion, FormSubmission
from models.reads.forms.shown import body_of
from models.tables.accounts.account import Account
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.forms.form import FormAnswer
from models.tables.forms.signed_copy import KeptCopy
from models.tables.forms.text import PracticeText
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.forms.fields import FormField
from rules.forms.signed import AttachedFile, Read, Signing, hash_of, signed_copy

_ROLES = {Role.THERAPIST: "therapist", Role.CARE_TEAM: "care team"}
_SALT_BYTES = 16


async def copy_of(
    session: AsyncSession,
    client: Client,
    template: PracticeText,
    answer: FormAnswer,
    order: FormSubmission | FormCompletion,
    *,
    read: Read | None,
    files: Mapping[UUID, AttachedFile],
    at: datetime,
    deps: Dependencies,
) -> KeptCopy:
    """The salt is made anew each time; of a step that is done twice, only one transaction keeps anything."""
    signing = Signing(
        practice=deps.practice.letterhead,
        title=template.title,
        version=template.version,
        body=body_of(template),
        read=read,
        fields=[FormField.from_document(field) for field in template.fields],
        answers=answer.answers,
        client_name=client.full_name,
        client_ref=client.ref,
        signature=answer.signature,
        signed_at=at,
        time_zone=deps.policy.time_zone,
        network=order.network,
        entered_by=await _entered_by(session, order.by),
        test=client.test,
        files=files,
    )
    document = signed_copy(signing, salt=secrets.token_hex(_SALT_BYTES)).document()
    return KeptCopy(answer_id=answer.id, document=document, sha256=hash_of(document))


async def _entered_by(session: AsyncSession, by: Caller) -> str | None:
    """Who of the practice it was, by name; None where the client's side did."""
    if not by.is_practice:
        return None
    name = select(Account.name).where(col(Account.handle) == by.name)
    if by.role is Role.THERAPIST:
        name = select(Therapist.name).where(col(Therapist.slug) == by.therapist)
    return f"{(await session.exec(name)).first() or by.name} ({_ROLES.get(by.role, by.role.value)})"
