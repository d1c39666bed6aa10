"""The chain of the access log: lines are covered in blocks, a moment after they were written, never by a request."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.reads.accounts.access_chain import (
    free_block_number,
    head_of_block,
    line_is_signed,
    lines_not_chained,
    newest_block,
)
from models.tables.accounts.access_log import AccessBlock, AccessLine, AccessRepeat, ChainedAccess
from rules.accounts.accesses import CHAIN, BlockKind, clear_of_block, root_of
from rules.chain import next_entry

LINES_OF_A_BLOCK = 1000
_ONE_AT_A_TIME = 4_207_312  # the number of the lock: any that nobody else takes


async def chain_accesses(session: AsyncSession, *, at: datetime) -> int:
    """Cover the next lines by a block, in the running transaction; how many there were. None are while somebody else is
    at it. Lines that nobody signed are covered like all others: whoever verifies names them."""
    if not await _locked(session, func.pg_try_advisory_xact_lock(_ONE_AT_A_TIME)):
        return 0
    newest = await newest_block(session)
    lines = await lines_not_chained(session, newest, limit=LINES_OF_A_BLOCK)
    if not lines:
        return 0
    numbered = [(line.number or 0, line.mac) for line in lines]
    # Whoever can add a line gives it what number they like: one that nobody signed moves nothing.
    signed = [line.number or 0 for line in lines if line_is_signed(chain_keys(session), line)]
    last = max([_last(newest), *signed])
    data = {"lines": len(lines), "root": root_of(numbered), "last": last}
    block = await _add_block(session, newest, BlockKind.LINES, data, at=at)
    await _cover(session, block, lines)
    return len(lines)


async def _cover(session: AsyncSession, block: AccessBlock, lines: Sequence[AccessLine]) -> None:
    rows = [{"line": line.number, "block": block.number} for line in lines]
    await session.exec(insert(ChainedAccess).values(rows).on_conflict_do_nothing())


async def mark_access_log(session: AsyncSession, data: Mapping[str, Any], *, at: datetime) -> None:
    """Write into the chain that an epoch began, if there is a chain."""
    await _locked(session, func.pg_advisory_xact_lock(_ONE_AT_A_TIME))
    newest = await newest_block(session)
    if newest is not None and not await _tells_of(session, data["epoch"]):
        await _add_block(session, newest, BlockKind.EPOCH_BEGAN, {**data, "last": _last(newest)}, at=at)


async def remove_accesses(session: AsyncSession, *, before: datetime, at: datetime) -> int:
    """Remove the lines of every block that was made before an instant, and write into the chain that they were; how
    many there were. For the owner of the tables alone."""
    await _locked(session, func.pg_advisory_xact_lock(_ONE_AT_A_TIME))
    newest = await newest_block(session)
    if newest is None:
        return 0
    saying_so: Any = sa.text("SET LOCAL care_journeys.removes_accesses = 'yes'")
    await session.exec(saying_so)
    numbers = select(ChainedAccess.line).join(AccessBlock, col(AccessBlock.number) == col(ChainedAccess.block))
    old = numbers.where(col(AccessBlock.at) < before)
    ids = select(AccessLine.id).where(col(AccessLine.number).in_(old))
    await session.exec(delete(AccessRepeat).where(col(AccessRepeat.line).in_(ids)))
    removed = (await session.exec(delete(AccessLine).where(col(AccessLine.number).in_(old)))).rowcount
    if removed:
        blocks = select(AccessBlock.number).where(col(AccessBlock.at) < before)
        await session.exec(delete(ChainedAccess).where(col(ChainedAccess.block).in_(blocks)))
        data = {"before": before.isoformat(), "lines": removed, "last": _last(newest)}
        await _add_block(session, newest, BlockKind.REMOVED, data, at=at)
    return removed


async def _locked(session: AsyncSession, lock: Any) -> bool:
    return bool((await session.exec(select(lock))).one())


async def _tells_of(session: AsyncSession, epoch: str) -> bool:
    told = select(AccessBlock.number).where(
        col(AccessBlock.kind) == BlockKind.EPOCH_BEGAN, col(AccessBlock.data)["epoch"].astext == epoch
    )
    return (await session.exec(told.limit(1))).first() is not None


def _last(newest: AccessBlock | None) -> int:
    return newest.data["last"] if newest is not None else 0


async def _add_block(
    session: AsyncSession, newest: AccessBlock | None, kind: BlockKind, data: Mapping[str, Any], *, at: datetime
) -> AccessBlock:
    number = await free_block_number(session, newest)
    entry = next_entry(
        chain_keys(session),
        replace(head_of_block(newest), seq=number - 1),
        chain=CHAIN,
        clear=clear_of_block(at=at, kind=kind, data=data),
    )
    block = AccessBlock(
        number=entry.seq,
        at=at,
        kind=kind,
        data=dict(data),
        key_id=entry.key_id,
        previous_key_id=entry.previous_key_id,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )
    session.add(block)
    await session.flush()
    return block
