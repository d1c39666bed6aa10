"""The API on a real database, with a clock that stands still and an engine that answers what a test tells it to."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlmodel import SQLModel

from activities.types.clients import NewJourney, Opened
from api.app import create_app
from api.auth import FailedSignIns, Passwords
from api.engine import Gone, JourneyEngine
from api.settings import ApiSettings, ServiceKey
from config import DEV_SENDGRID_WEBHOOK_PUBLIC_KEY
from engine.codec import PayloadKeys
from engine.event_key import EventKey
from models.database import Sessions
from models.tables import Appointment, Client, Match, OccupiedTime, Payment, Therapist
from models.writes.booking.hours import save_availability
from rules.booking.availability import read_availability
from rules.enums import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    IntroCalls,
    Mode,
    PaymentKind,
    PaymentStatus,
    Role,
    Source,
    Stage,
)
from rules.policy import JourneyPolicy
from workflows.messages import Update

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
SITE = {"Authorization": "Bearer site-key"}
DESK = {"Authorization": "Bearer desk-key"}
ROOT = {"Authorization": "Bearer root-key"}
PUBLIC_URL = "https://care.example"
EMAIL_FROM = "hello@practice.example"
UI = "http://127.0.0.1:8233"
WEBHOOK_SECRET = "whsec_tests"
CIPHER = PayloadKeys(keys=(("one", b"1" * 32),))
SETTINGS = ApiSettings(
    public_url=PUBLIC_URL,
    email_from=EMAIL_FROM,
    service_keys=(
        ServiceKey(role=Role.BOOKING_SITE, name="site", secret="site-key"),
        ServiceKey(role=Role.CARE_TEAM, name="desk", secret="desk-key"),
        ServiceKey(role=Role.ADMIN, name="root", secret="root-key"),
    ),
    stripe_webhook_secret=WEBHOOK_SECRET,
    mail_event_key=EventKey.parse(DEV_SENDGRID_WEBHOOK_PUBLIC_KEY),
    policy=JourneyPolicy(),
    ui_origins=(UI,),
)


HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a quick one
PASSWORDS = Passwords(hasher=HASHER)


class StandingClock:
    def __init__(self) -> None:
        self.time = NOW

    async def now(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)


@dataclass
class Asked:
    workflow_id: str
    name: str
    order: Any
    request_id: str


Answer = Callable[[Any], Any]


@dataclass
class ToldEngine(JourneyEngine):
    """``answers`` by the update's name: a value, a function of the order, or an exception to raise."""

    answers_to: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)  # workflows that somebody has ended

    async def _answer(self, name: str, order: Any) -> Any:
        answer = self.answers_to[name]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(order)
            return await answer if hasattr(answer, "__await__") else answer
        return answer

    async def start(self, new: NewJourney, policy: JourneyPolicy) -> Opened:
        self.asked.append(Asked(new.client_id, "begin", new, new.request_id))
        answer = await self._answer("begin", new)
        assert isinstance(answer, Opened)
        return answer

    async def update(self, workflow_id: str, update: Update[Any, Any], order: Any, *, request_id: UUID | str) -> Any:
        self.asked.append(Asked(workflow_id, update.name, order, str(request_id)))
        return await self._answer(update.name, order)

    async def signal(self, workflow_id: str, name: str, argument: object) -> Gone | None:
        self.asked.append(Asked(workflow_id, name, argument, ""))
        answer = await self._answer(name, argument)
        assert answer is None or isinstance(answer, Gone)
        return answer

    async def ask(self, workflow_id: str, query: str, answer: type[Any]) -> Any:
        """Nobody answers for a workflow, unless told."""
        told = self.answers_to.get(query)
        assert told is None or isinstance(told, answer)
        return told

    async def is_under_way(self, workflow_id: str) -> bool:
        return workflow_id not in self.ended

    async def answers(self) -> bool:
        return True


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def engine() -> ToldEngine:
    return ToldEngine()


@pytest.fixture(scope="session")
def whole_app() -> FastAPI:
    """Put together once; each test gives it services of its own."""
    nothing: Any = None
    return create_app(sessions=nothing, engine=nothing, clock=nothing, settings=SETTINGS, cipher=CIPHER)


@pytest.fixture
def app(whole_app: FastAPI, sessions: Sessions, clock: StandingClock, engine: ToldEngine) -> FastAPI:
    whole_app.state.services = replace(
        whole_app.state.services,
        sessions=sessions,
        engine=engine,
        clock=clock,
        sign_ins=FailedSignIns(),
        passwords=PASSWORDS,
    )
    return whole_app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


