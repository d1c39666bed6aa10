"""Post-session notes as they are read. Who may see one is part of each query.

A note is its author's. While it is shared with the client, the client and their therapist may read it too, and the care
team through an opening. A private one is seen by nobody but the therapist who wrote it; the care team and the client's
present therapist can open it, and an admin that of a therapist who has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import has_left, in_force, may_oversee_client, may_see_client, opened
from models.tables.booking.therapist import Therapist
from models.tables.care.note import SessionNote
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, can_open
from rules.enums import Role


@dataclass(frozen=True, kw_only=True)
class NoteRow:
    """A note with its author's slug."""

    note: SessionNote
    therapist: str


def _is_the_callers(caller: Caller) -> ColumnElement[bool]:
    return col(Therapist.slug) == caller.therapist if caller.role is Role.THERAPIST else false()


def may_see_note(caller: Caller, *, now: datetime) -> ColumnElement[bool]:
    """The condition on ``SessionNote`` joined with its ``Therapist``."""
    whose, shared = col(SessionNote.client_id), col(SessionNote.shared)
    client = exists().where(col(Client.id) == whose)
    seen, overseen = client.where(may_see_client(caller)), client.where(may_oversee_client(caller))
    ways = [
        _is_the_callers(caller),
        and_(shared.is_(True), seen, opened(caller, OpeningKind.SHARED_NOTES, whose, now=now)),
    ]
    if can_open(caller, OpeningKind.PRIVATE_NOTES):
        private = in_force(caller, OpeningKind.PRIVATE_NOTES, whose, now=now)
        ways.append(and_(shared.is_(False), overseen, private, _is_opened_with(caller)))
    return or_(*ways)


def _is_opened_with(caller: Caller) -> ColumnElement[bool]:
    """Of the private notes of a client, an admin's opening opens those of therapists who have left."""
    return has_left(col(SessionNote.therapist_id)) if caller.role is Role.ADMIN else true()


async def visible_note(session: AsyncSession, caller: Caller, note_id: UUID, *, now: datetime) -> NoteRow | None:
    return await _first(session, caller, col(SessionNote.id) == note_id, now=now)


async def visible_note_of_appointment(
    session: AsyncSession, caller: Caller, appointment_id: UUID, *, now: datetime
) -> NoteRow | None:
    return await _first(session, caller, col(SessionNote.appointment_id) == appointment_id, now=now)


async def _first(session: AsyncSession, caller: Caller, which: ColumnElement[bool], *, now: datetime) -> NoteRow | None:
    statement = (
        select(SessionNote, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(SessionNote.therapist_id))
        .where(which, may_see_note(caller, now=now))
    )
    found = (await session.exec(statement)).first()
    return NoteRow(note=found[0], therapist=found[1]) if found else None


async def notes_of_client(
    session: AsyncSession, caller: Caller, client_id: UUID, page: Page, *, now: datetime
) -> Sequence[NoteRow]:
    """What the caller may read about a client, newest first; one more than the page holds, if there are more."""
    statement = (
        select(SessionNote, Therapist.slug)
        .join(Therapist, col(Therapist.id) == col(SessionNote.therapist_id))
        .where(col(SessionNote.client_id) == client_id, may_see_note(caller, now=now))
        .order_by(col(SessionNote.written_at).desc(), col(SessionNote.id).desc())
    )
    found = await one_page(session, statement, page, SessionNote.written_at, SessionNote.id, descending=True)
    return [NoteRow(note=note, therapist=slug) for note, slug in found]


async def note_of_appointment(session: AsyncSession, appointment_id: UUID) -> SessionNote | None:
    """The one note of an appointment, for its therapist, who was let in already."""
    return (await session.exec(select(SessionNote).where(col(SessionNote.appointment_id) == appointment_id))).first()
