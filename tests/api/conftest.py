"""The API on a real database, with a clock that stands still and an engine that answers what a test tells it to."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from activities.base import Dependencies
from activities.gateways.simulated import SimulatedGateway
from activities.types.clients import NewJourney, Opened
from api.accounts.key_uses import KeyUses
from api.accounts.signing_in.passwords import Passwords
from api.app import create_app
from api.bounds.disk import Disk
from api.engine import Gone, JourneyEngine
from api.problems import Refused
from api.watching.practice import WatchedPractice
from engine.codec import PayloadKeys
from models.database import Sessions
from rules.policy import JourneyPolicy
from tests.api.callers import Callers, everybody
from tests.api.described import Described
from tests.care.defaults import ADMIN_KEY, DESK_KEY, HASHER, OFFICE_KEY, SITE_KEY, api_settings, dependencies
from tests.care.on_behalf import beside_the_key
from tests.care.practice import Post
from tests.care.rows import NOW, Rows
from workflows.messages import LOOK_AGAIN, PRACTICE_MAIL_ID, Update, calendar_id, webhook_workflow_id

SITE, DESK, OFFICE, ROOT = (
    {"Authorization": f"Bearer {secret}"} for secret in (SITE_KEY, DESK_KEY, OFFICE_KEY, ADMIN_KEY)
)
PUBLIC_URL = "https://care.example"
UI = "http://127.0.0.1:8233"
CIPHER = PayloadKeys(keys=(("one", b"1" * 32),))
SETTINGS = api_settings(PUBLIC_URL, JourneyPolicy(), ui_origins=(UI,))


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
    """``answers`` by the message's name, without "system." if you like: a value, a function of the order, or an error.
    One with a refusal is raised, as a workflow fails an update that it refuses."""

    answers_to: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)  # workflows that somebody has ended

    async def _answer(self, name: str, order: Any) -> Any:
        answer = self.answers_to[name if name in self.answers_to else name.removeprefix("system.")]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(order)
            answer = await answer if hasattr(answer, "__await__") else answer
        if getattr(answer, "refusal", None) is not None:
            raise Refused(answer.refusal)
        return answer

    async def start(self, new: NewJourney, *, epoch: UUID | None = None) -> Opened:
        self.asked.append(Asked(new.client_id, "begin", new, new.request_id))
        answer = await self._answer("begin", new)
        assert isinstance(answer, Opened)
        return answer

    async def update(self, workflow_id: str, update: Update[Any, Any], order: Any, *, request_id: UUID | str) -> Any:
        self.asked.append(Asked(workflow_id, update.name, order, str(request_id)))
        return await self._answer(update.name, order)

    async def signal(self, workflow_id: str, name: str, argument: object = None) -> Gone | None:
        self.asked.append(Asked(workflow_id, name, argument, ""))
        answer = await self._answer(name, argument)
        assert answer is None or isinstance(answer, Gone)
        return answer

    async def wake_practice_mail(self) -> None:
        self.asked.append(Asked(PRACTICE_MAIL_ID, LOOK_AGAIN, None, ""))

    async def wake_webhook(self, endpoint_id: UUID) -> None:
        self.asked.append(Asked(webhook_workflow_id(str(endpoint_id)), LOOK_AGAIN, None, ""))

    async def wake_calendar(self, id: str) -> None:
        self.asked.append(Asked(calendar_id(id), LOOK_AGAIN, None, ""))

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
        passwords=Passwords(hasher=HASHER),
        disk=Disk(),
        pulse=None,
        key_uses=KeyUses(),
        practice=WatchedPractice(sessions, clock),
    )
    return whole_app


@contextmanager
def other_settings(app: FastAPI, **more: Any) -> Iterator[None]:
    """The same API with these settings, for a while."""
    before = app.state.services
    app.state.services = replace(before, settings=replace(before.settings, **more))
    try:
        yield
    finally:
        app.state.services = before


def asking(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api")


@pytest.fixture
async def bare_api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Asks just what it is told to ask."""
    async with asking(app) as client:
        yield client


@pytest.fixture(scope="session")
def described(whole_app: FastAPI) -> Described:
    return Described(whole_app)


@pytest.fixture
async def api(
    app: FastAPI, sessions: Sessions, clock: StandingClock, described: Described
) -> AsyncIterator[httpx.AsyncClient]:
    """Where the booking site asks about a client, it does so on their behalf. No test may get an answer with a status
    that the description does not have."""

    async def on_behalf(request: httpx.Request) -> None:
        if request.headers.get("authorization") == SITE["Authorization"] and "on-behalf-of" not in request.headers:
            body: Any = None
            with suppress(ValueError, RecursionError, httpx.RequestNotRead):
                body = json.loads(request.content)
            said = await beside_the_key(sessions, request.method, request.url.path, body, at=clock.time)
            request.headers.update(said)

    async with asking(app) as client:
        client.event_hooks = {"request": [on_behalf], "response": [described.holds]}
        yield client


def steps_behind(rows: Rows, clock: StandingClock) -> Dependencies:
    """For steps that run at once, where the engine would have run them."""
    return dependencies(
        sessions=rows.sessions,
        clock=clock,
        payments=SimulatedGateway(),
        mailer=Post(),
        keys=CIPHER,
        public_url=PUBLIC_URL,
    )


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


@pytest.fixture
def therapist_token(rows: Rows, clock: StandingClock) -> Callable[[str], Any]:
    async def make(slug: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {await rows.token_of(slug, made_at=clock.time)}"}

    return make


@pytest.fixture
async def people(rows: Rows, therapist_token: Callable[[str], Any]) -> Callers:
    """Two therapists, each with a client, and the headers of everybody who can ask."""
    return await everybody(rows, therapist_token)


def problem_of(answer: httpx.Response) -> str:
    """The name of a problem, once the whole document is as it should be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["Request-Id"]
    base, _, name = document["type"].rpartition("/")
    assert base == f"{PUBLIC_URL}/problems"
    return str(name)


def said_of(answer: httpx.Response) -> str:
    """All that an answer says, but for its id, which is another for each."""
    return answer.text.replace(answer.headers["Request-Id"], "")


def fields_of(answer: httpx.Response) -> list[str]:
    assert problem_of(answer) == "validation-failed"
    return [line["field"] for line in answer.json()["errors"]]
