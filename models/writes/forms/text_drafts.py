"""Drafts of texts: what an admin words, and what changed settings propose. Neither is in force for anybody."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.texts import draft_of, newest_text
from models.tables.clients.task import Task
from models.tables.forms.text import PracticeText, TextDraft
from models.writes.forms.publishing import close_text_tasks, to_be_asked
from models.writes.forms.texts import BUILT_IN, lock_texts
from rules.enums import TaskKind
from rules.forms.intake import FEE_POLICY
from rules.forms.wording import numbers_of, worded
from rules.money.terms import Terms


async def put_draft(
    session: AsyncSession,
    *,
    id: UUID,
    kind: str,
    title: str,
    body: str,
    fields: list[dict[str, Any]],
    by: str,
    at: datetime,
) -> TextDraft:
    """What is to be the next version of a text, in place of the draft that there was. Numbers that settings propose
    stay as they are."""
    await lock_texts(session)
    draft = await draft_of(session, kind) or TextDraft(
        kind=kind, id=id, title=title, body=body, fields=fields, made_by=by, made_at=at
    )
    draft.id, draft.title, draft.body, draft.fields = id, title, body, fields
    draft.made_by, draft.made_at = by, at
    session.add(draft)
    await session.flush()
    return draft


async def propose_terms(session: AsyncSession, terms: Terms, *, at: datetime) -> bool:
    """Settings of a process that has started: where they are others than the fee policy in force has, a draft with
    them, and a task with both wordings and how many would be asked. Both once, however many processes start, and
    nothing else: no text, no mail, no gate changes. Where they are the same, a proposal that stands is withdrawn.

    Answers whether they differ.
    """
    await lock_texts(session)
    in_force, draft = await newest_text(session, FEE_POLICY), await draft_of(session, FEE_POLICY)
    assert in_force is not None, "every database has a fee policy from the beginning"
    if Terms.read(in_force.terms) == terms:
        await _withdraw(session, draft, at=at)
        return False
    if draft is None:
        draft = TextDraft(
            kind=FEE_POLICY,
            id=NAMESPACE_URL,
            title=in_force.title,
            body=in_force.body,
            fields=in_force.fields,
            made_by=BUILT_IN,
            made_at=at,
        )
    if draft.terms != terms.document():
        _propose(draft, terms.document())
    session.add(draft)
    await session.flush()
    await _open_task(session, in_force, draft, at=at)
    return True


def _propose(draft: TextDraft, terms: dict[str, Any] | None) -> None:
    draft.id = uuid5(draft.id, json.dumps(terms, sort_keys=True))
    draft.terms = terms


async def _withdraw(session: AsyncSession, draft: TextDraft | None, *, at: datetime) -> None:
    if draft is not None and draft.terms is not None:
        if draft.made_by == BUILT_IN:
            await session.delete(draft)
        else:  # the words are a person's
            _propose(draft, None)
            session.add(draft)
    await close_text_tasks(session, by=BUILT_IN, at=at, note="The settings are those of the fee policy again.")
    await session.flush()


async def _open_task(session: AsyncSession, in_force: PracticeText, draft: TextDraft, *, at: datetime) -> None:
    """One for each pair of a version and numbers. One that a person has resolved stays so: they have decided."""
    proposed = json.dumps(draft.terms, sort_keys=True)
    key = f"text:{FEE_POLICY}:{in_force.version}:{sha256(proposed.encode()).hexdigest()[:20]}"
    task = (await session.exec(select(Task).where(col(Task.key) == key))).first()
    if task is not None and (task.resolved_at is None or task.resolved_by != BUILT_IN):
        return
    await close_text_tasks(session, by=BUILT_IN, at=at, note="Other settings came since.")
    old, new = Terms.read(in_force.terms), Terms.read(draft.terms or in_force.terms)
    asked = await to_be_asked(session, draft)
    task = task or Task(id=uuid5(NAMESPACE_URL, key), key=key, kind=TaskKind.TEXT_WAITS, text="", opened_at=at)
    task.resolved_at, task.resolved_by, task.note = None, None, None
    task.text = (
        f"The settings are others than the fee policy in force: {_differences(old, new)}. Nothing has changed yet. "
        f"When an admin publishes the draft, it comes into force, and clients are asked to sign it: {asked} by now."
    )
    task.data = {
        "text": FEE_POLICY,
        "in_force": worded(in_force.body, old),
        "draft": worded(draft.body, new),
        "to_be_asked": asked,
    }
    session.add(task)
    await session.flush()


def _differences(old: Terms, new: Terms) -> str:
    before, after = numbers_of(old), numbers_of(new)
    told = [f"{name} {after[name]} instead of {before[name]}" for name in before if before[name] != after[name]]
    return "; ".join(told) or "the times between tries of a card"
