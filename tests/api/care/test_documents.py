"""Documents over the API: what is kept, who may see it, how it is served, and who it is shared with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select

from api.problems import EngineUnavailable
from models.database import Sessions
from models.tables import Client
from models.tables.care.document import Document, DocumentContent, DocumentShare
from models.tables.clients.fact import Fact
from models.writes.locks import lock_client
from rules.accounts.openings import OpeningKind
from rules.care.documents import MOST_BYTES
from rules.enums import ClientStatus
from tests.api.callers import Callers, everybody
from tests.api.conftest import DESK, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows
from workflows.messages import OUTBOX_FILLED

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff"
LONG = 200 * 1024 * 1024


@pytest.fixture
async def people(rows: Rows, therapist_token: Callable[[str], Any], engine: ToldEngine) -> Callers:
    engine.answers_to["outbox_filled"] = None
    return await everybody(rows, therapist_token)


@pytest.fixture
def desk(api: httpx.AsyncClient) -> "Cabinet":
    return Cabinet(api)


class Cabinet:
    """The calls on documents."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self.api = api

    async def upload(
        self, content: bytes = PDF, name: str = "plan.pdf", *, by: dict[str, str] = DESK, **form: str
    ) -> httpx.Response:
        # What the file says of its own type is never believed.
        return await self.api.post("/v1/documents", files={"file": (name, content, "text/html")}, data=form, headers=by)

    async def kept(self, content: bytes = PDF, name: str = "plan.pdf", *, by: dict[str, str] = DESK) -> str:
        answer = await self.upload(content, name, by=by)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def share(self, document: str, client: Client, *, by: dict[str, str] = DESK) -> httpx.Response:
        body = {"client_id": str(client.id)}
        return await self.api.post(f"/v1/documents/{document}/shares", json=body, headers=by)

    async def unshare(self, document: str, client: Client, *, by: dict[str, str] = DESK) -> httpx.Response:
        return await self.api.delete(f"/v1/documents/{document}/shares/{client.id}", headers=by)

    async def content(self, document: str, *, by: dict[str, str] = DESK) -> httpx.Response:
        return await self.api.get(f"/v1/documents/{document}/content", headers=by)

    async def of(self, client: Client, *, by: dict[str, str] = DESK, **params: Any) -> httpx.Response:
        return await self.api.get(f"/v1/clients/{client.id}/documents", headers=by, params=params)

    async def ids_of(self, client: Client, *, by: dict[str, str] = DESK) -> list[str]:
        return [item["id"] for item in (await self.of(client, by=by)).json()["items"]]


async def change(rows: Rows, client: Client, **values: Any) -> None:
    async with rows.sessions() as session:
        row = await session.get_one(Client, client.id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        await session.commit()


async def facts(sessions: Sessions, client: Client) -> list[Fact]:
    async with sessions() as session:
        return list((await session.exec(select(Fact).where(Fact.client_id == client.id).order_by(Fact.seq))).all())  # type: ignore[arg-type]


# ---------------------------------------------------------------- keeping


async def test_a_document_is_kept_byte_for_byte_and_served_to_be_saved(people: Callers, desk: Cabinet) -> None:
    whole = PDF + bytes(range(256)) * 40
    answer = await desk.upload(whole, 'C:\\my plans\\Füße \u202e"1"\r\nX-Evil: yes.pdf', by=people.by("ana"))
    assert answer.status_code == 201, answer.text
    view = answer.json()
    assert view["filename"] == view["title"] == NAME
    assert (view["content_type"], view["size"], view["uploaded_by"]) == (
        "application/pdf",
        len(whole),
        "therapist:ana",
    )
    assert len(view["sha256"]) == 64
    assert view["shared_with"] == []
    path = f"/v1/documents/{view['id']}"
    assert (await desk.api.get(path, headers=people.by("ana"))).json() == view
    served = await desk.content(view["id"], by=people.by("ana"))
    assert served.content == whole
    assert "x-evil" not in served.headers
    disposition = served.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert "filename*=UTF-8''F%C3%BC%C3%9Fe" in disposition
    assert disposition.isascii()
    assert {name: served.headers[name] for name in SAFE} == SAFE
    assert served.headers["content-type"] == "application/pdf"
    head = await desk.api.head(f"{path}/content", headers=people.by("ana"))
    assert (head.status_code, head.headers["content-disposition"]) == (200, disposition)


NAME = "Füße %221%22%0D%0AX-Evil_ yes.pdf"  # as browsers and this client write quotes and line ends; kept as they came
SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cache-control": "private, no-store",
    "cross-origin-resource-policy": "same-origin",
}


