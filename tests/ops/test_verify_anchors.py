"""What anchors find, those that are stored and the lines that are kept outside, when a chain itself cannot tell."""

import pytest

from rules.chain import CHANGED
from tests.care.owner import Owner
from tests.ops.chains import HEAD, Practice, lost


async def test_a_chain_that_was_cut_with_its_head_is_found_by_the_anchors(practice: Practice, owner: Owner) -> None:
    sara, _ = await practice.client(4), await practice.client(4)
    await practice.day_ends()
    await owner.writes(HEAD, "DELETE FROM fact WHERE client_id = :id AND seq > 2", id=sara.id)
    assert await practice.faults() == [
        f"client {sara.id} ({sara.ref}): entries 3 to 4 are missing: anchor 1 covers entry 4"
    ]
    await practice.happens(sara.id, 2)  # the practice goes on, and signs what follows
    assert await practice.faults() == [
        f"client {sara.id} ({sara.ref}): entry 4 is another than the one that anchor 1 covers"
    ]
    await practice.day_ends()
    assert await practice.faults() == [
        f"client {sara.id} ({sara.ref}): entry 4 is another than the one that anchor 1 covers"
    ]


async def test_a_head_that_nobody_signed_keeps_no_chain_out_of_an_anchor(practice: Practice, owner: Owner) -> None:
    """Put there before the day ends, so that the day's anchor covers nothing of it, and taken away afterwards."""
    sara, _ = await practice.client(2), await practice.client(2)
    await practice.day_ends()
    await practice.day_ends()  # nothing has changed
    await practice.happens(sara.id, 2)
    await owner.writes(
        "INSERT INTO anchored_head (anchor, client_id, seq, hash, key_id, mac)"
        " SELECT 2, id, fact_seq, fact_hash, 'tests', repeat('0', 64) FROM client WHERE id = :id",
        id=sara.id,
    )
    await practice.day_ends()
    await owner.writes(
        HEAD,
        "DELETE FROM fact WHERE client_id = :id AND seq > 2",
        "DELETE FROM anchored_head WHERE client_id = :id AND anchor = 2",
        id=sara.id,
    )
    assert await practice.faults() == [
        f"client {sara.id} ({sara.ref}): entries 3 to 4 are missing: anchor 3 covers entry 4"
    ]


async def test_a_client_who_was_removed_is_named_by_the_anchors(practice: Practice, owner: Owner) -> None:
    sara, _ = await practice.client(4), await practice.client(4)
    await practice.day_ends()
    await owner.writes("DELETE FROM fact WHERE client_id = :id", "DELETE FROM client WHERE id = :id", id=sara.id)
    assert await practice.faults() == [
        f"client {sara.id}: the client's own row was removed",
        f"client {sara.id}: entries 1 to 4 are missing: anchor 1 covers entry 4",
    ]


async def test_a_client_who_was_removed_with_their_heads_is_named_by_who_follows(
    practice: Practice, owner: Owner
) -> None:
    first, second = sorted([(await practice.client(4)).id, (await practice.client(4)).id])
    await practice.day_ends()
    gone = ("DELETE FROM fact WHERE client_id = :id", "DELETE FROM client WHERE id = :id")
    await owner.writes(*gone, "DELETE FROM anchored_head WHERE client_id = :id", id=first)
    assert await practice.faults(outside=False) == [
        f"anchor 1: the head of client {first} was removed",
        "anchor 1: it covers 2 heads, and 1 are stored",
    ]
    assert first != second


async def test_whoever_removes_the_anchors_too_is_found_by_what_is_kept_outside(
    practice: Practice, owner: Owner
) -> None:
    sara, _ = await practice.client(2), await practice.client(4)
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
    assert await practice.faults(outside=False) == [], "nothing in the database can tell"
    assert await practice.faults() == [lost("anchor 2 of 2026-03-03", since="anchor 1 of 2026-03-02")]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE anchored_head SET seq = 2", "was changed"),
        ("UPDATE anchor SET root = repeat('f', 64)", f"anchors: entry 1 is {CHANGED}"),
        ("DELETE FROM anchor", "anchor 1: it was removed, and the heads that it covers were not"),
        ("DELETE FROM anchored_head", "anchor 1: it covers 1 heads, and 0 are stored"),
    ],
)
async def test_what_is_stored_of_an_anchor_is_signed(
    practice: Practice, owner: Owner, statement: str, told: str
) -> None:
    await practice.client(4)
    await practice.day_ends()
    await owner.writes(statement)
    assert any(told in fault for fault in await practice.faults())


async def test_a_line_outside_that_was_changed_or_made_up_is_found(practice: Practice) -> None:
    await practice.client(1)
    await practice.day_ends()
    practice.kept = practice.kept.replace('"chains":1', '"chains":2')
    assert await practice.faults() == ["anchor 1 of 2026-03-02 in the file was changed, or written without the keys"]
