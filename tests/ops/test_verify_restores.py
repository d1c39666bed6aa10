"""A restore that is named excuses what was lost with it, and nothing else."""

from datetime import timedelta
from uuid import UUID

import pytest

from models.tables import Client
from models.writes.keeping.marks import mark_chains
from ops.restored import mark_restored
from rules.chain import CHANGED
from rules.keeping import MarkedBy
from tests.care.owner import Owner
from tests.care.rows import DAY
from tests.ops.chains import AT, HEAD, Practice, lost


async def test_a_cut_by_a_restore_is_told_from_any_other(practice: Practice, owner: Owner) -> None:
    sara, _ = await practice.client(2), await practice.client(4)
    await practice.day_ends()
    await practice.happens(sara.id, 2)
    await practice.day_ends()
    # A copy of before the second day is put back: what came later is gone, and nothing of it left to tell.
    back = (HEAD, "DELETE FROM fact WHERE client_id = :id AND seq > 2", "DELETE FROM anchored_head WHERE anchor = 2")
    await owner.writes(*back, "DELETE FROM anchor WHERE number = 2", id=sara.id)
    missing = [lost("anchor 2 of 2026-03-03", since="anchor 1 of 2026-03-02")]
    assert await practice.faults() == missing

    practice.now += timedelta(hours=1)
    epoch = await mark_restored(practice.sessions, at=practice.now)
    assert await practice.faults() == missing, "as long as whoever verifies does not know of it"
    found = await practice.verified(epoch)
    assert found.faults == []
    [note] = found.notes
    assert "1 anchors, from anchor 2 of 2026-03-03" in note
    assert found.facts == 2 + 4 + 2, "each chain tells of the new epoch"
    async with practice.sessions() as session:
        client = await session.get_one(Client, sara.id)
    assert client.fact_seq == 3

    await practice.happens(sara.id, 1)
    await practice.day_ends()
    assert practice.lines[-1].epoch == str(epoch)
    assert await practice.faults(epoch) == []
    # The same once more, and nobody marks it: the mark of before explains nothing that came after it.
    await owner.writes(
        f"{AT} 3",
        "DELETE FROM fact WHERE client_id = :id AND seq > 3",
        "DELETE FROM anchored_head WHERE anchor = 2",
        "DELETE FROM anchor WHERE number = 2",
        id=sara.id,
    )
    assert await practice.faults(epoch) == [lost("anchor 2 of 2026-03-04", since="anchor 1 of 2026-03-02")]


async def test_a_mark_of_a_restore_cannot_be_made_without_the_keys(practice: Practice, owner: Owner) -> None:
    sara = await practice.client(2)
    await practice.day_ends()
    await owner.writes(
        "DELETE FROM anchored_head",
        "DELETE FROM anchor",
        "UPDATE fact SET kind = 'epoch_began', at = at + interval '2 days' WHERE client_id = :id AND seq = 2",
        id=sara.id,
    )
    assert await practice.faults() == [
        f"client {sara.id} ({sara.ref}): entry 2 is {CHANGED}",
        lost("anchor 1 of 2026-03-02", since="the beginning"),
    ]


FORGED = UUID(int=7)
BEGUN = {
    "the newest one written anew": (
        "UPDATE epoch SET marked_at = NULL, began_at = :now, epoch = :epoch WHERE number = 2"
    ),
    "one more": (
        "INSERT INTO epoch (number, epoch, began_at, missing_since, place)"
        " SELECT max(number) + 1, :epoch, :now, :now, 'here' FROM epoch"
    ),
}


@pytest.mark.parametrize("begun", BEGUN)
async def test_a_mark_that_the_keeper_was_made_to_sign_excuses_nothing(
    practice: Practice, owner: Owner, begun: str
) -> None:
    _ = await mark_restored(practice.sessions, at=practice.now)  # before anybody came
    sara = await practice.client(2)
    await practice.day_ends()
    await practice.happens(sara.id, 2)
    await practice.day_ends()
    await owner.writes(
        HEAD,
        "DELETE FROM fact WHERE client_id = :id AND seq > 2",
        "DELETE FROM anchored_head WHERE anchor = 2",
        "DELETE FROM anchor WHERE number = 2",
        id=sara.id,
    )
    await owner.writes(BEGUN[begun], epoch=FORGED, now=practice.now)
    assert await mark_chains(practice.sessions, at=practice.now, by=MarkedBy.KEEPER) == 1
    missing = lost("anchor 2 of 2026-03-03", since="anchor 1 of 2026-03-02")
    assert await practice.faults() == [missing]
    assert await practice.faults(FORGED) == [
        f"no entry that holds tells of the restore {FORGED}, as `ops.restored` would write it",
        missing,
    ]


async def test_a_restore_excuses_only_what_came_before_it(practice: Practice, owner: Owner) -> None:
    """Its marks are cut, and the command is run once more for the same epoch: a line outside tells when it began."""
    sara = await practice.client(2)
    epoch = await mark_restored(practice.sessions, at=practice.now)
    for _ in range(2):
        await practice.happens(sara.id, 1)
        await practice.day_ends()
    await owner.writes(
        HEAD,
        "DELETE FROM fact WHERE client_id = :id AND seq > 2",
        "DELETE FROM anchored_head",
        "DELETE FROM anchor",
        "UPDATE epoch SET marked_at = NULL, began_at = :now WHERE number = 2",
        id=sara.id,
        now=practice.now,
    )
    assert await mark_chains(practice.sessions, at=practice.now, by=MarkedBy.PERSON) == 1
    assert len(await practice.faults(epoch)) == 2


async def test_a_restore_that_was_marked_in_half_is_marked_to_its_end(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.writes.keeping.marks._AT_A_TIME", 2)
    for _ in range(5):
        await practice.client(1)

    def dies(added: int) -> None:
        if added > 2:
            raise KeyboardInterrupt

    practice.now += DAY
    monkeypatch.setattr("ops.restored._say", dies)
    with pytest.raises(KeyboardInterrupt):
        await mark_restored(practice.sessions, at=practice.now)
    assert await mark_chains(practice.sessions, at=practice.now, by=MarkedBy.KEEPER) == 1
    assert await mark_chains(practice.sessions, at=practice.now, by=MarkedBy.KEEPER) == 0
    found = await practice.verified()
    assert (found.faults, found.facts) == ([], 10)
