"""What archiving a client and making one active again answer: once it is recorded, before that, and too late."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.reads.clients.step_answers import ARCHIVE_CLIENT, UNARCHIVE_CLIENT
from models.tables import Client, StepAnswer
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.enums import ClientStatus
from rules.timeline import FactKind
from tests.api.conftest import DESK, ToldEngine, problem_of
from tests.care.rows import NOW, Rows

Json = dict[str, Any]
BROUGHT_BACK: Json = {
    "restored": {
        "appointments": [
            {
                "id": str(uuid4()),
                "restored_from": str(uuid4()),
                "type": "session",
                "therapist": "ana",
                "starts_at": "2026-03-16T15:00:00Z",
                "ends_at": "2026-03-16T15:50:00Z",
                "series_id": None,
                "exceptions": [],
            }
        ],
        "payments": [],
    },
    "not_restored": [{"kind": "chat", "id": "x", "because": "Group chats are not rejoined."}],
}
NOTHING: Json = {"restored": {"appointments": [], "payments": []}, "not_restored": []}


@dataclass
class Desk:
    """Asks the API, and records for the journey what it has done."""

    api: httpx.AsyncClient
    rows: Rows

    async def ask(self, client: Client, what: str, body: Json, *, key: str = "k") -> httpx.Response:
        headers = DESK | {"Idempotency-Key": key}
        return await self.api.post(f"/v1/clients/{client.id}/{what}", json=body, headers=headers)

    async def client(self, status: ClientStatus) -> Client:
        return await self.rows.client(await self.rows.therapist(), status=status)

    async def record(self, client: Client, status: ClientStatus, data: Json) -> None:
        async with self.rows.sessions() as session:
            row = await lock_client(session, client.id)
            row.status, row.archive_record = status, data if status is ClientStatus.ARCHIVED else None
            kind = FactKind.ARCHIVED if status is ClientStatus.ARCHIVED else FactKind.UNARCHIVED
            said = {name: value for name, value in data.items() if name != "reason"}
            words = data.get("reason")
            tell(session, row, kind, at=NOW, by="care_team:desk", text="Done.", data=said, words=words)
            step = ARCHIVE_CLIENT if status is ClientStatus.ARCHIVED else UNARCHIVE_CLIENT
            request = data["request_id"]
            session.add(StepAnswer(client_id=client.id, step=step, request_id=request, answer={}, made_at=NOW))
            await session.commit()


@pytest.fixture
def desk(api: httpx.AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("api.routes.archive.archives._WAIT_AT_MOST", 0.1)
    return Desk(api, rows)


@dataclass(frozen=True)
class Case:
    what: str
    body: Json
    other: Json
    before: ClientStatus
    after: ClientStatus
    recorded: Json
    told: Json


CASES = (
    Case(
        what="archive",
        body={"reason": "moved"},
        other={"reason": "another"},
        before=ClientStatus.ACTIVE,
        after=ClientStatus.ARCHIVED,
        recorded={"reason": "moved", "payments": []},
        told={"already_archived": False, "reason": "moved", "payments": []},
    ),
    Case(
        what="unarchive",
        body={"restore": True},
        other={"restore": False},
        before=ClientStatus.ARCHIVED,
        after=ClientStatus.ACTIVE,
        recorded=BROUGHT_BACK,
        told={"status": "active", "already_active": False, **BROUGHT_BACK},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_an_answer_that_says_not_yet_is_not_kept_and_the_same_key_looks_again(
    desk: Desk, engine: ToldEngine, case: Case
) -> None:
    engine.answers_to[case.what] = None
    sara = await desk.client(case.before)
    answers = [await desk.ask(sara, case.what, case.body) for _ in range(2)]
    request_id = engine.asked[0].order.request_id
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
        assert "idempotent-replayed" not in answer.headers
        assert answer.json() == {
            "client_id": str(sara.id),
            "test": False,
            "status": "pending",
            "request_id": request_id,
        }
    assert [asked.order.request_id for asked in engine.asked] == [request_id] * 2  # an echo, for the journey
    assert problem_of(await desk.ask(sara, case.what, case.other)) == "idempotency-key-reused"

    await desk.record(sara, case.after, {**case.recorded, "request_id": request_id})
    done, again = [await desk.ask(sara, case.what, case.body) for _ in range(2)]
    assert (done.status_code, again.status_code) == (200, 200)
    assert case.told.items() <= done.json().items()
    assert again.json() == done.json()
    assert [answer.headers.get("idempotent-replayed") for answer in (done, again)] == [None, "true"]  # kept, from now
    assert "retry-after" not in done.headers


async def test_an_archive_of_many_has_begun_for_good_and_its_202_is_kept(
    desk: Desk, engine: ToldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def archive_many(*_: object, **__: object) -> None: ...

    monkeypatch.setattr(engine, "archive_many", archive_many)
    body = {"client_ids": [str((await desk.client(ClientStatus.ACTIVE)).id)]}
    headers = DESK | {"Idempotency-Key": "k"}
    first, second = [await desk.api.post("/v1/archives", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


async def test_x3_a_restore_that_comes_too_late_says_so(desk: Desk, engine: ToldEngine) -> None:
    sara = await desk.client(ClientStatus.ARCHIVED)

    async def a_booking_was_quicker(_: object) -> None:
        await desk.record(sara, ClientStatus.ACTIVE, {"request_id": "the booking's"})

    engine.answers_to["unarchive"] = a_booking_was_quicker
    for key in ("at-that-moment", "later"):
        answer = await desk.ask(sara, "unarchive", {"restore": True}, key=key)
        assert answer.status_code == 200
        assert answer.json() == {
            "client_id": str(sara.id),
            "test": False,
            "status": "active",
            "already_active": True,
            **NOTHING,
        }
    assert len(engine.asked) == 1  # the second found nothing to ask for


async def test_making_active_without_a_restore_is_not_too_late(desk: Desk, engine: ToldEngine) -> None:
    sara = await desk.client(ClientStatus.ARCHIVED)

    async def at_once(signal: Any) -> None:
        await desk.record(sara, ClientStatus.ACTIVE, {"request_id": signal.request_id})

    engine.answers_to["unarchive"] = at_once
    answer = await desk.ask(sara, "unarchive", {})
    assert answer.json() == {
        "client_id": str(sara.id),
        "test": False,
        "status": "active",
        "already_active": False,
        **NOTHING,
    }