async def test_a_title_is_a_line_of_text_and_markup_stays_text(people: Callers, desk: Cabinet) -> None:
    answer = await desk.upload(title="  <script>alert(1)</script> ")
    assert answer.json()["title"] == "<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/json"
    for wrong in ("a\r\nBcc: b", "x" * 201, "nul\0"):
        assert fields_of(await desk.upload(title=wrong)) == ["title"]
    assert fields_of(await desk.upload(titel="a plan")) == ["titel"]
    for nothing in ({"json": {"file": "x"}}, {"data": {"file": "x"}}, {"files": {"file": (None, b"x")}}, {}):
        assert fields_of(await desk.api.post("/v1/documents", headers=DESK, **nothing)) == ["file"]
    twice = [("file", ("a.pdf", PDF)), ("file", ("b.pdf", PDF))]
    assert (await desk.api.post("/v1/documents", headers=DESK, files=twice)).status_code == 422


async def test_a_form_is_read_as_utf_8_and_nothing_else(people: Callers, desk: Cabinet) -> None:
    async def upload(name: str, charset: str) -> httpx.Response:
        part = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
        return await desk.api.post("/v1/documents", content=part + PDF + b"\r\n--x--\r\n", headers=DESK | kind)

    wrong = {"undefined": "ä.pdf", "idna": "ä.pdf", "utf-7": "+2AA-.pdf", "unicode_escape": r"\ud800.pdf", "x": "a.pdf"}
    for charset, name in wrong.items():
        assert fields_of(await upload(name, charset)) == ["Content-Type"], charset
    answer = await upload("a.pdf", '"UTF-8"')
    assert (answer.status_code, answer.json()["filename"]) == (201, "a.pdf")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"MZ\x90\0\x03\0\0\0\x04", "The file invoice.pdf is a program."),
        (b"\x7fELF\x02\x01\x01\0", "The file invoice.pdf is a program."),
        (b"#!/bin/sh\nrm -rf ~\n", "The file invoice.pdf is a program."),
        (b"<!DOCTYPE html><script>alert(1)</script>", "The file invoice.pdf is no document, but looks like .htm"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "The file invoice.pdf is no document, but looks like .svg"),
        (b"", "file: is empty"),
    ],
)
async def test_what_is_no_document_is_refused_by_name(
    people: Callers, desk: Cabinet, sessions: Sessions, content: bytes, says: str
) -> None:
    answer = await desk.upload(content, "invoice.pdf")
    assert (answer.status_code, fields_of(answer)) == (422, ["file"])
    assert answer.json()["detail"].startswith(says)
    async with sessions() as session:
        assert (await session.exec(select(Document))).all() == []


async def test_ten_megabytes_are_kept_and_not_one_byte_more(people: Callers, desk: Cabinet) -> None:
    most = PDF + b"x" * (MOST_BYTES - len(PDF))
    id = await desk.kept(most)
    assert (await desk.content(id)).content == most
    answer = await desk.upload(most + b"x")
    assert (answer.status_code, fields_of(answer)) == (413, ["file"])
    assert "10485760 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "one"}])
async def test_two_hundred_megabytes_are_refused_before_they_are_read(
    api: httpx.AsyncClient, people: Callers, sessions: Sessions, declared: bool, key: dict[str, str]
) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
        while read < LONG:
            read += 65536
            yield b"x" * 65536

    headers = DESK | key | {"Content-Type": "multipart/form-data; boundary=x"}
    if declared:
        headers["Content-Length"] = str(LONG)
    answer = await api.post("/v1/documents", content=body(), headers=headers)
    assert (answer.status_code, problem_of(answer)) == (413, "validation-failed")
    assert "10485760 bytes" in answer.json()["detail"]
    assert read <= (0 if declared else MOST_BYTES + 3 * 65536)
    async with sessions() as session:
        assert (await session.exec(select(DocumentContent))).all() == []


