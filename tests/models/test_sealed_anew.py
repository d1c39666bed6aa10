"""Sealing anew after a change of keys: page by page, twice as once, and never over what somebody has just written."""

from collections import Counter
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.database import Sessions, session_factory
from models.reads.keeping.encryption_keys import rows_by_key
from models.reads.keeping.sealed_rows import sealed_tables
from models.sealed import NotOfThisRow, RowKeys
from models.tables import Document, DocumentContent, Goal, Opening
from models.writes.care.documents import PIECE, keep_document
from models.writes.keeping import reencryptions
from models.writes.keeping.reencryptions import SealedPage, seal_page
from ops.encryption_keys import KeyUse, refusal, uses
from rules.accounts.openings import OpeningKind
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


@pytest.fixture
def before(sessions: Sessions) -> Sessions:
    return session_factory(sessions.kw["bind"], rows=RowKeys((OLD,)))


@pytest.fixture
def between(sessions: Sessions) -> Sessions:
    """The new key is in front, the old one is kept."""
    return session_factory(sessions.kw["bind"], rows=RowKeys((NEW, OLD)))


@pytest.fixture
def after(sessions: Sessions) -> Sessions:
    return session_factory(sessions.kw["bind"], rows=RowKeys((NEW,)))


async def _goals(sessions: Sessions, number: int) -> list[UUID]:
    rows = Rows(sessions)
    client = await rows.client(await rows.therapist())
    goals = [
        Goal(id=uuid4(), client_id=client.id, text=f"goal {i}", made_by="therapist:ana", made_at=NOW)
        for i in range(number)
    ]
    ids = sorted(goal.id for goal in goals)
    await rows.add(*goals)
    return ids


async def _texts(sessions: Sessions, ids: list[UUID]) -> set[str]:
    async with sessions() as session:
        return {(await session.get_one(Goal, id)).text for id in ids}


async def test_pages_go_on_where_the_last_one_ended_until_nothing_is_left(
    before: Sessions, between: Sessions, after: Sessions
) -> None:
    ids = await _goals(before, 5)
    first = await seal_page(between, "goal", rows=2)
    assert first == SealedPage(looked_at=2, sealed=2, last=(str(ids[1]),))
    second = await seal_page(between, "goal", after=[str(ids[1])], rows=2)
    assert (second.sealed, second.last) == (2, (str(ids[3]),))
    third = await seal_page(between, "goal", after=[str(ids[3])], rows=2)
    assert (third.looked_at, third.sealed, third.last) == (1, 1, None)
    assert await seal_page(between, "goal") == SealedPage(looked_at=5)  # twice is once
    assert await _texts(after, ids) == {f"goal {i}" for i in range(5)}


async def test_the_reason_of_an_opening_is_sealed_anew_and_nothing_else_of_it_changes(
    before: Sessions, between: Sessions, after: Sessions
) -> None:
    """By the programs' role, which may write no more of it than that, and its end."""
    rows = Rows(before)
    opening = await rows.opening(await rows.client(), OpeningKind.GOALS)
    assert (await seal_page(between, "opening")).sealed == 1
    async with after() as session:
        assert (await session.get_one(Opening, opening.id)).model_dump() == opening.model_dump()


async def test_a_document_is_sealed_anew_piece_by_piece(before: Sessions, between: Sessions, after: Sessions) -> None:
    content = bytes(range(256)) * 4096 * 3 + b"end"
    document = Document(
        id=uuid4(),
        title="Plan",
        filename="plan.pdf",
        content_type="application/pdf",
        size=len(content),
        sha256="0" * 64,
        uploaded_by="therapist:ana",
        uploaded_at=NOW,
    )
    async with before() as session:
        await keep_document(session, document, content)
        await session.commit()
    first = await seal_page(between, "document_content", rows=2)
    assert (first.sealed, first.last) == (2, (str(document.id), "1"))
    rest = await seal_page(between, "document_content", after=first.last or ())
    assert (rest.sealed, rest.last) == (2, None)
    async with after() as session:
        pieces = [(await session.get_one(DocumentContent, (document.id, number))).content for number in range(4)]
    assert b"".join(pieces) == content
    assert [len(piece) for piece in pieces] == [PIECE, PIECE, PIECE, 3]


