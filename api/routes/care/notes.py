"""Post-session notes: one per appointment, written by its therapist, private until it is shared with the client."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.accounts.openings import closed, must_be_open
from api.accounts.portal import must_be_on
from api.bodies import Body, Flag, Prose
from api.deps import (
    WITH_CLIENTS,
    ByTime,
    Known,
    Now,
    RequestId,
    Svc,
    allow,
    must_oversee_client,
    must_see_appointment,
    must_see_client,
)
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, refuse, responses
from api.views.care import NoteView, note_view
from api.views.lists import Listed, cut, listed
from models.reads.accounts.openings import is_open
from models.reads.booking.appointments import AppointmentRow, visible_appointment
from models.reads.care import notes
from models.reads.care.notes import NoteRow
from models.tables.care.note import SessionNote
from models.writes.care.notes import lock_client_of, share_note, unshare_note
from models.writes.locks import lock_open_client
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, can_open
from rules.enums import AppointmentStatus, ClientStatus, Role
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["notes"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.NOTES)])

Author = Annotated[Caller, Depends(allow(Role.THERAPIST))]
OrAdmin = Annotated[Caller, Depends(allow(*WITH_CLIENTS, Role.ADMIN))]
_CANCELLED = (AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED)


# ---------------------------------------------------------------- writing


class NoteBody(Body):
    text: Prose
    shared: Flag = False


@router.post(
    "/appointments/{appointment_id}/note",
    status_code=201,
    summary="Write the note of an appointment that has started",
    response_model_exclude_unset=True,
    responses=responses(
        Problem.NOT_FOUND, Problem.APPOINTMENT_NOT_OPEN, Problem.APPOINTMENT_NOT_STARTED, Problem.CLIENT_ARCHIVED
    ),
)
async def write_note(
    *, appointment_id: UUID, body: NoteBody, services: Svc, caller: Author, request_id: RequestId, now: Now
) -> NoteView:
    """One per appointment, by its own therapist, who can share it only with a client who is theirs now. The same again
    finds it; another text is a change of that note."""
    async with services.sessions() as session:
        row = must_find("appointment", await visible_appointment(session, caller, appointment_id))
        client = await lock_client_of(session, row.appointment)
        _must_be_noteworthy(row, caller, now=now)
        note = await notes.note_of_appointment(session, appointment_id)
        id = uuid5(request_id, "note")
        if note is None:
            note = SessionNote(
                id=id,
                appointment_id=appointment_id,
                client_id=client.id,
                therapist_id=row.appointment.therapist_id,
                text=body.text,
                written_by=caller.actor,
                written_at=now,
            )
            session.add(note)
            await session.flush()
            if body.shared:
                await _share(session, note, caller, at=now)
        elif note.id != id and (note.text, note.shared) != (body.text, body.shared):
            raise _written_already(note)
        await session.commit()
    return note_view(NoteRow(note=note, therapist=row.therapist), caller=caller)


def _must_be_noteworthy(row: AppointmentRow, caller: Caller, *, now: datetime) -> None:
    if row.therapist != caller.therapist:
        raise refuse(Problem.NOT_ALLOWED, "The note of an appointment is written by its own therapist.")
    if row.appointment.status in _CANCELLED:
        raise refuse(Problem.APPOINTMENT_NOT_OPEN, "This appointment was cancelled; there is nothing to note.")
    if now < row.appointment.starts_at:
        raise refuse(Problem.APPOINTMENT_NOT_STARTED, "A note can be written once the appointment has started.")


async def _share(session: AsyncSession, note: SessionNote, caller: Caller, *, at: datetime) -> None:
    """Share a note with its client, whose row is locked. Raises Refused: they are not the author's client now."""
    client = await lock_open_client(session, caller, note.client_id)
    if client is None:
        raise refuse(Problem.NOT_ALLOWED, "This client has another therapist now.")
    if client.status is ClientStatus.ARCHIVED:
        raise refuse(Problem.CLIENT_ARCHIVED, "This client is archived: nothing can be shared with them newly.")
    share_note(session, note, client, by=caller.actor, at=at)


def _written_already(note: SessionNote) -> Refused:
    detail = f"This appointment has its note already: change it with PATCH /v1/notes/{note.id}."
    errors = [{"field": "text", "message": "there is a note already"}]
    return refuse(Problem.VALIDATION_FAILED, detail, note_id=note.id, errors=errors)


class NoteChanges(Body):
    """What is left out or null stays as it is."""

    text: Prose | None = None
    shared: Flag | None = None


@router.patch(
    "/notes/{note_id}",
    summary="Change a note, share it, or take it back",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def change_note(*, note_id: UUID, body: NoteChanges, services: Svc, caller: Author, now: Now) -> NoteView:
    """By its author, who keeps it for good, but can share it only with a client who is theirs now."""
    async with services.sessions() as session:
        row = must_find("note", await notes.visible_note(session, caller, note_id, now=now))
        if row.therapist != caller.therapist:
            raise refuse(Problem.NOT_ALLOWED, "A note is changed by the therapist who wrote it.")
        note = row.note
        client = await lock_client_of(session, note)
        if body.text is not None and body.text != note.text:
            note.text, note.changed_at = body.text, now
        if body.shared and not note.shared:
            await _share(session, note, caller, at=now)
        elif body.shared is False and note.shared:
            unshare_note(session, note, client, by=caller.actor, at=now)
        session.add(note)
        await session.commit()
    return note_view(NoteRow(note=note, therapist=row.therapist), caller=caller)


# ---------------------------------------------------------------- reading


@router.get(
    "/appointments/{appointment_id}/note",
    summary="The note of an appointment",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def get_note(*, appointment_id: UUID, services: Svc, caller: Known, now: Now) -> NoteView:
    """Without an opening, whether there is a private note is told to its therapist alone."""
    seen = await must_see_appointment(services, caller, appointment_id)
    if not caller.is_practice:
        must_be_on(await must_see_client(services, caller, seen.appointment.client_id), caller, "documents")
    async with services.sessions() as session:
        row = await notes.visible_note_of_appointment(session, caller, appointment_id, now=now)
        if row is None and seen.therapist != caller.therapist:
            note = await notes.note_of_appointment(session, appointment_id)
            what = OpeningKind.SHARED_NOTES if note is not None and note.shared else OpeningKind.PRIVATE_NOTES
            await must_be_open(session, caller, what, seen.appointment.client_id, now=now)
    return note_view(must_find("note", row), caller=caller)


@router.get(
    "/clients/{client_id}/notes",
    summary="A client's notes, newest first: a therapist's own, and what is shared",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def list_notes(*, client_id: UUID, services: Svc, caller: OrAdmin, page: ByTime, now: Now) -> Listed[NoteView]:
    """Through an opening: those that it opens. An admin reads the private notes of a therapist who has left so."""
    client = await must_oversee_client(services, caller, client_id)
    must_be_on(client, caller, "documents")
    async with services.sessions() as session:
        if not await is_open(session, caller, OpeningKind.SHARED_NOTES, client_id, now=now) and not await is_open(
            session, caller, OpeningKind.PRIVATE_NOTES, client_id, now=now
        ):
            what = OpeningKind.SHARED_NOTES if can_open(caller, OpeningKind.SHARED_NOTES) else OpeningKind.PRIVATE_NOTES
            raise closed(caller, what, client_id)
        rows, last = cut(await notes.notes_of_client(session, caller, client_id, page, now=now), page)
    views = [note_view(row, caller=caller) for row in rows]
    return listed(views, (last.note.written_at, last.note.id) if last else None)