async def test_other_calls_keep_their_own_bound(api: httpx.AsyncClient, people: Callers) -> None:
    answer = await api.post("/v1/groups", content=b" " * (1024 * 1024 + 1), headers=DESK)
    assert answer.status_code == 413


async def test_the_same_upload_again_is_one_document(api: httpx.AsyncClient, people: Callers, desk: Cabinet) -> None:
    headers = DESK | {"Idempotency-Key": "upload"}
    first = await desk.upload(by=headers)
    again = await desk.upload(by=headers)  # with another boundary between its parts
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert problem_of(await desk.upload(PNG, by=headers)) == "idempotency-key-reused"
    assert len((await api.get("/v1/documents", headers=DESK)).json()["items"]) == 1


# ---------------------------------------------------------------- who may


async def test_whose_a_document_is_and_who_sees_it(api: httpx.AsyncClient, people: Callers, desk: Cabinet) -> None:
    for who, status in (("site", 403), ("sara", 403), ("admin", 403), ("nobody", 401)):
        headers = {} if who == "nobody" else people.by(who)
        assert (await desk.upload(by=headers)).status_code == status
        assert (await api.get("/v1/documents", headers=headers)).status_code == status
    anas, desks = await desk.kept(by=people.by("ana")), await desk.kept(by=DESK)

    async def seen(who: str, *ids: str) -> list[bool]:
        found = []
        for id in ids:
            answers = {
                (await api.get(f"/v1/documents/{id}", headers=people.by(who))).status_code,
                (await desk.content(id, by=people.by(who))).status_code,
            }
            assert answers in ({200}, {404}, {403} if who in ("desk", "admin", "via-maria") else {404})
            found.append(answers == {200})
        return found

    # Not shared: whose it is, and nobody else. The care team's are all of its.
    asking = ("ana", "ben", "desk", "admin", "sara", "tom", "via-sara", "via-tom", "via-maria")
    assert {who: await seen(who, anas, desks) for who in asking} == {
        "ana": [True, False], "ben": [False, False], "desk": [False, True], "admin": [False, False],
        "sara": [False, False], "tom": [False, False],
        "via-sara": [False, False], "via-tom": [False, False], "via-maria": [False, True],
    }  # fmt: skip
    assert (await desk.share(anas, people.sara, by=people.by("ana"))).status_code == 201
    assert (await desk.share(desks, people.tom)).status_code == 201
    assert {who: await seen(who, anas, desks) for who in asking} == {
        "ana": [True, False], "ben": [False, True], "desk": [False, True], "admin": [False, False],
        "sara": [True, False], "tom": [False, True],
        "via-sara": [True, False], "via-tom": [False, True], "via-maria": [False, True],
    }  # fmt: skip
    listed = {
        who: [item["id"] for item in (await api.get("/v1/documents", headers=people.by(who))).json()["items"]]
        for who in ("ana", "ben", "desk")
    }
    assert {who: sorted(ids) for who, ids in listed.items()} == {
        "ana": [anas],
        "ben": [desks],
        "desk": [desks],
    }
    # Taken back: as before.
    assert (await desk.unshare(anas, people.sara)).status_code == 204
    assert [(who, await seen(who, anas)) for who in ("ana", "desk", "sara", "via-sara")] == [
        ("ana", [True]),
        ("desk", [False]),
        ("sara", [False]),
        ("via-sara", [False]),
    ]


