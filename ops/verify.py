"""Verify every chain against the keys and the anchors: ``python -m ops.verify [--anchor FILE] [--restored EPOCH]``.

``FILE`` is the one of ANCHOR_FILE, or the daily mails saved below each other: what is kept outside of the database.
``EPOCH`` is what ``ops.restored`` printed, once for each restore: only then may anchors be missing that came before it.
Exit code 0: everything holds; 1: something does not, and each fault is a line; 2: it could not be looked at.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from config import Settings, settings_or_exit
from engine.ending import end
from models import database
from models.database import Sessions, chain_keys
from models.reads.clients.timeline import ChainHead, entry_of, facts_of_clients, heads
from models.reads.forms.copies import SignedFact, signed_facts
from models.reads.keeping.access_proof import verify_accesses
from models.reads.keeping.anchors import (
    anchors,
    entry_of_anchor,
    head_of_anchor,
    heads_in_order,
    heads_of_clients,
    read_anchored,
    signed_head_of,
)
from models.sealed import NotOfThisRow, UnknownRowKey
from models.tables.clients.fact import Fact
from models.tables.forms.signed_copy import KeptCopy
from models.tables.keeping.anchor import Anchor, AnchoredHead
from ops.leaving import CANNOT_LOOK, exit_code
from rules.accounts.accesses import HEAD_ID
from rules.anchors import NO_ROOT, AnchorLine, Root, UnreadableLine, compare_lines, head_holds, read_lines
from rules.chain import ChainFault, ChainKeys, ChainWalk, Head, entry_holds, faults_of, instant, put_together
from rules.forms.signed import hash_of
from rules.keeping import MarkedBy
from rules.timeline import FactKind

CLIENTS_AT_A_TIME, ROWS_AT_A_TIME = 500, 2000
_SAID_EVERY = 5000
_LAST_SEQ = 2**31 - 1


@dataclass
class Found:
    """``marked_at``: when a person marked that an epoch began, by the first of its entries that holds. ``notes`` are no
    faults."""

    chains: int = 0
    facts: int = 0
    anchors: int = 0
    accesses: int = 0
    marked_at: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def verify_all(sessions: Sessions, lines: Sequence[AnchorLine] = (), *, restored: Sequence[UUID] = ()) -> Found:
    """Everything that does not hold, of one moment of the database; ``lines`` are the anchors that are kept outside,
    ``restored`` the epochs of the restores that somebody who knows of them names."""
    found = Found()
    async with sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await _verify_chains(session, found)
        accesses = await verify_accesses(session)
        found.accesses, found.faults = accesses.lines, found.faults + accesses.faults
        found.faults += await _verify_copies(session)
        known = await _verify_anchors(session, found)
        named = _named(found, restored)
        compared = compare_lines(chain_keys(session), lines, known, restored=named)
    found.faults += compared.faults
    if compared.lost:
        first, last, on = compared.lost[0], compared.lost[-1], " or on ".join(sorted(named.values()))
        found.notes.append(
            f"{len(compared.lost)} anchors, from {first} to {last}, went with a restore that was marked on {on}: what"
            " they cover came after the copy, and is not in this database."
        )
    return found


def _named(found: Found, restored: Sequence[UUID]) -> dict[str, str]:
    """When each restore that is named was marked. Of one that no entry tells of, nothing can be said: a fault."""
    named = {}
    for epoch in map(str, restored):
        if epoch in found.marked_at:
            named[epoch] = found.marked_at[epoch]
        else:
            found.faults.append(f"no entry that holds tells of the restore {epoch}, as `ops.restored` would write it")
    return named


# ---------------------------------------------------------------- the clients' chains


async def _verify_chains(session: AsyncSession, found: Found) -> None:
    after: UUID | None = None
    while True:
        clients = await heads(session, after=after, limit=CLIENTS_AT_A_TIME)
        until = clients[-1].client_id if len(clients) == CLIENTS_AT_A_TIME else None
        await _verify_between(session, found, clients, after, until)
        if until is None:
            return
        after = until
        _say_how_far(found)


async def _verify_between(
    session: AsyncSession, found: Found, clients: Sequence[ChainHead], after: UUID | None, until: UUID | None
) -> None:
    """The chains of these clients, and whatever else stands between the two ids: a chain whose client is gone."""
    keys = chain_keys(session)
    covered: dict[UUID, list[AnchoredHead]] = {}
    for row in await heads_of_clients(session, after=after, until=until):
        covered.setdefault(row.client_id, []).append(row)
    known = {client.client_id: client for client in clients}
    walks: dict[UUID, ChainWalk] = {}
    faults: dict[UUID, list[ChainFault]] = {}
    for client_id in {*known, *covered}:
        anchored, faults[client_id] = read_anchored(keys, covered.get(client_id, ()))
        walks[client_id] = ChainWalk(keys, anchored=anchored)
    place: tuple[UUID, int] | None = (after, _LAST_SEQ) if after is not None else None
    while True:
        facts = await facts_of_clients(session, after=place, until=until, limit=ROWS_AT_A_TIME)
        for told in facts:
            fact = told.fact
            walk = walks.setdefault(fact.client_id, ChainWalk(keys))
            wrong = walk.look(entry_of(told))
            faults.setdefault(fact.client_id, []).extend(wrong)
            _note_restore(found, fact, wrong)
        found.facts += len(facts)
        if len(facts) < ROWS_AT_A_TIME:
            break
        place = (facts[-1].fact.client_id, facts[-1].fact.seq)
        session.expunge_all()
    for client_id, walk in sorted(walks.items()):
        client = known.get(client_id)
        faults[client_id] += walk.end(client.head if client else Head())
        _say_whose(found, client_id, client, faults[client_id])
    found.chains += len(walks)


def _note_restore(found: Found, fact: Fact, wrong: Sequence[ChainFault]) -> None:
    """Only what a person marked: the keeper signs a mark of whatever epoch stands in the table."""
    if fact.kind == FactKind.EPOCH_BEGAN and not wrong and fact.data["marked_by"] == MarkedBy.PERSON:
        epoch, at = fact.data["epoch"], instant(fact.at)
        found.marked_at[epoch] = min(found.marked_at.get(epoch, at), at)


def _say_whose(found: Found, client_id: UUID, client: ChainHead | None, faults: Sequence[ChainFault]) -> None:
    if client is None:
        found.faults.append(f"client {client_id}: the client's own row was removed")
    told = f"client {client_id} ({client.ref})" if client is not None else f"client {client_id}"
    together = put_together(sorted(faults, key=lambda fault: (fault.what, fault.seq)))
    found.faults += [f"{told}: {fault}" for fault in sorted(together, key=lambda fault: fault.seq)]


# ---------------------------------------------------------------- the anchors


async def _verify_anchors(session: AsyncSession, found: Found) -> set[tuple[int, str]]:
    """The chain of anchors, and that each covers the heads that are stored for it. Their numbers and hashes."""
    keys, rows = chain_keys(session), await anchors(session)
    newest = rows[-1] if rows else None
    found.faults += [
        f"anchors: {fault}" for fault in faults_of(keys, map(entry_of_anchor, rows), head_of_anchor(newest))
    ]
    found.anchors = len(rows)
    signed = {row.number for row in rows if entry_holds(keys, entry_of_anchor(row))}
    covers = _Covers(found, {row.number: row for row in rows}, signed)
    place: tuple[int, UUID] | None = None
    while True:
        page = await heads_in_order(session, after=place, limit=ROWS_AT_A_TIME)
        for row in page:
            covers.take(row, wrong=_wrong_with(keys, row))
        if len(page) < ROWS_AT_A_TIME:
            break
        place = (page[-1].anchor, page[-1].client_id)
        session.expunge_all()
    covers.end()
    return {(row.number, row.hash) for row in rows}


def _wrong_with(keys: ChainKeys, row: AnchoredHead) -> str | None:
    if not keys.knows(row.key_id):
        return f"is signed with the key {row.key_id!r}, which is not among the CHAIN_KEYS"
    holds = head_holds(keys, signed_head_of(row), key_id=row.key_id, mac=row.mac)
    return None if holds else "was changed"


class _Covers:
    """Whether the stored heads, anchor after anchor, are those that it covers."""

    def __init__(self, found: Found, anchors: dict[int, Anchor], signed: set[int]) -> None:
        self._found = found
        self._signed = signed  # numbers of those that hold: the root of one after another covers nothing that is known
        self._anchors = anchors
        self._looked_at: set[int] = set()
        self._clients: set[UUID] = set()  # whose chains are told of, so far
        self._heads: list[AnchoredHead] = []  # of the anchor that is looked at

    def take(self, row: AnchoredHead, *, wrong: str | None) -> None:
        """The next head, in the order in which anchors cover them."""
        if self._heads and self._heads[0].anchor != row.anchor:
            self._compare(self._heads[0].anchor)
        before = self._heads[-1].client_id if self._heads else None
        if wrong is not None:
            self._fault(row.anchor, f"the head of {_whose(row.client_id)} {wrong}")
        elif row.follows != before:
            self._fault(row.anchor, f"the head of client {row.follows or 'before the first'} was removed")
        self._heads.append(row)
        self._clients.add(row.client_id)

    def end(self) -> None:
        if self._heads:
            self._compare(self._heads[0].anchor)
        for number in sorted(self._anchors.keys() - self._looked_at):
            self._compare(number)  # no head had changed, or all were removed

    def _compare(self, number: int) -> None:
        heads, self._heads = self._heads, []
        self._looked_at.add(number)
        anchor, previous = self._anchors.get(number), self._anchors.get(number - 1)
        if anchor is None:
            self._fault(number, "it was removed, and the heads that it covers were not")
            return
        root = Root(previous.root if previous is not None else NO_ROOT)
        for head in heads:
            root.add(signed_head_of(head))
        if len(heads) != anchor.heads:
            self._fault(number, f"it covers {anchor.heads} heads, and {len(heads)} are stored")
        elif heads and len(self._clients) != anchor.chains:
            self._fault(number, f"it covers {anchor.chains} chains, and {len(self._clients)} are told of")
        elif root.value != anchor.root and (number == 1 or number - 1 in self._signed):
            self._fault(number, "the heads that are stored are not those that it covers")

    def _fault(self, number: int, what: str) -> None:
        self._found.faults.append(f"anchor {number}: {what}")


def _whose(chain: UUID) -> str:
    return "the access log" if chain == HEAD_ID else f"client {chain}"


# ---------------------------------------------------------------- signed copies


async def _verify_copies(session: AsyncSession) -> list[str]:
    """Each is what the fact of its completion says it is, which the client's chain signs."""
    return [
        f"the copy {fact.answer_id} that client {fact.client_id} signed {wrong}"
        async for fact in _signed_facts(session)
        if (wrong := await _wrong_copy(session, fact)) is not None
    ]


