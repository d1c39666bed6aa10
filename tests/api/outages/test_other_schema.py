"""Whether this code can run with the database's schema is said to whoever watches, in words."""

from collections.abc import AsyncIterator
from dataclasses import asdict

import httpx
import pytest

from models.schema import own_migrations
from tests.care.owner import Owner

OWN = own_migrations()[-1]
HEAD = asdict(OWN)
RUN = "INSERT INTO applied_migration VALUES (:revision, :runs_from, :checksum)"
NEXT = HEAD | {"revision": f"{int(OWN.revision) + 1:04}"}


@pytest.fixture(autouse=True)
async def as_it_was(owner: Owner) -> AsyncIterator[None]:
    yield
    await owner.writes("DELETE FROM applied_migration WHERE revision >= :revision", **HEAD)
    await owner.writes(RUN, **HEAD)


async def test_the_next_releases_schema_is_fine(api: httpx.AsyncClient, owner: Owner) -> None:
    await owner.writes(RUN, **NEXT)
    ready = await api.get("/readyz")
    said = ready.json()
    assert (ready.status_code, said["status"], said["schema"]) == (200, "ok", "newer")
    assert said["detail"].endswith(f"and this code, which is {OWN.revision}, can run with it.")


@pytest.mark.parametrize(
    ("change", "schema", "says"),
    [
        ("UPDATE applied_migration SET runs_from = '9999' WHERE revision > :revision", "too new", "a newer release"),
        ("UPDATE applied_migration SET checksum = 'edited'", "another", "was run here with another text"),
        ("DELETE FROM applied_migration WHERE revision = :revision", "another", "two lines of development"),
        ("DELETE FROM applied_migration", "empty", "has no tables yet"),
    ],
)
async def test_another_is_not(api: httpx.AsyncClient, owner: Owner, change: str, schema: str, says: str) -> None:
    await owner.writes(RUN, **NEXT)
    await owner.writes(change, **HEAD)
    ready = await api.get("/readyz")
    assert (ready.status_code, ready.json()["schema"], ready.json()["database"]) == (503, schema, "ok")
    assert says in ready.json()["detail"]
