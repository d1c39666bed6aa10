"""A full disk is said as such, to who asks and to who watches, until there is room again."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.conftest import SITE, problem_of
from tests.care.owner import Owner
from tests.care.rows import Rows

HOLD = {"type": "session", "starts_at": "2026-03-03T15:00:00Z"}
# PostgreSQL's own error, with its own number, from wherever rows or temporary tables would be written.
_FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE FUNCTION no_room_at_all() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON occupied_time FOR EACH ROW EXECUTE FUNCTION no_room();
CREATE EVENT TRIGGER no_room_at_all ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS')
  EXECUTE FUNCTION no_room_at_all()
"""
_ROOM = """
DROP EVENT TRIGGER IF EXISTS no_room_at_all;
DROP TRIGGER IF EXISTS no_room ON occupied_time;
DROP FUNCTION IF EXISTS no_room;
DROP FUNCTION IF EXISTS no_room_at_all
"""


async def _run(owner: Owner, script: str) -> None:
    async with owner.engine.begin() as connection:
        await connection.exec_driver_sql(script)


@pytest.fixture
async def full(owner: Owner) -> AsyncIterator[None]:
    await _run(owner, _FULL)
    yield
    await _run(owner, _ROOM)


async def test_a_full_disk_is_named_until_there_is_room(
    api: httpx.AsyncClient, rows: Rows, owner: Owner, full: None
) -> None:
    await rows.therapist()
    answer = await api.post("/v1/therapists/ana/holds", json=HOLD, headers=SITE)
    assert (answer.status_code, problem_of(answer)) == (503, "engine-unavailable")
    assert "disk is full" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "60"
    ready = await api.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, "disk full")

    await _run(owner, _ROOM)
    ready = await api.get("/readyz")
    assert (ready.status_code, set(ready.json().values())) == (200, {"ok"})
    assert (await api.post("/v1/therapists/ana/holds", json=HOLD, headers=SITE)).status_code == 201
