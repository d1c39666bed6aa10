from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.tables import (
    ChatMember,
    ChatMessage,
    Document,
    DocumentContent,
    DocumentShare,
    FormAnswer,
    FormRequest,
    Goal,
    SessionNote,
)
from models.tables.care.chat import Chat
from rules.accounts.openings import OpeningKind
from rules.enums import AppointmentStatus, ChatKind, FormStatus, Role
from tests.api.accounts.openings.house import House
from tests.api.callers import Callers, Headers
from tests.care.rows import NOW, Rows


@pytest.fixture
async def house(api: httpx.AsyncClient, people: Callers, rows: Rows) -> House:
    ana, sara, by = people.ana, people.sara, "therapist:ana"
    ids = {name: uuid4() for name in ("private", "shared", "chat", "document", "form", "goal")}
    for name in ("private", "shared"):
        day = NOW - timedelta(days=1 if name == "shared" else 2)
        appointment = await rows.appointment(sara, ana, status=AppointmentStatus.OCCURRED, starts_at=day)
        ids[f"{name}_of"] = appointment.id
        written: Any = {"written_by": by, "written_at": day, "text": f"a {name} note"}
        about: Any = {"appointment_id": appointment.id, "client_id": sara.id, "therapist_id": ana.id}
        await rows.add(SessionNote(id=ids[name], shared=name == "shared", **about, **written))
    form = FormRequest(
        id=ids["form"],
        client_id=sara.id,
        kind="initial_consultation",
        version=1,
        status=FormStatus.COMPLETE,
        requested_at=NOW,
        requested_by="system",
        completed_at=NOW,
    )
    said: Any = {"signature": "Sara", "answered_by": f"client:{sara.id}", "answered_at": NOW}
    answers = FormAnswer(id=uuid4(), request_id=form.id, answers={"reason": "sleep"}, **said)
    chat = Chat(id=ids["chat"], kind=ChatKind.DIRECT, client_id=sara.id, therapist_id=ana.id, made_by=by, made_at=NOW)
    member = ChatMember(chat_id=chat.id, client_id=sara.id, joined_at=NOW, added_by=by)
    message = ChatMessage(id=uuid4(), chat_id=chat.id, seq=1, author=by, text="Hello", written_at=NOW)
    document = Document(
        id=ids["document"],
        therapist_id=ana.id,
        title="Plan",
        filename="plan.txt",
        content_type="text/plain",
        size=4,
        sha256="0" * 64,
        uploaded_by=by,
        uploaded_at=NOW,
    )
    content = DocumentContent(document_id=document.id, number=0, content=b"plan")
    share = DocumentShare(id=uuid4(), document_id=document.id, client_id=sara.id, shared_by=by, shared_at=NOW)
    goal = Goal(id=ids["goal"], client_id=sara.id, text="Walk", made_by=by, made_at=NOW)
    await rows.add(form, answers, chat, member, message, document, content, share, goal)
    paths = {
        OpeningKind.INTAKE_ANSWERS: f"/v1/clients/{sara.id}/forms/initial_consultation",
        OpeningKind.PRIVATE_NOTES: f"/v1/appointments/{ids['private_of']}/note",
        OpeningKind.SHARED_NOTES: f"/v1/appointments/{ids['shared_of']}/note",
        OpeningKind.DIRECT_CHAT: f"/v1/chats/{chat.id}/messages",
        OpeningKind.DOCUMENTS: f"/v1/documents/{document.id}/content",
        OpeningKind.GOALS: f"/v1/clients/{sara.id}/goals",
    }
    return House(api, people, rows, paths, {name: str(id) for name, id in ids.items()})


@pytest.fixture
async def maria(house: House) -> Headers:
    """Of the care team."""
    return await house.person("maria", Role.CARE_TEAM)
