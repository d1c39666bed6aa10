"""Publishing a text: its words and its numbers come into force together, and so do those of all that they stand in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.requests import count_to_ask
from models.reads.forms.texts import newest_text, newest_texts
from models.tables.clients.task import Task
from models.tables.forms.text import PracticeText, TextDraft
from models.writes.forms.texts import add_version
from rules.enums import TaskKind
from rules.forms.intake import BILLING_INFO, FEE_POLICY
from rules.forms.wording import numbers_in


async def published_with(session: AsyncSession, kind: str) -> Sequence[PracticeText]:
    """The forms that get a new version together with a text of this kind, as they are in force: with the fee policy,
    Billing Info, with which it is signed, and every text in which numbers of it stand."""
    if kind != FEE_POLICY:
        return ()
    return [
        text
        for text in await newest_texts(session)
        if text.kind != FEE_POLICY and (text.kind == BILLING_INFO or numbers_in(text.body))
    ]


async def to_be_asked(session: AsyncSession, draft: TextDraft) -> int:
    """How many clients would be asked again, if this were published now."""
    before = await newest_text(session, draft.kind)
    kinds: Mapping[str, bool] = {text.kind: text.is_intake for text in await published_with(session, draft.kind)}
    if draft.kind != FEE_POLICY:
        kinds = {draft.kind: before is not None and before.is_intake}
    return await count_to_ask(session, kinds)


async def publish(
    session: AsyncSession, draft: TextDraft, *, request_id: UUID, by: str, at: datetime
) -> list[PracticeText]:
    """The draft, which is locked, becomes the version in force; answers all that came into force with it, the text
    itself first. The journeys of those in ``clients_to_ask_again`` are told by whoever publishes."""
    made = [
        await add_version(
            session,
            id=uuid5(request_id, f"text/{draft.kind}"),
            kind=draft.kind,
            title=draft.title,
            body=draft.body,
            terms=draft.terms,
            fields=draft.fields,
            by=by,
            at=at,
        )
    ]
    for text in await published_with(session, draft.kind):
        id = uuid5(request_id, f"text/{text.kind}")
        made.append(
            await add_version(session, id=id, kind=text.kind, title=text.title, fields=text.fields, by=by, at=at)
        )
    await session.delete(draft)
    if draft.kind == FEE_POLICY:
        await close_text_tasks(
            session, by=by, at=at, note=f"Version {made[0].version} of the fee policy was published."
        )
    await session.flush()
    return made


async def close_text_tasks(session: AsyncSession, *, by: str, at: datetime, note: str) -> None:
    statement = select(Task).where(col(Task.kind) == TaskKind.TEXT_WAITS, col(Task.resolved_at).is_(None))
    for task in (await session.exec(statement)).all():
        task.resolved_at, task.resolved_by, task.note = at, by, note
        session.add(task)
