"""What is refused before a body is read: encodings, and heads of which the connection took in too much at once."""

import gzip

import httpx
import pytest

from api.bounds.connections import MOST_HEAD_BYTES
from tests.api.conftest import DESK, fields_of


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "x"])
@pytest.mark.parametrize("path", ["/v1/groups", "/v1/webhooks/stripe", "/v1/documents", "/codec/decode"])
async def test_a_body_with_an_encoding(api: httpx.AsyncClient, encoding: str, path: str) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    answer = await api.post(path, content=bomb, headers={**DESK, "Content-Encoding": encoding})
    assert answer.status_code == 415
    assert fields_of(answer) == ["Content-Encoding"]
    assert answer.headers["accept-encoding"] == "identity"


async def test_a_body_as_it_is(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/groups", json={"name": "Circle"}, headers={**DESK, "Content-Encoding": "identity"})
    assert answer.status_code == 201


async def test_headers_that_came_in_one_piece(api: httpx.AsyncClient) -> None:
    for headers in ({"X": "y" * MOST_HEAD_BYTES}, {f"X-{n}": "y" for n in range(8000)}):
        answer = await api.get("/v1/clients", headers={**DESK, **headers})
        assert answer.status_code == 431
        assert fields_of(answer) == ["headers"]
