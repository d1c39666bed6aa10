"""``python -m ops.verify``: every attack on the chains by whoever owns the tables, and what is said of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from models.database import Sessions, session_factory
from models.reads.clients.timeline import facts_of
from models.reads.keeping.anchors import entry_of_anchor
from models.sealed import RowKeys, RowPlace
from models.tables import Client
from models.tables.clients.remark import Remark
from models.writes.keeping.anchors import make_anchor
from models.writes.keeping.marks import mark_chains
from models.writes.locks import lock_client
from models.writes.timeline import tell
from ops.restored import mark_restored
from ops.verify import Found, main, verify_all
from rules.anchors import AnchorLine, line_of, read_lines
from rules.chain import CHANGED, SAYS_ELSE, ChainKeys
from rules.keeping import MarkedBy
from rules.timeline import FactKind
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.owner import Owner
from tests.care.rows import DAY, NOW, Rows


class Practice:
    """Clients with facts, an anchor a day, and what was kept of each outside."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.rows = Rows(sessions)
        self.now = NOW
        self.kept = ""

    async def client(self, facts: int) -> Client:
        client = await self.rows.client(created_at=self.now)
        await self.happens(client.id, facts)
        return client

    async def happens(self, client_id: UUID, facts: int) -> None:
        async with self.sessions() as session:
            client = await lock_client(session, client_id)
            for _ in range(facts):
                tell(
                    session,
                    client,
                    FactKind.DETAILS_CHANGED,
                    at=self.now,
                    by="care_team:desk",
                    text="As it was",
                    data={},
                    words=f"because {client.fact_seq}",
                )
            await session.commit()

    async def day_ends(self) -> None:
        async with self.sessions() as session:
            anchor = await make_anchor(session, at=self.now)
            assert anchor is not None
            self.kept += line_of(CHAIN_KEYS, entry_of_anchor(anchor)) + "\n"
            await session.commit()
        self.now += DAY

    @property
    def lines(self) -> list[AnchorLine]:
        return read_lines(self.kept)

    async def verified(self, *restored: UUID, outside: bool = True) -> Found:
        return await verify_all(self.sessions, self.lines if outside else (), restored=restored)

    async def faults(self, *restored: UUID, outside: bool = True) -> list[str]:
        return (await self.verified(*restored, outside=outside)).faults


def lost(line: str, *, since: str) -> str:
    return (
        f"{line} is in the file and not in the database: what came later is lost since {since}; if this was a restore,"
        " say --restored EPOCH"
    )


@pytest.fixture
async def practice(sessions: Sessions) -> Practice:
    return Practice(sessions)


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


_AT = (
    "UPDATE client SET fact_seq = f.seq, fact_hash = f.hash FROM fact f WHERE f.client_id = id AND id = :id AND f.seq ="
)
_HEAD = f"{_AT} 2"
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


async def test_a_chain_that_was_cut_with_its_head_is_found_by_the_anchors(practice: Practice, owner: Owner) -> None:
    sara, _ = await practice.client(4), await practice.client(4)
    await practice.day_ends()
    await owner.writes(_HEAD, "DELETE FROM fact WHERE client_id = :id AND seq > 2", id=sara.id)
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
        _HEAD,
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


# ---------------------------------------------------------------- restores


async def test_a_cut_by_a_restore_is_told_from_any_other(practice: Practice, owner: Owner) -> None:
    sara, _ = await practice.client(2), await practice.client(4)
    await practice.day_ends()
    await practice.happens(sara.id, 2)
    await practice.day_ends()
    # A copy of before the second day is put back: what came later is gone, and nothing of it left to tell.
    back = (_HEAD, "DELETE FROM fact WHERE client_id = :id AND seq > 2", "DELETE FROM anchored_head WHERE anchor = 2")
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
        f"{_AT} 3",
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
        "INSERT INTO epoch (number, epoch, began_at, missing_since) SELECT max(number) + 1, :epoch, :now, :now"
        " FROM epoch"
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
        _HEAD,
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
        _HEAD,
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


# ---------------------------------------------------------------- the command


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
    assert main(["--restored", str(FORGED), "--restored", str(UUID(int=8))]) == 1
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
    assert main(["--restored", str(FORGED)]) == 2
    assert "The database cannot be used" in capsys.readouterr().err


def _made_up() -> str:
    return (
        '{"anchor":1,"date":"2026-03-02","at":"","epoch":"","chains":1,"heads":1,"root":"","previous":"","hash":"",'
        '"key":"dev","hmac":""}'
    )
