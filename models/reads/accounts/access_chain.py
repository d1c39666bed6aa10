"""The chain of the access log: its blocks, the lines that each covers, and those that none covers yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.signed_rows import first_free, newest_signed
from models.tables.accounts.access_log import AccessBlock, AccessLine, ChainedAccess
from rules.accounts.accesses import CHAIN, Access, AccessEvent, AccessKind, access_holds, clear_of_block
from rules.chain import ChainKeys, Entry, Head

MOST_UNDER_WAY = 100_000
"""Numbers behind the highest one that was covered, within which a line may still come: one gets its number when it is
written, and is seen when its transaction ends, at most a minute and a half later."""


async def newest_block(session: AsyncSession) -> AccessBlock | None:
    """The newest whose signature holds."""
    return (await newest_signed(session, AccessBlock, entry_of_block)).row


async def free_block_number(session: AsyncSession, newest: AccessBlock | None) -> int:
    last = newest.number if newest is not None else 0
    taken = select(AccessBlock.number).where(col(AccessBlock.number) > last).order_by(col(AccessBlock.number))
    return await first_free(session, taken, behind=last)


async def lines_not_chained(session: AsyncSession, newest: AccessBlock | None, *, limit: int) -> Sequence[AccessLine]:
    """The next lines that no block covers, in the order of their numbers."""
    behind = newest.data["last"] - MOST_UNDER_WAY if newest is not None else 0
    covered = col(ChainedAccess.line) == col(AccessLine.number)
    statement = (
        select(AccessLine)
        .join(ChainedAccess, covered, isouter=True)
        .where(col(AccessLine.number) > behind, col(ChainedAccess.line).is_(None))
    )
    return (await session.exec(statement.order_by(col(AccessLine.number)).limit(limit))).all()


async def blocks(session: AsyncSession, *, after: int, limit: int) -> Sequence[AccessBlock]:
    """The next blocks, in the order of their numbers."""
    statement = select(AccessBlock).where(col(AccessBlock.number) > after)
    return (await session.exec(statement.order_by(col(AccessBlock.number)).limit(limit))).all()


@dataclass(frozen=True, kw_only=True)
class Covered:
    """A line that a block covers, by number; ``row`` is None where it is gone."""

    block: int
    line: int
    row: AccessLine | None


async def covered_lines(session: AsyncSession, *, until: int, after: tuple[int, int], limit: int) -> Sequence[Covered]:
    """The next lines that blocks up to a number cover, block after block."""
    block, line = after
    behind = (col(ChainedAccess.block) > block) | (
        (col(ChainedAccess.block) == block) & (col(ChainedAccess.line) > line)
    )
    statement = (
        select(ChainedAccess, AccessLine)
        .join(AccessLine, col(AccessLine.number) == col(ChainedAccess.line), isouter=True)
        .where(col(ChainedAccess.block) <= until, behind)
        .order_by(col(ChainedAccess.block), col(ChainedAccess.line))
    )
    rows = (await session.exec(statement.limit(limit))).all()
    return [Covered(block=chained.block, line=chained.line, row=row) for chained, row in rows]


async def all_lines_not_chained(session: AsyncSession, *, after: int, limit: int) -> Sequence[AccessLine]:
    """The next lines that no block covers, however old they are."""
    covered = select(ChainedAccess.line).where(col(ChainedAccess.line) == col(AccessLine.number)).exists()
    statement = select(AccessLine).where(col(AccessLine.number) > after, ~covered)
    return (await session.exec(statement.order_by(col(AccessLine.number)).limit(limit))).all()


# ---------------------------------------------------------------- as they are signed


def head_of_block(block: AccessBlock | None) -> Head:
    return Head() if block is None else Head(seq=block.number, hash=block.hash, key_id=block.key_id)


def entry_of_block(block: AccessBlock) -> Entry:
    return Entry(
        chain=CHAIN,
        seq=block.number,
        clear=clear_of_block(at=block.at, kind=block.kind, data=block.data),
        key_id=block.key_id,
        previous_key_id=block.previous_key_id,
        previous_hash=block.previous_hash,
        hash=block.hash,
    )


def access_of(line: AccessLine) -> Access:
    return Access(
        at=line.at,
        event=AccessEvent(line.event),
        who=line.who,
        role=line.role,
        account_id=str(line.account_id) if line.account_id is not None else None,
        about=line.about,
        token_by=line.token_by,
        kind=AccessKind(line.kind) if line.kind is not None else None,
        whose=tuple(map(str, line.whose)),
        visitor=line.visitor,
        network=line.network,
        request_id=line.request_id,
        of_archive=line.of_archive,
    )


def line_is_signed(keys: ChainKeys, line: AccessLine) -> bool:
    """Whether it is as it was written by whoever has the keys."""
    return access_holds(keys, access_of(line), id=line.id, key_id=line.key_id, mac=line.mac)
