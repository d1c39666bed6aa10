"""Form templates: the built-in ones, and making a form or its next version."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.texts import newest_text
from models.tables.forms.text import PracticeText
from rules.forms.intake import INTAKE_FORMS

BUILT_IN = "system"
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # what the product began with is as old as it, whenever it was installed


def write_built_in_texts(connection: Connection) -> None:
    """The newest version of each intake form, for a database that lacks it. Again changes nothing."""
    rows: list[dict[str, Any]] = [
        {
            "id": uuid5(NAMESPACE_URL, f"form-template/{kind}/{form.version}"),
            "kind": kind,
            "version": form.version,
            "title": form.title,
            "body": "",
            "terms": {},
            "fields": [field.to_document() for field in form.fields],
            "intake_place": place,
            "made_by": BUILT_IN,
            "made_at": _ALWAYS if form.version == 1 else func.now(),
        }
        for place, (kind, form) in enumerate(INTAKE_FORMS.items())
    ]
    connection.execute(insert(PracticeText).values(rows).on_conflict_do_nothing())


async def add_version(
    session: AsyncSession,
    *,
    id: UUID,
    kind: str,
    title: str,
    fields: list[dict[str, Any]],
    by: str,
    at: datetime,
) -> PracticeText:
    """A new form, or the next version of one; the same id again is the same version. Raises IntegrityError when another
    version was made at this very moment: look again.

    Whoever publishes a next version then tells the journeys of those in ``clients_to_ask_again``.
    """
    known = await session.get(PracticeText, id)
    if known is not None:
        return known
    before = await newest_text(session, kind)
    made = PracticeText(
        id=id,
        kind=kind,
        version=before.version + 1 if before else 1,
        title=title,
        terms={},
        fields=fields,
        intake_place=before.intake_place if before else None,
        made_by=by,
        made_at=at,
    )
    session.add(made)
    await session.flush()
    return made
