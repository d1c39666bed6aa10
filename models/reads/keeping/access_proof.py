"""Verifying the access log: its chain of blocks, the lines that each covers, and those that none covers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.reads.accounts.access_chain import (
    Covered,
    all_lines_not_chained,
    blocks,
    covered_lines,
    entry_of_block,
    head_of_block,
    line_is_signed,
)
from models.reads.keeping.anchors import heads_of_client, read_anchored
from models.tables.accounts.access_log import AccessBlock, AccessLine
from rules.accounts.accesses import HEAD_ID, BlockKind, kept_from, root_of
from rules.chain import ChainFault, ChainKeys, ChainWalk, put_together

_BLOCKS_AT_A_TIME, _LINES_AT_A_TIME = 500, 2000
_HIGHEST = 2**31 - 1
_CHAINED_WITHIN = timedelta(hours=1)
"""Behind the newest block: who finds an older line that no block covers, has found one that was put there, or whose
place was taken away. Programs chain within a minute."""


@dataclass
class FoundAccesses:
    """``faults`` are sentences."""

    blocks: int = 0
    lines: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class _Lines:
    """The lines of one block, as far as they are there."""

    numbered: list[tuple[int, str]] = field(default_factory=list)
    gone: int = 0


async def number_of_lines(session: AsyncSession) -> int:
    """About how many lines there are: what verifying them costs."""
    return (await session.exec(select(func.max(col(AccessLine.number))))).one() or 0


async def verify_accesses(session: AsyncSession) -> FoundAccesses:
    """Everything that does not hold, of the moment that the session sees."""
    looking = _Looking(session, chain_keys(session))
    await looking.at_blocks()
    await looking.at_what_no_block_covers()
    return looking.found


class _Looking:
    def __init__(self, session: AsyncSession, keys: ChainKeys) -> None:
        self._session = session
        self._keys = keys
        self.found = FoundAccesses()
        self._newest: AccessBlock | None = None
        self._signed: set[int] = set()
        self._removed_before: datetime | None = None
        self._empty: list[AccessBlock] = []  # of which no line is there at all

    async def at_blocks(self) -> None:
        covered = await heads_of_client(self._session, HEAD_ID)
        anchored, faults = read_anchored(self._keys, covered)
        walk, place = ChainWalk(self._keys, anchored=anchored), (0, 0)
        after = 0
        while page := await blocks(self._session, after=after, limit=_BLOCKS_AT_A_TIME):
            for block in page:
                wrong = walk.look(entry_of_block(block))
                faults += wrong
                self._note(block, wrong)
            place = await self._at_lines_of(page, place, until=page[-1].number)
            after, self._newest = page[-1].number, page[-1]
        await self._at_lines_of([], place, until=_HIGHEST)
        faults += walk.end(head_of_block(self._newest))
        self._say(faults)
        self._excuse_what_was_removed()

    def _note(self, block: AccessBlock, wrong: Sequence[ChainFault]) -> None:
        self.found.blocks += 1
        if wrong:
            return
        self._signed.add(block.number)
        if block.kind is BlockKind.REMOVED:
            before = datetime.fromisoformat(block.data["before"])
            if before > kept_from(block.at):
                self._fault(f"entry {block.number} tells of lines that were removed before their time")
            self._removed_before = max(self._removed_before or before, before)

    async def _at_lines_of(self, page: Sequence[AccessBlock], place: tuple[int, int], *, until: int) -> tuple[int, int]:
        """Where the lines of these blocks end, up to a number."""
        found: dict[int, _Lines] = {}
        while True:
            rows = await covered_lines(self._session, until=until, after=place, limit=_LINES_AT_A_TIME)
            for row in rows:
                self._take(row, found.setdefault(row.block, _Lines()))
            if rows:
                place = (rows[-1].block, rows[-1].line)
            self._session.expunge_all()
            if len(rows) < _LINES_AT_A_TIME:
                break
        known = {block.number: block for block in page}
        for block in page:
            if block.kind is BlockKind.LINES and block.number in self._signed:
                self._compare(block, found.get(block.number, _Lines()))
        for number in sorted(found.keys() - known.keys()):
            self._fault(f"entry {number} is missing, and lines are there that it covers")
        return place

    def _take(self, row: Covered, lines: _Lines) -> None:
        self.found.lines += 1
        if row.row is None:
            lines.gone += 1
            return
        lines.numbered.append((row.line, row.row.mac))
        self._look_at(row.row)

    def _compare(self, block: AccessBlock, lines: _Lines) -> None:
        there, covers = len(lines.numbered), block.data["lines"]
        if not there and not lines.gone:
            self._empty.append(block)
        elif there != covers:
            self._fault(f"entry {block.number} covers {covers} lines, and {there} are there")
        elif root_of(lines.numbered) != block.data["root"]:
            self._fault(f"entry {block.number} covers other lines than those that are there")

    def _excuse_what_was_removed(self) -> None:
        """Once all entries are known: an entry that tells of the removal stands behind those whose lines are gone."""
        for block in self._empty:
            if self._removed_before is None or block.at >= self._removed_before:
                self._fault(f"entry {block.number} covers {block.data['lines']} lines, and 0 are there")

    # ------------------------------------------------------------ lines

    async def at_what_no_block_covers(self) -> None:
        """What was written last is not chained yet; anything older should be."""
        after = 0
        while page := await all_lines_not_chained(self._session, after=after, limit=_LINES_AT_A_TIME):
            for line in page:
                self.found.lines += 1
                self._look_at(line)
                if self._newest is not None and line.at < self._newest.at - _CHAINED_WITHIN:
                    self._fault(f"line {line.number} is covered by no entry, though later ones are")
            after = page[-1].number or 0

    def _look_at(self, line: AccessLine) -> None:
        if not line_is_signed(self._keys, line):
            self._fault(f"line {line.number} was changed, or written without the keys")

    def _say(self, faults: Sequence[ChainFault]) -> None:
        for fault in put_together(sorted(faults, key=lambda fault: fault.seq)):
            self._fault(str(fault))

    def _fault(self, what: str) -> None:
        self.found.faults.append(f"access log: {what}")
