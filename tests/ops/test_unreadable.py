"""``python -m ops.unreadable``: every value that does not open is named, and nothing of those that do."""

from uuid import uuid4

import pytest

from models.database import Sessions, session_factory
from models.reads.keeping import sealed_rows
from models.sealed import RowKeys
from models.tables import Goal
from ops.unreadable import faults
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows


async def _told(sessions: Sessions) -> list[str]:
    return [fault async for fault in faults(sessions)]


async def test_each_value_that_does_not_open_is_named_page_after_page(
    sessions: Sessions, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_rows, "ROWS", 2)
    rows, ids = Rows(sessions), sorted(uuid4() for _ in range(5))
    client = await rows.client()
    await rows.add(*(Goal(id=id, client_id=client.id, text="Walk", made_by="therapist:ana", made_at=NOW) for id in ids))
    assert await _told(sessions) == []
    another = "UPDATE goal SET text = (SELECT text FROM goal WHERE id = :other) WHERE id = :id"
    await owner.writes(another, id=ids[4], other=ids[0])
    await owner.writes("UPDATE goal SET text = 'forged' WHERE id = :id", id=ids[1])
    assert await _told(sessions) == [
        f"goal.text of {ids[1]} was never sealed by this product",
        f"goal.text of {ids[4]} was changed, or is another row's",
    ]
    # A key that was dropped too early.
    told = await _told(session_factory(sessions.kw["bind"], rows=RowKeys((("new", b"n" * 32),))))
    assert len(told) == 5
    assert told[0].endswith("which is not among the PAYLOAD_KEYS")
