"""Programs' keys: shown once, narrowed by scopes, rotated with a day's overlap, revoked at once, and never an admin's
once admins are persons."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from api.accounts.programs import tell_of_odd_keys
from config import settings_or_exit
from models.database import Sessions, connect, session_factory
from models.tables import IdempotencyKey, ProgramKey
from models.writes.idempotency import LOST
from ops import keys as command
from rules.accounts.programs import KeyScope
from rules.enums import Role
from tests.api.conftest import DESK, ROOT, StandingClock, fields_of, problem_of
from tests.care.defaults import ADMIN_KEY
from tests.care.rows import NOW, Rows
from tests.local.environment import PRODUCTION
from tests.statements import statements

SITE = {"name": "new-site", "role": "booking_site"}
WATCH = {"name": "watch", "role": "care_team", "scopes": ["read"]}


async def made(api: httpx.AsyncClient, body: Any, **more: Any) -> Any:
    answer = await api.post("/v1/keys", json=body | more, headers=ROOT)
    assert answer.status_code == 201, answer.text
    return answer.json()


def by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def works(api: httpx.AsyncClient, key: str) -> bool:
    answer = await api.get("/v1/me", headers=by(key))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def listed(api: httpx.AsyncClient) -> list[Any]:
    return list((await api.get("/v1/keys", headers=ROOT)).json()["items"])


# ---------------------------------------------------------------- from the first to the last


async def test_a_key_is_shown_once_and_says_who_asks(api: httpx.AsyncClient, rows: Rows) -> None:
    new = await made(api, WATCH)
    assert (new["made_by"], new["scopes"], new["last_used_at"]) == ("admin:root", ["read"], None)
    me = (await api.get("/v1/me", headers=by(new["key"]))).json()
    assert (me["name"], me["role"]) == ("watch", "care_team")
    shown = (await api.get("/v1/keys", headers=ROOT)).text
    assert "watch" in shown
    assert new["key"] not in shown
    assert new["key"] not in str(await rows.snapshot("program_key"))
    assert problem_of(await api.get("/v1/keys", headers=DESK)) == "not-allowed"


async def test_a_rotated_key_is_good_for_a_day_more(api: httpx.AsyncClient, clock: StandingClock) -> None:
    first = await made(api, WATCH)
    second = (await api.post(f"/v1/keys/{first['id']}/rotate", headers=ROOT)).json()
    assert [await works(api, one["key"]) for one in (first, second)] == [True, True]
    third = (await api.post(f"/v1/keys/{first['id']}/rotate", headers=ROOT)).json()
    assert [await works(api, one["key"]) for one in (first, second, third)] == [False, True, True]
    clock.advance(hours=24)
    assert [await works(api, one["key"]) for one in (second, third)] == [False, True]
    assert (await listed(api))[0]["former_until"] is None
    fourth = (await api.post(f"/v1/keys/{first['id']}/rotate", json={"at_once": True}, headers=ROOT)).json()
    assert [await works(api, one["key"]) for one in (third, fourth)] == [False, True]


@pytest.mark.parametrize("what", ["", "/rotate"])
async def test_whose_answer_was_lost_asks_again_and_ends_nothing(api: httpx.AsyncClient, rows: Rows, what: str) -> None:
    first = await made(api, SITE)
    path = f"/v1/keys/{first['id']}{what}" if what else "/v1/keys"
    body, once = {} if what else WATCH, ROOT | {"Idempotency-Key": "once"}
    untold = (await api.post(path, json=body, headers=once)).json()
    async with rows.sessions() as session:
        await session.exec(update(IdempotencyKey).values(status=LOST))
        await session.commit()
    told = (await api.post(path, json=body, headers=once)).json()
    assert told["id"] == untold["id"]
    assert [await works(api, one["key"]) for one in (first, untold, told)] == [True, False, True]


async def test_a_revoked_key_ends_at_once_and_its_name_is_nobodys(api: httpx.AsyncClient) -> None:
    first = await made(api, WATCH)
    second = (await api.post(f"/v1/keys/{first['id']}/rotate", headers=ROOT)).json()
    assert (await api.delete(f"/v1/keys/{first['id']}", headers=ROOT)).status_code == 204
    assert [await works(api, one["key"]) for one in (first, second)] == [False, False]
    for gone in (
        await api.delete(f"/v1/keys/{first['id']}", headers=ROOT),
        await api.post(f"/v1/keys/{first['id']}/rotate", headers=ROOT),
    ):
        assert problem_of(gone) == "not-found"
    assert fields_of(await api.post("/v1/keys", json=WATCH, headers=ROOT)) == ["name"]
    [ended] = await listed(api)
    assert ended["revoked_at"] is not None


async def test_an_expired_key_ends_and_comes_back_with_another_end(
    api: httpx.AsyncClient, clock: StandingClock
) -> None:
    first = await made(api, WATCH, expires_at="2026-03-03T12:00:00Z")
    clock.advance(hours=23, minutes=59)
    assert await works(api, first["key"])
    clock.advance(minutes=1)
    assert not await works(api, first["key"])
    path = f"/v1/keys/{first['id']}/rotate"
    assert fields_of(await api.post(path, headers=ROOT)) == ["expires_at"]
    second = (await api.post(path, json={"expires_at": None}, headers=ROOT)).json()
    assert [await works(api, one["key"]) for one in (first, second)] == [False, True]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"role": "therapist"}, "role"),
        ({"scopes": ["write"]}, "scopes[0]"),
        ({"scopes": ["book"]}, "scopes"),
        ({"expires_at": "2026-03-02T12:00:00Z"}, "expires_at"),
        ({"name": "desk"}, "name"),
        ({"name": "maria"}, "name"),
        ({"name": "Not A Name"}, "name"),
    ],
)
async def test_what_is_no_key(api: httpx.AsyncClient, rows: Rows, more: Any, field: str) -> None:
    await rows.staff("maria", Role.CARE_TEAM)
    assert fields_of(await api.post("/v1/keys", json=WATCH | more, headers=ROOT)) == [field]


async def test_a_persons_handle_is_no_programs_name(api: httpx.AsyncClient) -> None:
    await made(api, WATCH)
    watch = {"name": "Watch", "email": "watch@practice.example", "roles": ["care_team"]}
    assert (await api.post("/v1/staff", json=watch, headers=ROOT)).json()["handle"] == "watch-2"


async def test_of_two_who_take_a_name_at_once_one_has_it(api: httpx.AsyncClient) -> None:
    ivo = {"name": "Ivo", "email": "ivo@practice.example", "roles": ["care_team"]}
    asked = [api.post("/v1/keys", json=WATCH | {"name": "ivo"}, headers=ROOT) for _ in range(3)]
    *keys, person = await asyncio.gather(*asked, api.post("/v1/staff", json=ivo, headers=ROOT))
    names = [answer.json()["name"] for answer in keys if answer.status_code == 201] + [person.json()["handle"]]
    assert sorted(names) in (["ivo"], ["ivo", "ivo-2"])
    assert len(names) == len(set(names))


# ---------------------------------------------------------------- what it reaches


async def test_a_key_reaches_no_more_than_its_scopes(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    client = await rows.client(ana)
    watch = by((await made(api, WATCH))["key"])
    assert (await api.get(f"/v1/clients/{client.id}", headers=watch)).status_code == 200
    for method, path, body in (
        ("POST", f"/v1/clients/{client.id}/archive", {}),
        ("PATCH", f"/v1/clients/{client.id}", {"first_name": "Eve"}),
        ("POST", "/v1/groups", {"name": "New"}),
        ("POST", "/codec/decode", {"payloads": []}),
    ):
        answer = await api.request(method, path, json=body, headers=watch)
        assert problem_of(answer) == "not-allowed", path
        assert answer.json()["scopes"] == ["read"]


async def test_a_site_key_reaches_no_more_than_its_scopes(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    hold = {"type": "session", "starts_at": "2026-03-10T15:00:00Z"}
    journey = {"source": "direct_booking", "therapist": "ana"}
    widget = by((await made(api, SITE, name="widget", scopes=["hold_slots"]))["key"])
    assert (await api.post("/v1/therapists/ana/holds", json=hold, headers=widget)).status_code == 201
    assert problem_of(await api.post("/v1/journeys", json=journey, headers=widget)) == "not-allowed"
    form = by((await made(api, SITE, name="form", scopes=["start_journeys"]))["key"])
    assert problem_of(await api.post("/v1/therapists/ana/holds", json=hold, headers=form)) == "not-allowed"
    assert (await api.get("/v1/therapists/ana", headers=form)).status_code == 200  # as anybody


@pytest.mark.parametrize("key", ["cjk_", "cjk_unknown", "cjk_é", "cjk_" + "x" * 300])
async def test_a_made_up_key_is_nobodys(api: httpx.AsyncClient, key: str) -> None:
    answer = await api.get("/v1/me", headers={b"Authorization": f"Bearer {key}".encode()})
    assert problem_of(answer) == "unauthenticated"


# ---------------------------------------------------------------- its last use


async def test_the_last_use_is_written_once_in_some_minutes(
    api: httpx.AsyncClient, database: AsyncEngine, clock: StandingClock
) -> None:
    key = (await made(api, WATCH))["key"]

    async def asks() -> int:
        with statements(database) as asked:
            assert await works(api, key)
        return len([one for one in asked if one.startswith("UPDATE program_key")])

    assert [await asks() for _ in range(4)] == [1, 0, 0, 0]
    clock.advance(minutes=4, seconds=59)
    assert await asks() == 0
    clock.advance(seconds=1)
    assert [await asks() for _ in range(3)] == [1, 0, 0]
    [row] = await listed(api)
    assert row["last_used_at"] == "2026-03-02T12:05:00Z"


async def test_of_many_at_once_one_notes_the_use(api: httpx.AsyncClient, rows: Rows, database: AsyncEngine) -> None:
    key = (await made(api, WATCH))["key"]
    assert all(await asyncio.gather(*(works(api, key) for _ in range(8))))
    async with rows.sessions() as session:
        row = (await session.exec(select(ProgramKey).where(col(ProgramKey.name) == "watch"))).one()
    assert row.last_used_at == NOW


# ---------------------------------------------------------------- admins are persons


@pytest.fixture
def in_production(app: FastAPI) -> Iterator[FastAPI]:
    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, admins_are_persons=True))
    yield app
    app.state.services = services


async def test_no_key_is_an_admins_once_an_admin_has_an_account(
    in_production: FastAPI, api: httpx.AsyncClient, rows: Rows, sessions: Sessions, clock: StandingClock
) -> None:
    root = await made(api, {"name": "second-root", "role": "admin"})
    await rows.staff("eva", Role.ADMIN, activated_at=None)  # invited
    assert await works(api, root["key"])
    settings = in_production.state.services.settings
    with structlog.testing.capture_logs() as logged:
        await tell_of_odd_keys(sessions, settings=settings, clock=clock)
    assert logged == []
    eva = await rows.session_of(await rows.staff("maria", Role.ADMIN))
    for key in (ADMIN_KEY, root["key"]):
        refused = await api.get("/v1/keys", headers=by(key))
        assert problem_of(refused) == "not-allowed"
        assert "as a person" in refused.json()["detail"]
    assert (await api.get("/v1/tasks", headers=DESK)).status_code == 200  # other roles are programs' still
    assert (await api.get("/v1/keys", headers=eva)).status_code == 200
    dead = await api.post("/v1/keys", json={"name": "third-root", "role": "admin"}, headers=eva)
    assert fields_of(dead) == ["role"]
    with structlog.testing.capture_logs() as logged:
        await tell_of_odd_keys(sessions, settings=settings, clock=clock)
    [line] = logged
    assert line["keys"] == ["root", "second-root"]


async def test_elsewhere_the_development_key_stays(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.staff("maria", Role.ADMIN)
    assert await works(api, ADMIN_KEY)


async def test_a_key_in_the_settings_with_anothers_name_is_told(
    app: FastAPI, rows: Rows, sessions: Sessions, clock: StandingClock
) -> None:
    await rows.staff("desk", Role.CARE_TEAM)
    with structlog.testing.capture_logs() as logged:
        await tell_of_odd_keys(sessions, settings=app.state.services.settings, clock=clock)
    assert [line["keys"] for line in logged] == [["desk"]]


# ---------------------------------------------------------------- by command


async def test_nor_by_command_once_an_admin_has_an_account(sessions: Sessions, rows: Rows) -> None:
    said: Any = {"names": (), "admins_are_persons": True, "at": NOW}
    await command.make(sessions, "first-root", Role.ADMIN, **said)
    await rows.staff("maria", Role.ADMIN)
    before = await rows.snapshot("program_key", "access_line")
    with pytest.raises(command.Wrong, match="Admins are persons here"):
        await command.make(sessions, "second-root", Role.ADMIN, **said)
    assert await rows.snapshot("program_key", "access_line") == before
    await command.make(sessions, "watch", Role.CARE_TEAM, **said)
    await command.make(sessions, "second-root", Role.ADMIN, **said | {"admins_are_persons": False})


async def test_the_command_says_why_in_production(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = connect(database_url, pool_size=1)
    await Rows(session_factory(engine)).staff("maria", Role.ADMIN)
    await engine.dispose()
    for name, value in (PRODUCTION | {"DATABASE_URL": database_url}).items():
        monkeypatch.setenv(name, value)
    asked = command._parser().parse_args(["make", "second-root", "admin"])
    assert await command._main(settings_or_exit(), asked) == 1
    assert capsys.readouterr().err.startswith("Admins are persons here")


async def test_the_same_by_command(api: httpx.AsyncClient, sessions: Sessions) -> None:
    settings: Any = {"names": ("desk",), "at": NOW}
    first = await command.make(sessions, "watch", Role.CARE_TEAM, scopes=[KeyScope.READ], **settings)
    for name, role, scopes in (
        ("watch", Role.CARE_TEAM, []),
        ("desk", Role.CARE_TEAM, []),
        ("other", Role.CLIENT, []),
        ("other", Role.ADMIN, [KeyScope.BOOK]),
    ):
        with pytest.raises(command.Wrong):
            await command.make(sessions, name, role, scopes=scopes, **settings)
    second = await command.rotate(sessions, "watch", at_once=False, at=NOW)
    assert [await works(api, key) for key in (first, second)] == [True, True]
    third = await command.rotate(sessions, "watch", at_once=True, at=NOW)
    assert [await works(api, key) for key in (first, second, third)] == [False, False, True]
    [line] = await command.lines(sessions, at=NOW)
    assert line.startswith("watch: care_team (read), last used 2026-03-02T12:00:00+00:00, made by ops.keys")
    assert third not in line
    await command.revoke(sessions, "watch", at=NOW)
    assert not await works(api, third)
    assert "ended" in (await command.lines(sessions, at=NOW))[0]
    for again in (command.revoke(sessions, "watch", at=NOW), command.rotate(sessions, "watch", at_once=True, at=NOW)):
        with pytest.raises(command.Wrong):
            await again
