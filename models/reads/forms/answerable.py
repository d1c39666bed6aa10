"""Which form, in which version, a client answers now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, true
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.draft import FormDraft
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText
from rules.forms.intake import FEE_POLICY


@dataclass(frozen=True, kw_only=True)
class ToComplete:
    """All that the completion of a form stands on. ``form`` is None for an intake form that nobody asked for yet;
    ``policy`` is signed with it, if any is; ``begun``: a draft of it may be kept; ``lines``: as ``lines_of_client``;
    ``card_refused``: the card that comes with it must not be asked again."""

    form: FormRequest | None
    template: PracticeText
    policy: PracticeText | None
    begun: bool = True
    lines: tuple[str, ...] = ()
    card_refused: bool = False


async def to_be_answered(
    session: AsyncSession, client_id: UUID, kind: str
) -> tuple[FormRequest | None, PracticeText] | None:
    """The newest asking, and its questions. An intake form may also be answered before anybody asked for it: in its
    newest version. None for any other that nobody asked for."""
    found = await _newest(session, client_id, kind)
    return (found[0], found[1]) if found is not None else None


async def to_complete(
    session: AsyncSession,
    client_id: UUID,
    kind: str,
    *,
    lines: ColumnElement[list[str]],
    card_refused: ColumnElement[bool],
) -> ToComplete | None:
    """The same with all else that its completion needs, in one statement; the client's row is locked."""
    begun = exists().where(col(FormDraft.client_id) == client_id, col(FormDraft.kind) == kind)
    found = await _newest(session, client_id, kind, begun, lines, card_refused)
    if found is None:
        return None
    form, template, policy, has_draft, slugs, refused = found
    return ToComplete(
        form=form, template=template, policy=policy, begun=has_draft, lines=tuple(sorted(slugs)), card_refused=refused
    )


async def _newest(session: AsyncSession, client_id: UUID, kind: str, *beside: Any) -> Sequence[Any] | None:
    """The newest asking, its text, the fee policy that is signed with it, and what is asked ``beside``."""
    newest = (
        select(FormRequest)
        .where(col(FormRequest.client_id) == client_id, col(FormRequest.kind) == kind)
        .order_by(col(FormRequest.requested_at).desc(), col(FormRequest.version).desc(), col(FormRequest.number).desc())
        .limit(1)
        .subquery()
    )
    asked, policy = aliased(FormRequest, newest), aliased(PracticeText)
    in_force = select(func.max(PracticeText.version)).where(col(PracticeText.kind) == kind).scalar_subquery()
    statement = (
        select_columns(asked, PracticeText, policy, *beside)
        .select_from(PracticeText)
        .join(asked, true(), isouter=True)
        .join(
            policy,
            and_(col(policy.kind) == FEE_POLICY, col(policy.version) == col(PracticeText.fee_policy_version)),
            isouter=True,
        )
        .where(col(PracticeText.kind) == kind, col(PracticeText.version) == func.coalesce(newest.c.version, in_force))
    )
    found = (await session.exec(statement)).first()  # type: ignore[call-overload]
    if found is None or (found[0] is None and not found[1].is_intake):
        return None
    return tuple(found)