async def test_sharing_needs_sight_of_both(people: Callers, desk: Cabinet) -> None:
    anas = await desk.kept(by=people.by("ana"))
    for who, client, status in (
        ("ben", people.tom, 404),  # not his document
        ("desk", people.sara, 404),  # nor the care team's
        ("ana", people.tom, 404),  # not her client
        ("sara", people.sara, 403),
        ("site", people.sara, 403),
    ):
        assert (await desk.share(anas, client, by=people.by(who))).status_code == status
        assert (await desk.unshare(anas, client, by=people.by(who))).status_code == status
    assert (await desk.unshare(anas, people.sara, by=people.by("ana"))).status_code == 404  # never shared
    assert (await desk.share(str(uuid4()), people.sara)).status_code == 404
    assert (await desk.content(str(uuid4()))).status_code == 404
    assert fields_of(await desk.api.post(f"/v1/documents/{anas}/shares", json={}, headers=DESK)) == ["client_id"]


# ---------------------------------------------------------------- sharing


async def test_sharing_twice_is_one_share_and_unsharing_hides(
    people: Callers, desk: Cabinet, engine: ToldEngine, sessions: Sessions, clock: StandingClock
) -> None:
    ana, sara = people.by("ana"), people.sara
    id = await desk.kept(by=ana)
    first = await desk.share(id, sara, by=ana)
    clock.advance(hours=1)
    again = await desk.share(id, sara, by=ana)
    assert first.json() == again.json()
    assert {asked.name for asked in engine.asked} == {OUTBOX_FILLED}
    assert engine.asked[0].workflow_id == f"client-journey:{sara.id}"
    [fact] = await facts(sessions, sara)
    assert (fact.kind, fact.actor, fact.data) == (
        "document_shared",
        "therapist:ana",
        {"document_id": id, "share_id": first.json()["id"]},
    )
    assert "plan" not in fact.text
    [mine] = (await desk.of(sara, by=people.by("sara"))).json()["items"]
    assert mine["shared_at"] == first.json()["shared_at"]
    assert "shared_with" not in mine
    assert "uploaded_by" not in mine
    [theirs] = (await desk.of(sara, by=ana)).json()["items"]
    assert theirs["shared_with"] == [str(sara.id)]

    for _ in range(2):
        assert (await desk.unshare(id, sara, by=ana)).status_code == 204
    assert await desk.ids_of(sara, by=people.by("sara")) == []
    assert (await desk.content(id, by=people.by("sara"))).status_code == 404
    anew = await desk.share(id, sara, by=ana)
    assert anew.json()["id"] != first.json()["id"]
    assert [f.kind for f in await facts(sessions, sara)] == [
        "document_shared",
        "document_unshared",
        "document_shared",
    ]
    assert await desk.ids_of(sara, by=people.by("site")) == [id]


async def test_who_takes_a_document_back(people: Callers, desk: Cabinet, rows: Rows) -> None:
    ana, ben, sara = people.by("ana"), people.by("ben"), people.sara
    anas, desks = await desk.kept(by=ana), await desk.kept()
    for id, by in ((anas, ana), (desks, DESK)):
        assert (await desk.share(id, sara, by=by)).status_code == 201
    await change(rows, sara, therapist_id=people.ben.id)
    # The next therapist reads what the client reads; it is not theirs to hide. What they share, they take back.
    for id in (anas, desks):
        assert problem_of(await desk.unshare(id, sara, by=ben)) == "not-allowed"
    assert (await desk.share(desks, people.tom, by=ben)).status_code == 201
    assert (await desk.unshare(desks, people.tom, by=ben)).status_code == 204
    # Whose it is still knows with whom they shared it, and takes it back, though the client is another's now.
    view = (await desk.api.get(f"/v1/documents/{anas}", headers=ana)).json()
    assert view["shared_with"] == [str(sara.id)]
    assert problem_of(await desk.unshare(desks, sara, by=ana)) == "not-found"
    assert (await desk.unshare(anas, sara, by=ana)).status_code == 204
    assert await desk.ids_of(sara, by=people.by("sara")) == [desks]
    for nobody in (people.tom.id, uuid4()):
        path = f"/v1/documents/{anas}/shares/{nobody}"
        assert (await desk.api.delete(path, headers=ana)).status_code == 404


