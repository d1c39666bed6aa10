"""Signed copies, as they are read. Whoever asks has been let in to the client's forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import literal, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.fact import Fact
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.signed_copy import KeptCopy
from rules.timeline import FactKind


async def copy_of(
    session: AsyncSession, client_id: UUID, kind: str, *, form_id: UUID | None
) -> tuple[FormRequest, KeptCopy] | None:
    """What was signed last of this form, in this asking or in any."""
    statement = (
        select(FormRequest, KeptCopy)
        .join(FormAnswer, col(FormAnswer.request_id) == col(FormRequest.id))
        .join(KeptCopy, col(KeptCopy.answer_id) == col(FormAnswer.id))
        .where(col(FormRequest.client_id) == client_id, col(FormRequest.kind) == kind)
        .order_by(col(FormAnswer.answered_at).desc(), col(FormAnswer.id))
    )
    if form_id is not None:
        statement = statement.where(col(FormRequest.id) == form_id)
    return (await session.exec(statement.limit(1))).first()


async def hash_of_copy(session: AsyncSession, answer_id: UUID) -> str | None:
    """The hash of what was kept of an answer."""
    return (await session.exec(select(KeptCopy.sha256).where(col(KeptCopy.answer_id) == answer_id))).first()


@dataclass(frozen=True, kw_only=True)
class SignedFact:
    """What the timeline says of a signed copy."""

    client_id: UUID
    seq: int
    answer_id: UUID
    sha256: str


async def signed_facts(session: AsyncSession, *, after: tuple[UUID, int] | None, limit: int) -> Sequence[SignedFact]:
    """The facts that tell of signed copies, by client and number."""
    statement = (
        select(Fact)
        .where(col(Fact.kind) == FactKind.FORM_COMPLETED.value, col(Fact.data).has_key("sha256"))  # type: ignore[attr-defined]
        .order_by(col(Fact.client_id), col(Fact.seq))
    )
    if after is not None:
        statement = statement.where(tuple_(col(Fact.client_id), col(Fact.seq)) > tuple_(*map(literal, after)))
    facts = (await session.exec(statement.limit(limit))).all()
    return [
        SignedFact(
            client_id=fact.client_id,
            seq=fact.seq,
            answer_id=UUID(fact.data["answer_id"]),
            sha256=fact.data["sha256"],
        )
        for fact in facts
    ]