async def test_pieces_that_change_places_are_found(before: Sessions, owner: Owner) -> None:
    await _two_pieces(before)
    for change in ("number + 10", "11 - number"):
        await owner.writes(f"UPDATE document_content SET number = {change}")  # noqa: S608
    async with before() as session:
        with pytest.raises(NotOfThisRow):
            await session.get(DocumentContent, (_TWO, 0))


_TWO = UUID(int=2)


async def _two_pieces(before: Sessions) -> None:
    document = Document(
        id=_TWO,
        title="Plan",
        filename="plan.pdf",
        content_type="application/pdf",
        size=PIECE + 1,
        sha256="0" * 64,
        uploaded_by="therapist:ana",
        uploaded_at=NOW,
    )
    async with before() as session:
        await keep_document(session, document, b"a" * PIECE + b"b")
        await session.commit()
    async with before() as session:
        assert (await session.get_one(DocumentContent, (_TWO, 1))).content == b"b"


async def test_what_does_not_open_is_left_and_counted_and_stops_nothing(
    before: Sessions, between: Sessions, owner: Owner
) -> None:
    ids = await _goals(before, 3)
    await owner.writes("UPDATE goal SET text = convert_to('forged', 'UTF8') WHERE id = :id", id=ids[1])
    page = await seal_page(between, "goal")
    assert (page.looked_at, page.sealed, page.unreadable) == (3, 2, 1)
    async with between() as session:
        stored = text("SELECT text FROM goal WHERE id = :id")
        assert (await (await session.connection()).execute(stored, {"id": ids[1]})).scalar_one() == b"forged"


async def test_what_somebody_writes_meanwhile_stands(
    before: Sessions, between: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    [id] = await _goals(before, 1)
    seal = reencryptions._seal

    async def late(session: object, row: object, keys: object) -> int:
        async with between() as writing:
            (await writing.get_one(Goal, id)).text = "another goal"
            await writing.commit()
        return await seal(session, row, keys)  # type: ignore[arg-type]

    monkeypatch.setattr(reencryptions, "_seal", late)
    assert (await seal_page(between, "goal")).sealed == 0
    assert await _texts(between, [id]) == {"another goal"}


async def test_every_table_with_sealed_columns_is_worked_off(between: Sessions) -> None:
    assert "document_content" in sealed_tables()
    for table in sealed_tables():
        assert await seal_page(between, table) == SealedPage()


# ---------------------------------------------------------------- which keys are needed


async def test_keys_are_counted_without_any_of_them_and_one_that_is_needed_cannot_go(
    before: Sessions, between: Sessions, sessions: Sessions
) -> None:
    await _goals(before, 3)
    without = session_factory(sessions.kw["bind"])
    async with without() as session:
        assert await rows_by_key(session) == {"old": Counter({"goal.text": 3})}
    known = ["new", "old"]
    used = await uses(without, Counter(), known=known)
    assert refusal("old", used, known=known) == (
        "old is still needed: 3 in goal.text. `python -m ops.reencrypt` seals rows anew."
    )
    assert "first of the PAYLOAD_KEYS" in str(refusal("new", used, known=known))
    assert refusal("other", used, known=known) == "other is not among the PAYLOAD_KEYS."
    await seal_page(between, "goal")
    used = await uses(without, Counter(), known=known)
    assert (str(used["new"]), str(used["old"])) == ("3 in goal.text", "nothing")
    assert refusal("old", used, known=known) is None


async def test_a_key_that_histories_need_cannot_go_nor_one_of_which_that_is_unknown(sessions: Sessions) -> None:
    known = ["new", "old"]
    used = await uses(sessions, Counter(old=2, gone=1), known=known)
    assert str(refusal("old", used, known=known)).startswith("old is still needed: 2 runs of workflows.")
    assert list(used) == ["new", "old", "gone"]
    used = await uses(sessions, None, known=known)
    assert "which this engine does not list" in str(refusal("old", used, known=known))
    assert not KeyUse().is_needed
