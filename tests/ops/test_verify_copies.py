"""Signed copies under attack: whoever owns the tables cannot change or remove one unnoticed."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from models.database import Sessions
from models.tables import FormAnswer, FormRequest, KeptCopy
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.forms.signed import SignedCopy, hash_of
from rules.money.receipts import Letterhead
from rules.timeline import FactKind
from tests.care.owner import Owner
from tests.care.rows import NOW
from tests.ops.chains import Practice


@pytest.fixture
def practice(sessions: Sessions) -> Practice:
    return Practice(sessions)


async def _signed(practice: Practice, client_id: UUID) -> UUID:
    """A form that was signed, with its fact: the answer's id."""
    asked = FormRequest(
        id=uuid4(), client_id=client_id, kind="diary", version=1, number=uuid4().int % 10**6, requested_at=NOW,
        requested_by="x",
    )  # fmt: skip
    answer = FormAnswer(id=uuid4(), request_id=asked.id, answers={}, signature="S", answered_by="x", answered_at=NOW)
    letterhead = Letterhead(name="Riverside")
    document = SignedCopy(
        practice=letterhead, signed_at=datetime(2026, 3, 2, tzinfo=UTC), pieces=(), salt=uuid4().hex
    ).document()
    await practice.rows.add(asked)
    await practice.rows.add(answer)
    await practice.rows.add(KeptCopy(answer_id=answer.id, document=document, sha256=hash_of(document)))
    async with practice.sessions() as session:
        data = {"form": "diary", "answer_id": str(answer.id), "sha256": hash_of(document)}
        client = await lock_client(session, client_id)
        tell(session, client, FactKind.FORM_COMPLETED, at=NOW, by="x", text="A form was completed.", data=data)
        await session.commit()
    return answer.id


async def test_a_copy_that_was_changed_replaced_or_removed_is_named(
    practice: Practice, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.verify.ROWS_AT_A_TIME", 2)
    sara = await practice.client(1)
    changed, removed, whole, forged, other = [await _signed(practice, sara.id) for _ in range(5)]
    assert await practice.faults() == []
    await owner.writes("UPDATE signed_copy SET sha256 = repeat('0', 64) WHERE answer_id = :id", id=changed)
    await owner.writes("DELETE FROM signed_copy WHERE answer_id = :id", id=removed)
    await owner.writes(
        "UPDATE signed_copy SET document = (SELECT document FROM signed_copy WHERE answer_id = :whole)"
        " WHERE answer_id = :id",
        id=forged,
        whole=whole,
    )
    # As somebody who has the row keys as well: sealed for its row, with the hash that it has.
    async with practice.sessions() as session:
        kept = await session.get_one(KeptCopy, other)
        document = kept.document | {"salt": "other"}
    await owner.writes("DELETE FROM signed_copy WHERE answer_id = :id", id=other)
    await practice.rows.add(KeptCopy(answer_id=other, document=document, sha256=hash_of(document)))
    told = {
        changed: "is not what was signed",
        removed: "is gone",
        forged: "does not open",
        other: "is not what was signed",
    }
    assert sorted(await practice.faults()) == sorted(
        f"the copy {id} that client {sara.id} signed {wrong}" for id, wrong in told.items()
    )