class Rows:
    """Writes rows as a journey would have left them."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    async def add(self, *rows: SQLModel) -> None:
        async with self.sessions() as session:
            for row in rows:
                session.add(row)
                await session.flush()
            await session.commit()

    async def therapist(self, slug: str = "ana", **more: Any) -> Therapist:
        """Works every day from nine to five, in New York unless told otherwise, without notice."""
        zone = more.pop("time_zone", "America/New_York")
        settings = more.pop("settings", {"session": {"minimum_notice": 0}, "intro_call": {"minimum_notice": 0}})
        row = Therapist(
            id=uuid4(),
            slug=slug,
            name=more.pop("name", slug.title()),
            email=f"{slug}@practice.example",
            time_zone=zone,
            session_fee_amount=15000,
            session_fee_currency="USD",
            intro_calls=more.pop("intro_calls", IntroCalls.OPTIONAL),
            created_at=NOW,
            **more,
        )
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        weekly = [{"weekday": d, "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]} for d in days]
        async with self.sessions() as session:
            session.add(row)
            await session.flush()
            availability = read_availability({"weekly": weekly, "settings": settings}, time_zone=zone)
            await save_availability(session, row, availability)
            await session.commit()
        return row

    async def client(self, therapist: Therapist | None = None, **more: Any) -> Client:
        id = uuid4()
        stage = more.pop("stage", Stage.FIRST_BOOKING if therapist else Stage.MATCHING)
        row = Client(
            id=id,
            ref=id.hex[:10].upper(),
            source=Source.MATCHING_FORM,
            made_by="booking_site:site",
            created_at=more.pop("created_at", NOW),
            therapist_id=therapist.id if therapist else None,
            stage=stage,
            stage_shown=more.pop("stage_shown", Stage.MATCHING if stage is Stage.ARCHIVED else stage),
            status=more.pop("status", ClientStatus.ACTIVE),
            **more,
        )
        await self.add(row)
        if therapist:
            how = Source.CARE_TEAM
            await self.add(
                Match(id=uuid4(), client_id=id, therapist_id=therapist.id, how=how, made_by="x", made_at=NOW)
            )
        return row

    async def appointment(self, client: Client, therapist: Therapist, **more: Any) -> Appointment:
        starts_at = more.pop("starts_at", NOW + timedelta(days=7))
        row = Appointment(
            id=uuid4(),
            client_id=client.id,
            therapist_id=therapist.id,
            type=more.pop("type", AppointmentType.SESSION),
            status=more.pop("status", AppointmentStatus.SCHEDULED),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=50),
            mode=more.pop("mode", Mode.VIDEO),
            fee_amount=15000,
            fee_currency="USD",
            booked_by="care_team:desk",
            booked_at=NOW,
            **more,
        )
        await self.add(row)
        if row.status is AppointmentStatus.SCHEDULED:
            await self.add(
                OccupiedTime(
                    id=row.id,
                    therapist_id=therapist.id,
                    client_id=client.id,
                    appointment_id=row.id,
                    type=row.type,
                    starts_at=row.starts_at,
                    ends_at=row.ends_at,
                    made_by="care_team:desk",
                    made_at=NOW,
                )
            )
        return row

    async def payment(self, appointment: Appointment, **more: Any) -> Payment:
        row = Payment(
            id=uuid4(),
            appointment_id=appointment.id,
            client_id=appointment.client_id,
            kind=PaymentKind.SESSION,
            amount=15000,
            currency="USD",
            status=more.pop("status", PaymentStatus.SCHEDULED),
            created_at=NOW,
            due_at=appointment.ends_at + timedelta(days=1),
            deadline=appointment.ends_at + timedelta(days=2),
            **more,
        )
        await self.add(row)
        return row


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


@pytest.fixture
def therapist_token(api: httpx.AsyncClient) -> Callable[[str], Any]:
    async def make(slug: str) -> dict[str, str]:
        answer = await api.post(f"/v1/therapists/{slug}/tokens", headers=ROOT)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    return make


def problem_of(answer: httpx.Response) -> str:
    """The name of a problem, once the whole document is as it should be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    if not document["type"].endswith("/email-in-use"):  # which tells staff the other client's status there
        assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    base, _, name = document["type"].rpartition("/")
    assert base == f"{PUBLIC_URL}/problems"
    return str(name)


def fields_of(answer: httpx.Response) -> list[str]:
    assert problem_of(answer) == "validation-failed"
    return [line["field"] for line in answer.json()["errors"]]
