"""Archives of all whom a filter finds: who they are is settled once, the preview is paged, and so are the results."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from models.database import Sessions
from models.reads.booking.therapists import therapist_by_slug
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from rules.archive import bulk as rule
from rules.enums import ArchiveResult, ClientStatus, Stage
from tests.api.archive.test_bulk_archives import Token, ToldToArchive
from tests.api.conftest import DESK, fields_of
from tests.care.rows import NOW, Rows

ACTIVE = {"status": "active"}


@pytest.fixture
def engine() -> ToldToArchive:
    return ToldToArchive()


async def _ask(api: httpx.AsyncClient, filter: dict[str, Any], *, by: Any = DESK, **more: Any) -> httpx.Response:
    return await api.post("/v1/archives", json={"filter": filter, **more}, headers=by)


async def _people(rows: Rows) -> list[Client]:
    """Anna to Edith, the newest last; Edith is archived, and somebody beside them was let go."""
    ana = await rows.therapist("ana")
    people = [
        await rows.client(
            ana, first_name=name, last_name="Lind", created_at=NOW + timedelta(minutes=number), stage=Stage.IN_CARE
        )
        for number, name in enumerate(("Anna", "Berta", "Carla", "Doris"))
    ]
    people.append(await rows.client(ana, first_name="Edith", last_name="Lind", status=ClientStatus.ARCHIVED))
    await rows.client(ana, first_name="Frieda", closed_at=NOW)
    return people


async def _asked(api: httpx.AsyncClient, archive_id: str, **query: Any) -> list[str]:
    view = (await api.get(f"/v1/archives/{archive_id}", headers=DESK, params=query)).json()
    return [line["name"].split()[0] for line in view["results"]]


async def test_all_that_a_filter_lists_are_archived_and_nobody_who_comes_later(
    api: httpx.AsyncClient, rows: Rows, engine: ToldToArchive, therapist_token: Token
) -> None:
    people = await _people(rows)
    ben = await rows.therapist("ben")
    group = ClientGroup(id=uuid4(), name="Monday", name_folded="monday", made_by="x", made_at=NOW)
    await rows.add(group)
    await rows.change(people[0], group_id=group.id)
    await rows.client(ben, first_name="Gerda", last_name="Lind", stage=Stage.FIRST_BOOKING)
    for filter, names in (
        (ACTIVE, {"Anna", "Berta", "Carla", "Doris", "Gerda"}),
        ({}, {"Anna", "Berta", "Carla", "Doris", "Edith", "Gerda"}),
        (ACTIVE | {"therapist": "ana", "q": "LIND"}, {"Anna", "Berta", "Carla", "Doris"}),
        (ACTIVE | {"stage": "first_booking"}, {"Gerda"}),
        ({"q": "rta li"}, {"Berta"}),
        ({"group": str(group.id)}, {"Anna"}),
    ):
        listed = (await api.get("/v1/clients", headers=DESK, params=filter)).json()["items"]
        told = (await _ask(api, filter, dry_run=True)).json()
        assert {line["first_name"] for line in listed} == names
        assert {line["name"].split()[0] for line in told["clients"]} == names, filter
        assert told["totals"]["clients"] == len(names)

    key = DESK | {"Idempotency-Key": "once"}
    answer = await _ask(api, ACTIVE | {"therapist": "ana"}, by=key, expected=4)
    assert answer.status_code == 202, answer.text
    archive_id = answer.json()["archive_id"]
    await rows.client(await _ana(rows), first_name="Helga")
    assert (await _ask(api, ACTIVE | {"therapist": "ana"}, by=key, expected=4)).json() == {"archive_id": archive_id}
    assert set(engine.many) == {(UUID(archive_id), 4, "care_team:desk")}
    assert await _asked(api, archive_id) == ["Doris", "Carla", "Berta", "Anna"]  # as the list has them

    as_ben = await therapist_token("ben")
    own = (await _ask(api, {}, by=as_ben)).json()["archive_id"]
    assert await _asked(api, own) == ["Gerda"]


async def _ana(rows: Rows) -> Any:
    async with rows.sessions() as session:
        return await therapist_by_slug(session, "ana")


async def test_what_was_not_meant_is_refused_and_leaves_nothing_behind(
    api: httpx.AsyncClient, rows: Rows, engine: ToldToArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await _people(rows)
    for body in ({"dry_run": True}, {}):
        assert fields_of(await _ask(api, ACTIVE, expected=5, **body)) == ["expected"]
        assert fields_of(await _ask(api, {"q": "nobody"}, **body)) == ["filter"]
        assert fields_of(await _ask(api, ACTIVE, client_ids=[str(people[0].id)], **body)) == ["client_ids"]
        assert fields_of(await _ask(api, {"status": "closed"}, **body)) == ["filter.status"]
        assert fields_of(await _ask(api, {"name": "Anna"}, **body)) == ["filter.name"]
    monkeypatch.setattr("api.routes.archive.bulk_archives.MOST_MATCHING", 3)
    for body in ({"dry_run": True}, {}):
        refused = await _ask(api, ACTIVE, **body)
        assert fields_of(refused) == ["filter"]
        assert "more than 3" in refused.text
    assert engine.many == []
    assert (await api.get("/v1/archives", headers=DESK)).json()["items"] == []
    monkeypatch.setattr("api.routes.archive.bulk_archives.MOST_MATCHING", rule.MOST_MATCHING)
    assert (await _ask(api, ACTIVE)).status_code == 202


async def test_a_preview_shows_some_and_counts_all(api: httpx.AsyncClient, rows: Rows, monkeypatch: Any) -> None:
    people = await _people(rows)
    ana = await _ana(rows)
    for number, person in enumerate(people[:4]):
        await rows.appointment(person, ana, starts_at=NOW + timedelta(days=3, hours=2 * number))
    monkeypatch.setattr("models.reads.archive.bulk._AT_ONCE", 2)
    whole = (await _ask(api, {}, dry_run=True)).json()
    assert whole["next_offset"] is None
    seen: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        told = (await _ask(api, {}, dry_run=True, limit=2, offset=offset)).json()
        assert told["totals"] == whole["totals"]
        seen, offset = seen + told["clients"], told["next_offset"]
    assert seen == whole["clients"]
    assert (whole["totals"]["clients"], whole["totals"]["already_archived"], whole["totals"]["appointments"]) == (
        *(5, 1, 4),
    )


async def test_results_come_in_pages_those_who_failed_first(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    people = await _people(rows)
    archive_id = (await _ask(api, ACTIVE)).json()["archive_id"]
    became = {people[0].id: ArchiveResult.FAILED, people[2].id: ArchiveResult.ARCHIVED}
    async with sessions() as session:
        for client_id, result in became.items():
            line = await session.get_one(BulkArchiveLine, (UUID(archive_id), client_id))
            line.result, line.done_at = result, NOW
            session.add(line)
        archive = await session.get_one(BulkArchiveRecord, UUID(archive_id))
        archive.finished_at = NOW
        session.add(archive)
        await session.commit()
    assert await _asked(api, archive_id) == ["Anna", "Doris", "Carla", "Berta"]
    assert await _asked(api, archive_id, result="failed") == ["Anna"]
    assert await _asked(api, archive_id, result="pending") == ["Doris", "Berta"]
    first = (await api.get(f"/v1/archives/{archive_id}?limit=2", headers=DESK)).json()
    assert first["total"] == 4
    rest = await _asked(api, archive_id, limit=2, cursor=first["next_cursor"])
    assert rest == ["Carla", "Berta"]
    assert fields_of(await api.get(f"/v1/archives/{archive_id}?cursor=x", headers=DESK)) == ["cursor"]
