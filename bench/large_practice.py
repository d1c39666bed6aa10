"""A practice of years, written as rows in seconds: 10,000 clients of one therapist, tasks, chats, a full calendar.

Nothing of it runs in the engine, and no fact tells of it, but of one client, Sara, who has something of everything.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from sqlalchemy import insert, text
from sqlmodel import SQLModel

from bench.therapists import Rows, add_therapists
from local.people import PASSWORD
from models.database import Sessions
from models.reads.booking.therapists import therapist_by_slug
from models.tables.accounts.account import Account
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.care.chat import Chat, ChatMember, ChatMessage
from models.tables.care.document import Document, DocumentContent, DocumentShare
from models.tables.care.goal import Goal
from models.tables.care.note import SessionNote
from models.tables.care.notification import Notification
from models.tables.clients.client import Client, default_portal_settings
from models.tables.clients.group import ClientGroup
from models.tables.clients.match import Match
from models.tables.clients.task import Task
from models.tables.forms.form import FormRequest
from models.tables.money.payment import Payment
from models.writes.timeline import tell
from rules.accounts.sides import AccountSide
from rules.enums import (
    AppointmentStatus,
    AppointmentType,
    ChatKind,
    ClientStatus,
    FormStatus,
    Mode,
    PaymentKind,
    PaymentStatus,
    Source,
    Stage,
    TaskKind,
)
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from rules.timeline import FactKind

CLIENTS, TASKS, CHATS, GROUPS, OTHERS = 10_000, 300, 40, 30, 30
SARA = "sara@large.example"
_FIRST = ("Anna", "Ben", "Chloé", "David", "Elif", "Farid", "Grace", "Hannah", "Ivan", "Jorge")
_LAST = ("Berg", "Cruz", "Diaz", "Evans", "Fischer", "Garcia", "Holm", "Ito", "Jensen", "Kowalski", "Lind", "Müller")
_BY = "care_team:bench"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SAID = "I read what you sent me, and tried it on two evenings. It went better than I had thought it would."


@dataclass(frozen=True, kw_only=True)
class LargePractice:
    """Whom and what the pages of a large practice are asked for."""

    sara: UUID
    group: UUID
    chat: UUID
    chat_of_care_team: UUID
    appointment: UUID
    ahead: UUID
    payment: UUID
    task: UUID


async def fill(url: str, sessions: Sessions, *, now: datetime, clients: int = CLIENTS) -> LargePractice:
    """Into the practice of a local stack, whose therapist Ana gets all of it."""
    await add_therapists(url, OTHERS, now=now, booked=30)
    async with sessions() as session:
        ana = await therapist_by_slug(session, "ana-silva")
        assert ana is not None, "the stack has its therapists"
        connection = await session.connection()
        made = _Made(ana, now, clients)
        for table, rows in made.plain():
            await connection.execute(insert(table), rows)
        session.add_all(made.sealed())
        await session.commit()
        sara = await session.get_one(Client, made.sara)
        for number in range(400):
            at = now - (400 - number) * _HOUR
            tell(
                session, sara, FactKind.DETAILS_CHANGED, at=at, by=_BY, text="Details were changed.", data={"n": number}
            )
        await session.commit()
        await (await session.connection()).execute(text("ANALYZE"))
        await session.commit()
    return made.named()


class _Made:
    """The rows, the same ones each time but for their ids."""

    def __init__(self, ana: Therapist, now: datetime, clients: int) -> None:
        self.ana, self.now, self.chance = ana, now, random.Random(7)  # noqa: S311 - figures, no secrets
        self.noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
        self.ids = [uuid4() for _ in range(clients)]
        self.sara = self.ids[0]
        self.groups = [uuid4() for _ in range(GROUPS)]
        self.appointments = [*self._sessions_of_sara(), *self._sessions()]
        self.payments = [*map(self._payment, (one for one in self.appointments if one["status"] == "occurred"))]
        self.tasks = [*self._tasks()]
        self.chats = [*self._chats()]

    def named(self) -> LargePractice:
        return LargePractice(
            sara=self.sara,
            group=self.groups[0],
            chat=self.chats[0].id,
            chat_of_care_team=next(chat.id for chat in self.chats if chat.kind is ChatKind.CARE_TEAM),
            appointment=self.appointments[0]["id"],
            ahead=next(
                one["id"] for one in self.appointments if one["status"] == "scheduled" and one["client_id"] == self.sara
            ),
            payment=self.payments[0]["id"],
            task=self.tasks[0]["id"],
        )

    def plain(self) -> Iterator[tuple[type[SQLModel], Rows]]:
        yield (
            ClientGroup,
            [
                {"id": id, "name": f"Group {n}", "name_folded": f"group {n}", "made_by": _BY, "made_at": self.now}
                for n, id in enumerate(self.groups)
            ],
        )
        yield Client, [self._client(number, id) for number, id in enumerate(self.ids)]
        yield (
            Match,
            [
                {"id": uuid4(), "client_id": id, "therapist_id": self.ana.id, "how": Source.CARE_TEAM, "made_by": _BY}
                | {"made_at": self.now - 300 * _DAY}
                for id in self.ids
            ],
        )
        yield Appointment, self.appointments
        yield (
            OccupiedTime,
            [
                {name: one[name] for name in ("id", "client_id", "therapist_id", "type", "starts_at", "ends_at")}
                | {"appointment_id": one["id"], "made_by": _BY, "made_at": self.now}
                for one in self.appointments
                if one["status"] == "scheduled"
            ],
        )
        yield Payment, self.payments
        yield Task, self.tasks
        yield (
            Notification,
            [
                {
                    "id": uuid4(),
                    "therapist_id": self.ana.id,
                    "client_id": self.chance.choice(self.ids),
                    "kind": "booked",
                }
                | {"text": "An appointment was booked.", "data": {}, "at": self.now - n * _HOUR}
                for n in range(500)
            ],
        )
        yield (
            FormRequest,
            [
                {"id": uuid4(), "client_id": id, "kind": kind, "version": 1, "number": 1, "requested_by": _BY}
                | {
                    "status": FormStatus.COMPLETE if n % 3 else FormStatus.REQUESTED,
                    "requested_at": self.now - 200 * _DAY,
                }
                | {"completed_at": self.now - 199 * _DAY if n % 3 else None}
                for n, id in enumerate(self.ids)
                for kind in ("informed_consent", "initial_consultation", "billing_info")
            ],
        )

    def sealed(self) -> Iterator[SQLModel]:
        """Rows with something in them that people wrote; those they refer to are there."""
        hashed = PasswordHasher().hash(PASSWORD)
        yield Account(
            id=uuid4(), side=AccountSide.CLIENT, client_id=self.sara, password_hash=hashed, made_at=self.now,
            made_by=_BY, activated_at=self.now,
        )  # fmt: skip
        yield from self.chats
        for chat in self.chats:
            if chat.client_id is not None:
                yield ChatMember(chat_id=chat.id, client_id=chat.client_id, joined_at=self.now, added_by=_BY)
            for seq in range(1, chat.last_seq + 1):
                hers = seq % 2 == 0
                yield ChatMessage(
                    id=uuid4(), chat_id=chat.id, seq=seq, author="therapist:ana-silva" if hers else _BY,
                    text=f"{_SAID} ({seq})", written_at=self.now - (chat.last_seq - seq) * timedelta(minutes=7),
                )  # fmt: skip
        held = [one for one in self.appointments if one["client_id"] == self.sara and one["status"] == "occurred"]
        for one in held:
            yield SessionNote(
                id=uuid4(), appointment_id=one["id"], client_id=self.sara, therapist_id=self.ana.id, text=_SAID,
                shared=True, written_by="therapist:ana-silva", written_at=one["ends_at"], shared_at=one["ends_at"],
            )  # fmt: skip
        for number in range(60):
            yield Goal(id=uuid4(), client_id=self.sara, text=_SAID, made_by=_BY, made_at=self.now - number * _DAY)
            document = Document(
                id=uuid4(), therapist_id=self.ana.id, title=f"Worksheet {number}", filename="sheet.txt", size=3,
                content_type="text/plain", sha256="0" * 64, uploaded_by=_BY, uploaded_at=self.now - number * _DAY,
            )  # fmt: skip
            yield document
            yield DocumentContent(document_id=document.id, number=0, content=b"abc")
            yield DocumentShare(
                id=uuid4(), document_id=document.id, client_id=self.sara, shared_by=_BY, shared_at=self.now
            )

    # ------------------------------------------------------------ one after the other

    def _client(self, number: int, id: UUID) -> dict[str, Any]:
        first, last = _FIRST[number % len(_FIRST)], f"{_LAST[number % len(_LAST)]}{number // 97 or ''}"
        email = f"client-{number}@large.example" if number else SARA
        archived = number % 20 == 19
        stage = (Stage.IN_CARE, Stage.SCHEDULING, Stage.INTAKE)[number % 3]
        return {
            "id": id,
            "ref": f"L{number:07}",
            "status": ClientStatus.ARCHIVED if archived else ClientStatus.ACTIVE,
            "stage": Stage.ARCHIVED if archived else stage,
            "stage_shown": stage,
            "first_name": first if number else "Sara",
            "last_name": last,
            "email": email,
            "email_folded": email,
            "phone": "+12125550100",
            "time_zone": "America/New_York",
            "state": "NY",
            "therapist_id": self.ana.id,
            "matched_at": self.now - 300 * _DAY,
            "group_id": self.groups[number % (3 * GROUPS)] if number % (3 * GROUPS) < GROUPS else None,
            "portal_settings": default_portal_settings(),
            "source": Source.CARE_TEAM,
            "made_by": _BY,
            "made_by_staff": True,
            "created_at": self.now - 300 * _DAY - number * timedelta(minutes=13),
            "account_active": number == 0,
            "activated_at": self.now if number == 0 else None,
            "archived_at": self.now - _DAY if archived else None,
        }

    def _sessions_of_sara(self) -> Iterator[dict[str, Any]]:
        for week in range(150):
            yield self._session(self.sara, self.noon - (week + 1) * 7 * _DAY)

    def _sessions(self) -> Iterator[dict[str, Any]]:
        """Eight a day, some years of it for thousands of clients, and three months ahead."""
        for day in range(-len(self.ids) // 10, 90):
            for hour in range(1, 9):
                start = self.noon + day * _DAY + hour * _HOUR
                client = self.sara if day in (3, 10) and hour == 1 else self.chance.choice(self.ids[1:])
                yield self._session(client, start)

    def _session(self, client_id: UUID, start: datetime) -> dict[str, Any]:
        past = start < self.now
        return {
            "id": uuid4(),
            "client_id": client_id,
            "therapist_id": self.ana.id,
            "type": AppointmentType.SESSION,
            "status": AppointmentStatus.OCCURRED if past else AppointmentStatus.SCHEDULED,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=50),
            "mode": Mode.VIDEO,
            "fee_amount": 12000,
            "fee_currency": "USD",
            "booked_by": _BY,
            "booked_at": start - 14 * _DAY,
            "planned_at": start - 14 * _DAY,
            "terms": Terms.of(JourneyPolicy()).document(),
            "fee_policy_version": 1,
            "outcome_at": start + _HOUR if past else None,
            "outcome_by": "therapist:ana-silva" if past else None,
        }

    def _payment(self, held: dict[str, Any]) -> dict[str, Any]:
        status = self.chance.choice((PaymentStatus.OWED, PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF))
        return {
            "id": uuid4(),
            "appointment_id": held["id"],
            "client_id": held["client_id"],
            "kind": PaymentKind.SESSION,
            "amount": 12000,
            "currency": "USD",
            "status": status,
            "created_at": held["ends_at"],
            "due_at": held["ends_at"] + _DAY,
            "deadline": held["ends_at"] + 2 * _DAY,
            "attempts": 3,
        }

    def _tasks(self) -> Iterator[dict[str, Any]]:
        kinds = (TaskKind.PAYMENT_OWED, TaskKind.NO_FIRST_SESSION, TaskKind.MAIL_UNDELIVERABLE, TaskKind.CARD_MISSING)
        for number in range(TASKS):
            payment = self.payments[number]
            kind = kinds[number % 7 % len(kinds)]
            yield {
                "id": uuid4(),
                "key": f"bench/{number}",
                "client_id": payment["client_id"],
                "kind": kind,
                "text": f"{kind.label}: somebody has to look at it, and to say what is to become of it.",
                "data": {"payment_id": str(payment["id"])},
                "opened_at": self.now - number * _HOUR,
            }

    def _chats(self) -> Iterator[Chat]:
        for kind in (ChatKind.DIRECT, ChatKind.CARE_TEAM):
            for number in range(CHATS):
                messages = 2000 if number == 0 else 60
                yield Chat(
                    id=uuid4(), kind=kind, client_id=self.ids[number],
                    therapist_id=self.ana.id if kind is ChatKind.DIRECT else None, made_by=_BY, made_at=self.now,
                    last_seq=messages, last_message_at=self.now - number * _HOUR,
                )  # fmt: skip