async def _signed_facts(session: AsyncSession) -> AsyncIterator[SignedFact]:
    after = None
    while True:
        page = await signed_facts(session, after=after, limit=ROWS_AT_A_TIME)
        for fact in page:
            yield fact
        if len(page) < ROWS_AT_A_TIME:
            return
        session.expunge_all()
        after = (page[-1].client_id, page[-1].seq)


async def _wrong_copy(session: AsyncSession, fact: SignedFact) -> str | None:
    try:
        kept = await session.get(KeptCopy, fact.answer_id)
    except (NotOfThisRow, UnknownRowKey):
        return "does not open"
    if kept is None:
        return "is gone"
    return None if hash_of(kept.document) == kept.sha256 == fact.sha256 else "is not what was signed"


# ---------------------------------------------------------------- the command


def _say_how_far(found: Found) -> None:
    if found.chains % _SAID_EVERY < CLIENTS_AT_A_TIME:
        print(f"{found.chains} chains, {found.facts} entries: {len(found.faults)} faults so far ...", flush=True)


async def _main(settings: Settings, lines: Sequence[AnchorLine], restored: Sequence[UUID]) -> int:
    pool = database.connect(settings.database)
    try:
        sessions = database.session_factory(pool, chain=settings.chain_keys, rows=settings.row_keys)
        found = await verify_all(sessions, lines, restored=restored)
    finally:
        await pool.dispose()
    for sentence in (*found.notes, *found.faults):
        print(sentence)
    print(
        f"{found.chains} chains with {found.facts} entries, {found.accesses} lines of the access log and"
        f" {found.anchors} anchors were looked at"
        f"{f', and {len(lines)} that are kept outside' if lines else ''}: {len(found.faults)} faults."
    )
    return 1 if found.faults else 0


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.verify", description=__doc__)
    parser.add_argument("--anchor", type=Path, metavar="FILE", help="anchors that are kept outside of the database")
    parser.add_argument(
        "--restored", type=UUID, action="append", default=[], metavar="EPOCH", help="a restore, as ops.restored told it"
    )
    asked = parser.parse_args(arguments)
    file: Path | None = asked.anchor
    try:
        lines = read_lines(file.read_text()) if file is not None else []
    except (OSError, UnicodeDecodeError, UnreadableLine) as error:
        print(f"{file} cannot be read: {error}", file=sys.stderr)
        return CANNOT_LOOK
    return exit_code(lambda: asyncio.run(_main(settings_or_exit(), lines, asked.restored)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
