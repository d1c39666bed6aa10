"""Sharing post-session notes with the client, and taking them back. The caller commits."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.appointment import Appointment
from models.tables.care.note import SessionNote
from models.tables.clients.client import Client
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.timeline import FactKind


async def lock_client_of(session: AsyncSession, owned: Appointment | SessionNote) -> Client:
    """The client whose this is, locked, and what it is freshly read. While one waits, a record may be joined into
    another, which has it then."""
    while True:
        client = await lock_client(session, owned.client_id)
        await session.refresh(owned)
        if owned.client_id == client.id:
            return client


def share_note(session: AsyncSession, note: SessionNote, client: Client, *, by: str, at: datetime) -> None:
    """Share a note with its client, whose row is locked."""
    note.shared, note.shared_at = True, at
    session.add(note)
    _say(session, note, client, by=by, at=at, kind=FactKind.NOTE_SHARED, text="A note was shared with the client.")


def unshare_note(session: AsyncSession, note: SessionNote, client: Client, *, by: str, at: datetime) -> None:
    """Take a note back from its client, whose row is locked."""
    note.shared, note.shared_at = False, None
    session.add(note)
    text = "A note is not shared with the client any more."
    _say(session, note, client, by=by, at=at, kind=FactKind.NOTE_UNSHARED, text=text)


def _say(
    session: AsyncSession, note: SessionNote, client: Client, *, by: str, at: datetime, kind: FactKind, text: str
) -> None:
    about = {"note_id": str(note.id), "appointment_id": str(note.appointment_id)}
    tell(session, client, kind, at=at, by=by, text=text, data=about)
