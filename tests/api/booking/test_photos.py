"""A therapist's picture and their own words: given, seen by everybody, refused, and taken away."""

from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.api.conftest import DESK
from tests.care.rows import Rows

PATH = "/v1/therapists/ana/photo"


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 900)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, "teal").save(made, kind)
    return made.getvalue()


async def test_a_picture_is_made_anew_and_everybody_sees_it(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    assert (await api.get("/v1/therapists/ana")).json()["photo"] is None
    assert (await api.get(PATH)).status_code == 404
    given = await api.post(PATH, files={"file": ("me.png", picture())}, headers=DESK)
    assert given.status_code == 201
    profile = (await api.get("/v1/therapists/ana")).json()
    assert profile["photo"] == given.json()["photo"]
    answer = await api.get(PATH)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(BytesIO(answer.content)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (640, 480))
        assert not shown.getexif()
    again = await api.post(PATH, files={"file": ("me.jpg", picture("JPEG", (10, 10)))}, headers=DESK)
    assert again.json()["photo"] != profile["photo"]
    assert (await api.delete(PATH, headers=DESK)).status_code == 204
    assert (await api.delete(PATH, headers=DESK)).status_code == 404
    assert (await api.get("/v1/therapists/ana")).json()["photo"] is None


@pytest.mark.parametrize("content", [b"%PDF-1.4\n%%EOF", picture()[:200], b"no picture"])
async def test_what_is_no_picture_is_refused(api: httpx.AsyncClient, rows: Rows, content: bytes) -> None:
    await rows.therapist("ana")
    answer = await api.post(PATH, files={"file": ("me.png", content)}, headers=DESK)
    assert answer.status_code == 422
    assert [line["field"] for line in answer.json()["errors"]] == ["file"]
    assert (await api.get(PATH)).status_code == 404


async def test_their_own_words_are_told_to_everybody(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    words = "I work slowly.\n\nAnd with you."
    changed = await api.patch("/v1/therapists/ana", json={"about": words}, headers=DESK)
    assert changed.status_code == 200
    assert (await api.get("/v1/therapists/ana")).json()["about"] == words
    assert (await api.patch("/v1/therapists/ana", json={"about": None}, headers=DESK)).json()["about"] is None
