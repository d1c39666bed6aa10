"""Texts: the first versions, with which a database begins, and making a text or its next version."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.texts import newest_text
from models.tables.forms.text import PracticeText
from models.writes.locks import lock_counting
from rules.forms.intake import BILLING_INFO, FEE_POLICY, INTAKE_FORMS, STANDARD_TEXTS
from rules.money.terms import Terms

BUILT_IN = "system"
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # what the product began with is as old as it, whenever it was installed


def write_first_texts(connection: Connection, terms: Terms) -> bool:
    """The standard texts, for a database that has none of a kind; answers whether the fee policy is one of them.

    ``terms`` are the numbers that they are published with: nobody has signed any others yet. Where there is a version
    already, nothing is written, whatever the settings say: again changes nothing, and no release changes a text.
    """
    places = {kind: place for place, kind in enumerate(INTAKE_FORMS)}
    known = set(
        connection.execute(select(PracticeText.kind).where(col(PracticeText.kind).in_(STANDARD_TEXTS))).scalars()
    )
    rows: list[dict[str, Any]] = [
        {
            "id": uuid5(NAMESPACE_URL, f"text/{kind}/1"),
            "kind": kind,
            "version": 1,
            "title": text.title,
            "body": text.body,
            "terms": terms.document(),
            "fields": [field.to_document() for field in text.fields],
            "intake_place": places.get(kind),
            "fee_policy_version": 1 if kind == BILLING_INFO else None,
            "made_by": BUILT_IN,
            "made_at": _ALWAYS,
        }
        for kind, text in STANDARD_TEXTS.items()
        if kind not in known
    ]
    if rows:
        connection.execute(insert(PracticeText).values(rows).on_conflict_do_nothing())
    return FEE_POLICY not in known


async def lock_texts(session: AsyncSession) -> None:
    """One at a time of all that makes a version: each is of the fee policy that is in force then."""
    await lock_counting(session, "texts", "the practice")


async def add_version(
    session: AsyncSession,
    *,
    id: UUID,
    kind: str,
    title: str,
    fields: Sequence[dict[str, Any]],
    by: str,
    at: datetime,
    body: str | None = None,
    terms: dict[str, Any] | None = None,
) -> PracticeText:
    """A new text, or the next version of one; the same id again is the same version. ``body``: as before, unless it is
    given. ``terms``: those of the fee policy in force, unless it is one that brings others.

    Whoever publishes a next version then tells the journeys of those in ``clients_to_ask_again``.
    """
    await lock_texts(session)
    known = await session.get(PracticeText, id)
    if known is not None:
        return known
    before = await newest_text(session, kind)
    policy = before if kind == FEE_POLICY else await newest_text(session, FEE_POLICY)
    assert policy is not None, "every database has a fee policy from the beginning"
    made = PracticeText(
        id=id,
        kind=kind,
        version=before.version + 1 if before else 1,
        title=title,
        body=body if body is not None else before.body if before else "",
        terms=terms or policy.terms,
        fields=list(fields),
        intake_place=before.intake_place if before else None,
        fee_policy_version=policy.version if kind == BILLING_INFO else None,
        made_by=by,
        made_at=at,
    )
    session.add(made)
    await session.flush()
    return made
