"""The chain: whatever is done to it by somebody without the keys is found, and named by its entry."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.chain import (
    CHANGED,
    DOES_NOT_FOLLOW,
    GENESIS,
    KEY_NOT_NAMED,
    MISSING,
    SAYS_ELSE,
    Anchored,
    ChainFault,
    ChainKeys,
    Entry,
    Head,
    faults_of,
    next_entry,
)

OLD, NEW = ("2026", bytes(range(32))), ("2027", bytes(range(32, 64)))
KEYS, BOTH = ChainKeys((OLD,)), ChainKeys((NEW, OLD))
CLEAR = {"at": "2026-03-02T15:00:00.000000+00:00", "actor": "care_team:desk", "kind": "booked"}


def written(
    number: int, *, keys: ChainKeys = KEYS, behind: Sequence[Entry] = (), chain: str = "timeline:sara"
) -> list[Entry]:
    """So many entries behind those."""
    entries = list(behind)
    for _ in range(number):
        said = {"text": f"Fact {len(entries) + 1}", "data": {"n": len(entries) + 1}}
        entries.append(next_entry(keys, head_of(entries), chain=chain, clear=CLEAR, content=said))
    return entries


def head_of(entries: Sequence[Entry]) -> Head:
    return Head(seq=entries[-1].seq, hash=entries[-1].hash, key_id=entries[-1].key_id) if entries else Head()


def found(entries: Sequence[Entry], *, head: Head | None = None, keys: ChainKeys = KEYS, **more: Any) -> list[str]:
    return [str(fault) for fault in faults_of(keys, entries, head or head_of(entries), **more)]


def recomputed(entries: Sequence[Entry]) -> list[Entry]:
    """As whoever has the table, and knows this code, would make them fit again: the hashes as plain ones."""
    previous, fitting = GENESIS, []
    for entry in entries:
        fits = replace(entry, previous_hash=previous)
        fits = replace(fits, digest=sha256(repr(fits.content).encode()).hexdigest())
        fits = replace(fits, hash=sha256(repr(fits).encode()).hexdigest())
        fitting.append(fits)
        previous = fits.hash
    return fitting


def test_a_chain_as_it_was_written_holds() -> None:
    assert found([]) == []
    assert found(written(5)) == []


def test_a_changed_entry_is_named_and_no_other() -> None:
    entries = written(5)
    entries[2] = replace(entries[2], content={"text": "Something else", "data": {}})
    assert found(entries) == [f"entry 3 is {SAYS_ELSE}"]
    entries = written(5)
    entries[2] = replace(entries[2], clear={**CLEAR, "actor": "system"})
    assert found(entries) == [f"entry 3 is {CHANGED}"]


def test_a_chain_that_was_recomputed_without_the_keys_is_found() -> None:
    entries = recomputed(written(5))
    assert found(entries) == [f"entries 1 to 5 are {CHANGED}"]


def test_a_removed_entry_is_named_also_where_the_rest_moved_up() -> None:
    entries = written(5)
    gap = [*entries[:2], *entries[3:]]
    assert found(gap) == [f"entry 3 is {MISSING}"]
    moved = [*entries[:2], *(replace(entry, seq=entry.seq - 1) for entry in entries[3:])]
    assert found(moved) == [f"entries 3 to 4 are {CHANGED}"]


def test_two_entries_that_changed_places_are_named() -> None:
    first, second, third, fourth = written(4)
    swapped = [first, replace(third, seq=2), replace(second, seq=3), fourth]
    assert found(swapped) == [f"entries 2 to 3 are {CHANGED}"]


def test_the_end_is_kept_beside_the_chain() -> None:
    entries = written(5)
    assert found(entries[:3], head=head_of(entries)) == ["entries 4 to 5 are missing: the chain ends before its head"]
    assert found([], head=head_of(entries)) == ["entries 1 to 5 are missing: the chain ends before its head"]
    assert found(entries, head=head_of(entries[:3])) == ["entries 4 to 5 are behind the head that is kept of the chain"]
    other = replace(head_of(entries), hash=GENESIS)
    assert found(entries, head=other) == ["entry 5 is not the head that is kept of the chain"]


def test_a_chain_that_was_cut_with_its_head_is_found_by_an_anchor_alone() -> None:
    entries = written(5)
    anchored = {4: Anchored(hash=entries[3].hash, told="anchor 7")}
    assert found(entries, anchored=anchored) == []
    assert found(entries[:3]) == [], "nothing in the table can tell"
    assert found(entries[:3], anchored=anchored) == ["entry 4 is missing: anchor 7 covers entry 4"]
    grown = written(3, behind=entries[:2])
    [fault] = found(written(1, behind=grown), anchored={3: anchored[4]})
    assert fault == "entry 3 is another than the one that anchor 7 covers"


def test_an_entry_of_another_chain_does_not_fit() -> None:
    entries = written(3)
    entries[1] = written(3, chain="timeline:tina")[1]
    entries[1] = replace(entries[1], chain="timeline:sara")
    assert found(entries) == [f"entry 2 is {CHANGED}"]


def test_an_older_entry_of_the_same_place_does_not_follow() -> None:
    """Whoever kept a copy of entries that were really written, of a life of the database before a restore, say."""
    entries, past = written(5), written(2)
    past = [*past[:1], next_entry(KEYS, head_of(past[:1]), chain="timeline:sara", clear=CLEAR, content={"text": "No"})]
    mixed = [entries[0], past[1], *entries[2:]]
    assert found(mixed) == [f"entry 3 is {DOES_NOT_FOLLOW}"]


def test_a_new_key_begins_with_an_entry_that_signs_the_old_head() -> None:
    entries = written(2, keys=BOTH, behind=written(3))
    assert [entry.key_id for entry in entries] == ["2026"] * 3 + ["2027"] * 2
    assert [entry.previous_key_id for entry in entries] == [None] * 3 + ["2026", None]
    assert entries[3].previous_hash == entries[2].hash
    assert found(entries, keys=BOTH) == []
    # The old key has got about: what was signed with it is held by what follows.
    forged = [
        *written(2),
        next_entry(KEYS, head_of(entries[:2]), chain="timeline:sara", clear=CLEAR, content={"text": "X"}),
    ]
    assert found([*forged, *entries[3:]], keys=BOTH) == [f"entry 4 is {DOES_NOT_FOLLOW}"]


def test_a_key_that_is_not_given_is_named_and_one_that_is_not_named_found() -> None:
    entries = written(2, keys=BOTH, behind=written(1))
    assert found(entries, keys=KEYS) == [
        "entries 2 to 3 are signed with the key '2027', which is not among the CHAIN_KEYS"
    ]
    silent = next_entry(
        BOTH, replace(head_of(entries[:1]), key_id="2027"), chain="timeline:sara", clear=CLEAR, content={}
    )
    assert found([entries[0], silent], keys=BOTH) == [f"entry 2 is {KEY_NOT_NAMED}"]


def test_the_digest_tells_nothing_and_the_row_may_be_encrypted_anew() -> None:
    one, two = (
        next_entry(KEYS, Head(seq=seq), chain="timeline:sara", clear=CLEAR, content={"text": "yes"}) for seq in (1, 2)
    )
    assert one.digest != two.digest, "the same word elsewhere looks different"
    entries = written(3)
    unread = [replace(entry, content=None) for entry in entries]
    assert found(unread) == [], "whoever cannot read what an entry says can still verify the chain"


@pytest.mark.parametrize("keys", [KEYS, BOTH])
def test_keys_are_never_shown(keys: ChainKeys) -> None:
    assert repr(keys) == "ChainKeys()"
    with pytest.raises(LookupError, match="'1999' is not among the CHAIN_KEYS"):
        keys.sign("a purpose", {}, key_id="1999")


# ---------------------------------------------------------------- whatever is done


@st.composite
def attacked(draw: st.DrawFn) -> tuple[list[Entry], list[Entry], Head]:
    """A chain as it was written, one that somebody without the keys has made of it, and the head as they left it."""
    number = draw(st.integers(1, 8))
    rotated = draw(st.integers(0, number))
    entries = written(number - rotated, keys=BOTH, behind=written(rotated))
    changed = list(entries)
    for _ in range(draw(st.integers(1, 3))):
        if not changed:
            break
        place = draw(st.integers(0, len(changed) - 1))
        how = draw(st.sampled_from(("text", "clear", "remove", "swap", "hash", "key", "renumber", "recompute")))
        one = changed[place]
        if how == "text":
            changed[place] = replace(one, content={"text": draw(st.text(max_size=5)), "data": {}})
        elif how == "clear":
            changed[place] = replace(one, clear={**one.clear, "kind": draw(st.text(max_size=5))})
        elif how == "remove":
            del changed[place]
        elif how == "swap":
            other = draw(st.integers(0, len(changed) - 1))
            changed[place], changed[other] = (
                replace(changed[other], seq=one.seq),
                replace(one, seq=changed[other].seq),
            )
        elif how == "hash":
            changed[place] = replace(one, hash=draw(st.sampled_from([GENESIS, "f" * 64, entries[0].hash])))
        elif how == "key":
            changed[place] = replace(one, key_id=draw(st.sampled_from(["2026", "2027", "1999"])))
        elif how == "renumber":
            changed = [replace(entry, seq=seq) for seq, entry in enumerate(changed, start=1)]
        else:
            changed = changed[:place] + recomputed(changed[place:])
    head = draw(st.sampled_from([head_of(entries), head_of(changed)]))
    return entries, changed, head


@given(attacked())
def test_whatever_is_done_without_the_keys_is_found_unless_only_the_end_was_cut(
    made: tuple[list[Entry], list[Entry], Head],
) -> None:
    entries, changed, head = made
    faults = faults_of(BOTH, changed, head)
    cut_cleanly = changed == entries[: len(changed)] and head == head_of(changed)
    assert bool(faults) != cut_cleanly, faults
    anchored = {entries[-1].seq: Anchored(hash=entries[-1].hash, told="anchor 1")}
    if changed != entries:
        assert faults_of(BOTH, changed, head, anchored=anchored)
    assert faults == sorted(faults, key=lambda fault: fault.seq)
    for fault in faults:
        _is_true(fault, entries, changed, head)


def _is_true(fault: ChainFault, entries: Sequence[Entry], changed: Sequence[Entry], head: Head) -> None:
    """The entry that is named is not as it was written, or the one before it is not, or the head is another."""
    for seq in range(fault.seq, fault.last + 1):
        was, stands = ([e for e in chain if e.seq == seq] for chain in (entries, changed))
        before = [[e for e in chain if e.seq == seq - 1] for chain in (entries, changed)]
        assert was != stands or before[0] != before[1] or head != head_of(entries), str(fault)