async def test_nothing_is_shared_with_a_record_that_is_closed_meanwhile(
    people: Callers, desk: Cabinet, rows: Rows
) -> None:
    id = await desk.kept()
    async with rows.sessions() as session:
        (await lock_client(session, people.sara.id)).closed_at = NOW
        await session.flush()
        sharing = asyncio.create_task(desk.share(id, people.sara))
        assert not (await asyncio.wait([sharing], timeout=0.3))[0]
        await session.commit()
    assert problem_of(await sharing) == "not-found"
    await change(rows, people.tom, closed_at=NOW, joined_into=people.sara.id)
    assert problem_of(await desk.share(id, people.tom)) == "not-found"


async def test_a_share_that_could_not_be_told_is_told_by_the_repeat(
    people: Callers, desk: Cabinet, engine: ToldEngine, sessions: Sessions
) -> None:
    id, headers = await desk.kept(), DESK | {"Idempotency-Key": "share"}
    engine.answers_to["outbox_filled"] = EngineUnavailable()
    assert (await desk.share(id, people.sara, by=headers)).status_code == 503
    engine.answers_to["outbox_filled"] = None
    answer = await desk.share(id, people.sara, by=headers)
    assert answer.status_code == 201
    assert [asked.name for asked in engine.asked] == [OUTBOX_FILLED] * 2
    assert len(await facts(sessions, people.sara)) == 1
    async with sessions() as session:
        assert len((await session.exec(select(DocumentShare))).all()) == 1


async def test_s40_s52_nothing_is_newly_shared_with_an_archived_client(
    people: Callers, desk: Cabinet, rows: Rows, engine: ToldEngine
) -> None:
    before, after = await desk.kept(), await desk.kept(PNG, "a.png")
    await desk.share(before, people.sara)
    await change(rows, people.sara, status=ClientStatus.ARCHIVED)
    told = len(engine.asked)
    assert problem_of(await desk.share(after, people.sara)) == "client-archived"
    assert len(engine.asked) == told
    assert (await desk.share(before, people.sara)).status_code == 201  # it is shared already
    assert await desk.ids_of(people.sara, by=people.by("sara")) == [before]
    assert (await desk.content(before, by=people.by("sara"))).content == PDF
    assert (await desk.unshare(before, people.sara)).status_code == 204
    assert await desk.ids_of(people.sara, by=people.by("sara")) == []
    assert problem_of(await desk.share(before, people.sara)) == "client-archived"


async def test_documents_switched_off_are_closed_to_the_client_side(people: Callers, desk: Cabinet, rows: Rows) -> None:
    id = await desk.kept()
    await desk.share(id, people.sara)
    await desk.share(id, people.tom)
    await change(rows, people.sara, portal_settings={**people.sara.portal_settings, "documents": False})
    for who in ("sara", "site"):
        assert problem_of(await desk.of(people.sara, by=people.by(who))) == "not-allowed"
    for who in ("sara", "via-sara"):
        assert problem_of(await desk.content(id, by=people.by(who))) == "not-allowed"
    for who in ("tom", "via-tom"):
        assert (await desk.content(id, by=people.by(who))).status_code == 200
    assert await desk.ids_of(people.sara, by=people.by("ana")) == [id]
    for who in ("ana", "desk"):
        assert (await desk.content(id, by=people.by(who))).status_code == 200


async def test_lists_come_in_pages(people: Callers, desk: Cabinet, rows: Rows, clock: StandingClock) -> None:
    ids: list[str] = []
    await rows.opening(people.sara, OpeningKind.DOCUMENTS)
    for _ in range(3):
        ids.insert(0, await desk.kept())
        clock.advance(minutes=1)
        await desk.share(ids[0], people.sara)
    for path in ("/v1/documents", f"/v1/clients/{people.sara.id}/documents"):
        first = (await desk.api.get(path, headers=DESK, params={"limit": 2})).json()
        more = {"limit": 2, "cursor": first["next_cursor"]}
        second = (await desk.api.get(path, headers=DESK, params=more)).json()
        assert [item["id"] for item in first["items"] + second["items"]] == ids
        assert second["next_cursor"] is None
    assert fields_of(await desk.of(people.sara, cursor="x")) == ["cursor"]
    assert (await desk.of(people.tom, by=people.by("sara"))).status_code == 404
    assert (await desk.of(people.sara, by=people.by("ben"))).status_code == 404
