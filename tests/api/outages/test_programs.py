"""A server that is killed with a request half-way, and one that gets many files at once."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import httpx
import pytest

from models.database import connect, session_factory
from models.writes.locks import lock_client
from tests.api.outages.programs import the_api
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.rows import Rows

DESK = {"Authorization": "Bearer dev-care-team"}
MEGABYTE = 1024 * 1024


@pytest.mark.crowd  # a server that is killed
@pytest.mark.timeout(120)
async def test_a_key_whose_server_was_killed_is_free_within_seconds(database_url: str) -> None:
    engine = connect(database_url)
    sessions = session_factory(engine, chain=CHAIN_KEYS, rows=ROW_KEYS)
    rows = Rows(sessions)
    taken = await rows.client(await rows.therapist("ana"))
    body = {"kind": "care_team", "members": [str(taken.id)]}
    async with (
        the_api(database_url) as first,
        the_api(database_url) as second,
        httpx.AsyncClient(timeout=60, trust_env=False, headers=DESK | {"Idempotency-Key": "k"}) as http,
        sessions() as session,
    ):
        await lock_client(session, taken.id)
        half_way = asyncio.create_task(http.post(f"{first.url}/v1/chats", json=body))
        await asyncio.sleep(3)
        assert not half_way.done()
        await first.kill()
        with pytest.raises(httpx.TransportError):
            await half_way
        await session.rollback()
        began = monotonic()
        answer = await http.post(f"{second.url}/v1/chats", json=body)
        assert answer.status_code in (200, 201), answer.text
        assert monotonic() - began < 9
    await engine.dispose()


@pytest.mark.crowd  # forty at once
@pytest.mark.timeout(240)
async def test_forty_files_at_once_take_little_memory(database_url: str) -> None:
    boundary = b"x" * 40
    head = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%%PDF-1.7\n' % boundary

    async def form() -> AsyncIterator[bytes]:
        yield head
        for _ in range(9 * 16):
            yield b"\xff" * (MEGABYTE // 16)
        yield b"\r\n--%b--\r\n" % boundary

    async with the_api(database_url) as program, httpx.AsyncClient(timeout=200, trust_env=False) as http:

        async def upload(number: int) -> str:
            kind = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
            key = {"Idempotency-Key": f"file-{number}"}
            answer = await http.post(f"{program.url}/v1/documents", content=form(), headers=DESK | kind | key)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        async def download(document: str) -> int:
            size = 0
            path = f"{program.url}/v1/documents/{document}/content"
            async with http.stream("GET", path, headers=DESK) as answer:
                assert answer.status_code == 200
                async for part in answer.aiter_bytes():
                    size += len(part)
            return size

        before = program.most_memory()
        kept = await asyncio.gather(*(upload(number) for number in range(40)))
        sizes = await asyncio.gather(*(download(document) for document in kept))
        downloaded = program.most_memory() - before
    assert set(sizes) == {9 * MEGABYTE + 9}
    assert downloaded < 250 * MEGABYTE
