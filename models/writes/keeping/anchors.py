"""Making an anchor: the heads that have changed since the last one, signed one by one, and the root over them."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.reads.accounts.access_chain import newest_block
from models.reads.epoch import present_epoch
from models.reads.keeping.anchors import (
    chains_begun,
    free_number,
    head_of_anchor,
    heads_not_anchored,
    is_anchored,
    newest_anchor,
)
from models.tables.keeping.anchor import Anchor, AnchoredHead
from rules.accounts.accesses import HEAD_ID
from rules.anchors import CHAIN, NO_ROOT, AnchorHead, Root, clear_of_anchor, is_due, sign_head
from rules.chain import ChainKeys, instant, next_entry

_AT_A_TIME = 1000
_ONE_AT_A_TIME = 4_207_311  # the number of the lock: any that nobody else takes


async def make_anchor(session: AsyncSession, *, at: datetime) -> Anchor | None:
    """The anchor of this day (in UTC), in the running transaction; None where it was made, or somebody is making it.
    It stands on the newest whose signature holds, whatever else was put between the two.

    The session has not read anything yet: all heads are those of one moment.
    """
    _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    free: Any = sa.select(sa.func.pg_try_advisory_xact_lock(_ONE_AT_A_TIME))
    if not (await session.exec(free)).scalar_one():
        return None
    previous = (await newest_anchor(session)).row
    if previous is not None and not is_due(previous.date, today=at.date()):
        return None
    number = await free_number(session, previous)
    root = Root(previous.root if previous is not None else NO_ROOT)
    heads = await _cover(session, number, root)
    anchor = await _signed(session, previous, number, root=root.value, heads=heads, at=at)
    session.add(anchor)
    await session.flush()
    return anchor


async def _cover(session: AsyncSession, number: int, root: Root) -> int:
    """Write the heads that no anchor covers, and add them to the root; how many they were."""
    keys, after, follows, count = chain_keys(session), None, None, 0
    while True:
        page = await heads_not_anchored(session, after=after, limit=_AT_A_TIME)
        rows = []
        for client_id, seq, hash in page.heads:
            head = AnchorHead(
                anchor=number,
                client_id=str(client_id),
                seq=seq,
                hash=hash,
                follows=str(follows) if follows is not None else None,
            )
            root.add(head)
            rows.append(_row(keys, head))
            follows = client_id
        if rows:
            await session.exec(insert(AnchoredHead).values(rows))
        count, after = count + len(rows), page.last
        if after is None:
            return count + await _cover_accesses(session, number, root, follows=follows)


async def _cover_accesses(session: AsyncSession, number: int, root: Root, *, follows: UUID | None) -> int:
    """The head of the access log's chain, if no anchor covers it: behind those of all clients."""
    newest = await newest_block(session)
    if newest is None or await is_anchored(session, HEAD_ID, newest.number, newest.hash):
        return 0
    head = AnchorHead(
        anchor=number,
        client_id=str(HEAD_ID),
        seq=newest.number,
        hash=newest.hash,
        follows=str(follows) if follows is not None else None,
    )
    root.add(head)
    await session.exec(insert(AnchoredHead).values([_row(chain_keys(session), head)]))
    return 1


def _row(keys: ChainKeys, head: AnchorHead) -> dict[str, Any]:
    ids = {"client_id": UUID(head.client_id), "follows": UUID(head.follows) if head.follows is not None else None}
    return {**asdict(head), **ids, "key_id": keys.current, "mac": sign_head(keys, head)}


async def _signed(
    session: AsyncSession, previous: Anchor | None, number: int, *, root: str, heads: int, at: datetime
) -> Anchor:
    epoch, chains = await present_epoch(session), await chains_begun(session)
    entry = next_entry(
        chain_keys(session),
        replace(head_of_anchor(previous), seq=number - 1),
        chain=CHAIN,
        clear=clear_of_anchor(
            date=at.date().isoformat(), at=instant(at), epoch=str(epoch), chains=chains, heads=heads, root=root
        ),
    )
    return Anchor(
        number=entry.seq,
        date=at.date(),
        at=at,
        epoch=epoch,
        chains=chains,
        heads=heads,
        root=root,
        key_id=entry.key_id,
        previous_key_id=entry.previous_key_id,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )
