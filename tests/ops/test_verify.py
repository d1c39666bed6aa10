"""``python -m ops.verify``: every attack on the chains by whoever owns the tables, and what is said of it."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from models.database import Sessions, session_factory
from models.reads.clients.timeline import facts_of
from models.sealed import RowKeys, RowPlace
from models.tables.clients.remark import Remark
from models.writes.keeping.anchors import make_anchor
from ops.verify import main, verify_all
from rules.chain import CHANGED, SAYS_ELSE, ChainKeys
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.owner import Owner
from tests.ops.chains import Practice


async def test_what_the_programs_wrote_holds(practice: Practice) -> None:
    sara, _ = await practice.client(4), await practice.client(2)
    await practice.day_ends()
    await practice.day_ends()  # nothing has changed
    await practice.happens(sara.id, 2)
    await practice.day_ends()
    await practice.happens(sara.id, 1)
    found = await practice.verified()
    assert (found.faults, found.notes) == ([], [])
    assert (found.chains, found.facts, found.anchors) == (2, 9, 3)
    assert [(line.chains, line.heads) for line in practice.lines] == [(2, 2), (2, 0), (2, 1)]


async def test_pages_are_looked_at_to_their_end(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, owner: Owner
) -> None:
    for name, rows in {"CLIENTS_AT_A_TIME": 2, "ROWS_AT_A_TIME": 3}.items():
        monkeypatch.setattr(f"ops.verify.{name}", rows)
    monkeypatch.setattr("models.writes.keeping.anchors._AT_A_TIME", 2)
    clients = sorted([(await practice.client(5)).id for _ in range(7)])
    await practice.day_ends()
    found = await practice.verified()
    assert (found.faults, found.chains, found.facts) == ([], 7, 35)
    await owner.writes("DELETE FROM fact WHERE seq = 4")
    assert [fault.split(" ")[1] for fault in await practice.faults()] == [str(id) for id in clients]


# ---------------------------------------------------------------- by whoever owns the tables, without the keys

RECOMPUTE = (
    "UPDATE fact SET text = 'Forged', previous_hash = :previous, hash = :hash WHERE client_id = :id AND seq = :seq"
)


async def _recompute(owner: Owner, client_id: UUID) -> None:
    """Every hash anew, so that each fits the one before it, as this code of yesterday did; and the head."""
    previous = "0" * 64
    for seq in range(1, 5):
        hash = sha256(f"{previous}{seq}".encode()).hexdigest()
        await owner.writes(
            RECOMPUTE,
            "UPDATE client SET fact_hash = :hash WHERE id = :id",
            id=client_id,
            seq=seq,
            previous=previous,
            hash=hash,
        )
        previous = hash


async def _swap(owner: Owner, client_id: UUID) -> None:
    await owner.writes(
        "UPDATE fact SET seq = seq + 100 WHERE client_id = :id AND seq IN (2, 3)",
        "UPDATE fact SET seq = 105 - seq WHERE client_id = :id AND seq > 100",
        id=client_id,
    )


def _by(*statements: str) -> Callable[[Owner, UUID], Awaitable[object]]:
    return lambda owner, client_id: owner.writes(*statements, id=client_id)


ATTACKS = {
    "changed text": (_by("UPDATE fact SET text = 'X' WHERE client_id = :id AND seq = 2"), f"entry 2 is {SAYS_ELSE}"),
    "changed data": (
        _by("UPDATE fact SET data = '{\"amount\": 1}' WHERE client_id = :id AND seq = 2"),
        f"entry 2 is {SAYS_ELSE}",
    ),
    "removed words": (
        _by("DELETE FROM remark WHERE hash = (SELECT hash FROM fact WHERE client_id = :id AND seq = 2)"),
        f"entry 2 is {SAYS_ELSE}",
    ),
    "words of another entry": (
        _by(
            "UPDATE remark SET words = o.words FROM remark o JOIN fact f ON f.hash = o.hash"
            " WHERE f.client_id = :id AND f.seq = 3"
            " AND remark.hash = (SELECT hash FROM fact WHERE client_id = :id AND seq = 2)"
        ),
        f"entry 2 is {SAYS_ELSE}",
    ),
    "words in the clear": (
        _by(
            "UPDATE remark SET words = convert_to('Forged', 'UTF8')"
            " WHERE hash = (SELECT hash FROM fact WHERE client_id = :id AND seq = 2)"
        ),
        f"entry 2 is {SAYS_ELSE}",
    ),
    "changed author": (_by("UPDATE fact SET actor = 'X' WHERE client_id = :id AND seq = 2"), f"entry 2 is {CHANGED}"),
    "moved in time": (
        _by("UPDATE fact SET at = at + interval '1 second' WHERE client_id = :id AND seq = 2"),
        f"entry 2 is {CHANGED}",
    ),
    "recomputed": (_recompute, f"entries 1 to 4 are {CHANGED}"),
    "removed in the middle": (_by("DELETE FROM fact WHERE client_id = :id AND seq = 2"), "entry 2 is missing"),
    "reordered": (_swap, f"entries 2 to 3 are {CHANGED}"),
    "cut": (
        _by("DELETE FROM fact WHERE client_id = :id AND seq > 2"),
        "entries 3 to 4 are missing: the chain ends before its head",
    ),
}


async def test_words_that_were_changed_by_somebody_with_the_keys_of_rows_are_found(practice: Practice) -> None:
    sara = await practice.client(4)
    async with practice.sessions() as session:
        [second] = await facts_of(session, sara.id, after_seq=1, limit=1)
        remark = await session.get_one(Remark, second.fact.hash)
        remark.words = "because of nothing"
        await session.commit()
    assert await practice.faults() == [f"client {sara.id} ({sara.ref}): entry 2 is {SAYS_ELSE}"]


async def test_words_that_are_sealed_anew_are_those_that_were_signed(practice: Practice, owner: Owner) -> None:
    sara = await practice.client(4)
    keys = RowKeys((("new", b"n" * 32), *ROW_KEYS.keys))
    practice.sessions = session_factory(practice.sessions.kw["bind"], chain=CHAIN_KEYS, rows=keys)
    async with practice.sessions() as session:
        [second] = await facts_of(session, sara.id, after_seq=1, limit=1)
    anew = keys.seal(b"because 1", RowPlace(table="remark", column="words", row=second.fact.hash))
    await owner.writes("UPDATE remark SET words = :anew WHERE hash = :hash", anew=anew, hash=second.fact.hash)
    assert await practice.faults() == []


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_named_with_its_entry_without_any_anchor(
    practice: Practice, owner: Owner, attack: str
) -> None:
    sara, _ = await practice.client(4), await practice.client(4)
    act, told = ATTACKS[attack]
    await act(owner, sara.id)
    assert await practice.faults() == [f"client {sara.id} ({sara.ref}): {told}"]


# ---------------------------------------------------------------- keys


async def test_a_new_key_signs_the_old_heads_and_the_old_ones_are_kept_for_verifying(
    practice: Practice, sessions: Sessions
) -> None:
    sara = await practice.client(2)
    await practice.day_ends()
    [old] = CHAIN_KEYS.keys
    both = ChainKeys((("next", bytes(range(32, 64))), old))
    practice.sessions = session_factory(sessions.kw["bind"], chain=both, rows=ROW_KEYS)
    await practice.happens(sara.id, 2)
    async with practice.sessions() as session:
        _ = await make_anchor(session, at=practice.now)
        await session.commit()
    found = await practice.verified()
    assert (found.faults, found.anchors) == ([], 2)
    without = await verify_all(session_factory(sessions.kw["bind"], chain=ChainKeys(both.keys[:1]), rows=ROW_KEYS))
    unknown = "signed with the key 'tests', which is not among the CHAIN_KEYS"
    assert without.faults == [
        f"client {sara.id} ({sara.ref}): entries 1 to 2 are {unknown}",
        f"client {sara.id} ({sara.ref}): entry 2 is in anchor 1 under the key 'tests', {unknown.partition(', ')[2]}",
        f"anchors: entry 1 is {unknown}",
        f"anchor 1: the head of client {sara.id} is {unknown}",
    ]


# ---------------------------------------------------------------- the command


NO_RESTORE = str(UUID(int=7))


def test_the_command_says_what_it_found_and_how_it_ended(
    owner_url: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main([]) == 0
    assert (
        capsys.readouterr().out
        == "0 chains with 0 entries, 0 lines of the access log and 0 anchors were looked at: 0 faults.\n"
    )
    assert main(["--restored", NO_RESTORE, "--restored", str(UUID(int=8))]) == 1
    assert "2 faults" in capsys.readouterr().out
    file = tmp_path / "anchors"
    file.write_text("Please keep this mail.\n" + _made_up() + "\n")
    assert main(["--anchor", str(file)]) == 1
    assert "anchor 1 of 2026-03-02 in the file was changed, or written without the keys" in capsys.readouterr().out
    file.write_text('{"anchor":1')
    assert main(["--anchor", str(file)]) == 2
    assert "line 1 is no anchor" in capsys.readouterr().err
    assert main(["--anchor", str(tmp_path / "none")]) == 2
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@/none?host=/nowhere")
    assert main(["--restored", NO_RESTORE]) == 2
    assert "The database cannot be used" in capsys.readouterr().err


def _made_up() -> str:
    return (
        '{"anchor":1,"date":"2026-03-02","at":"","epoch":"","chains":1,"heads":1,"root":"","previous":"","hash":"",'
        '"key":"dev","hmac":""}'
    )
