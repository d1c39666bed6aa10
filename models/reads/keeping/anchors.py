"""Anchors and the heads that they cover, in the order in which they were made; and the heads that no anchor covers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, tuple_, union
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.reads.accounts.access_chain import newest_block
from models.reads.signed_rows import Newest, first_free, newest_signed
from models.tables.clients.client import Client
from models.tables.keeping.anchor import Anchor, AnchoredHead
from rules.accounts.accesses import HEAD_ID
from rules.anchors import CHAIN, AnchorHead, clear_of_anchor, head_holds
from rules.chain import Anchored, ChainFault, ChainKeys, Entry, Head, instant


async def newest_anchor(session: AsyncSession) -> Newest[Anchor]:
    return await newest_signed(session, Anchor, entry_of_anchor)


async def free_number(session: AsyncSession, newest: Anchor | None) -> int:
    """The number of the next anchor: the first that no row has, and no head names."""
    last = newest.number if newest is not None else 0
    taken = union(
        select(col(Anchor.number).label("number")).where(col(Anchor.number) > last),
        select(col(AnchoredHead.anchor).label("number")).where(col(AnchoredHead.anchor) > last),
    ).subquery()
    return await first_free(session, select(taken.c.number).order_by(taken.c.number), behind=last)


async def anchors(session: AsyncSession) -> Sequence[Anchor]:
    """All of them: one a day."""
    return (await session.exec(select(Anchor).order_by(col(Anchor.number)))).all()


async def chains_begun(session: AsyncSession) -> int:
    """How many clients have any fact; and one more where there is an access log."""
    clients = (await session.exec(select(func.count()).where(col(Client.fact_seq) > 0))).one()
    return clients + (await newest_block(session) is not None)


async def is_anchored(session: AsyncSession, chain: UUID, seq: int, hash: str) -> bool:
    """Whether an anchor covers this head, by a row that was signed."""
    covered = select(AnchoredHead).where(
        col(AnchoredHead.client_id) == chain, col(AnchoredHead.seq) == seq, col(AnchoredHead.hash) == hash
    )
    return any(is_signed(chain_keys(session), row) for row in (await session.exec(covered)).all())


@dataclass(frozen=True, kw_only=True)
class HeadsPage:
    """Of the next chains, in the order of their ids: id, number and hash of each head that no anchor covers. ``last``
    is the chain behind which the next page begins, None behind the last one."""

    heads: Sequence[tuple[UUID, int, str]]
    last: UUID | None


async def heads_not_anchored(session: AsyncSession, *, after: UUID | None, limit: int) -> HeadsPage:
    """By a row that was signed: whoever can add one, and not sign it, keeps no head out of an anchor."""
    statement = select(Client.id, Client.fact_seq, Client.fact_hash).where(col(Client.fact_seq) > 0)
    if after is not None:
        statement = statement.where(col(Client.id) > after)
    found = (await session.exec(statement.order_by(col(Client.id)).limit(limit))).all()
    same = (
        col(AnchoredHead.client_id) == col(Client.id),
        col(AnchoredHead.seq) == col(Client.fact_seq),
        col(AnchoredHead.hash) == col(Client.fact_hash),
    )
    covering = select(AnchoredHead).join(Client, and_(*same)).where(col(Client.id).in_([head[0] for head in found]))
    keys = chain_keys(session)
    covered = {row.client_id for row in (await session.exec(covering)).all() if is_signed(keys, row)}
    return HeadsPage(
        heads=[head for head in found if head[0] not in covered],
        last=found[-1][0] if len(found) == limit else None,
    )


async def heads_of_clients(session: AsyncSession, *, after: UUID | None, until: UUID | None) -> Sequence[AnchoredHead]:
    """What all anchors say of the clients behind an id, and up to another one."""
    statement = select(AnchoredHead).order_by(col(AnchoredHead.client_id), col(AnchoredHead.anchor))
    statement = statement.where(col(AnchoredHead.client_id) != HEAD_ID)
    if after is not None:
        statement = statement.where(col(AnchoredHead.client_id) > after)
    if until is not None:
        statement = statement.where(col(AnchoredHead.client_id) <= until)
    return (await session.exec(statement)).all()


async def heads_of_client(session: AsyncSession, client_id: UUID) -> Sequence[AnchoredHead]:
    statement = select(AnchoredHead).where(col(AnchoredHead.client_id) == client_id)
    return (await session.exec(statement.order_by(col(AnchoredHead.anchor)))).all()


async def heads_in_order(
    session: AsyncSession, *, after: tuple[int, UUID] | None, limit: int
) -> Sequence[AnchoredHead]:
    """The next heads, in the order in which anchors cover them."""
    place = tuple_(col(AnchoredHead.anchor), col(AnchoredHead.client_id))
    statement = select(AnchoredHead).order_by(col(AnchoredHead.anchor), col(AnchoredHead.client_id)).limit(limit)
    return (await session.exec(statement if after is None else statement.where(place > after))).all()


def head_of_anchor(anchor: Anchor | None) -> Head:
    """The newest entry of the chain of anchors."""
    return Head() if anchor is None else Head(seq=anchor.number, hash=anchor.hash, key_id=anchor.key_id)


def entry_of_anchor(anchor: Anchor) -> Entry:
    return Entry(
        chain=CHAIN,
        seq=anchor.number,
        clear=clear_of_anchor(
            date=anchor.date.isoformat(),
            at=instant(anchor.at),
            epoch=str(anchor.epoch),
            chains=anchor.chains,
            heads=anchor.heads,
            root=anchor.root,
        ),
        key_id=anchor.key_id,
        previous_key_id=anchor.previous_key_id,
        previous_hash=anchor.previous_hash,
        hash=anchor.hash,
    )


def signed_head_of(row: AnchoredHead) -> AnchorHead:
    return AnchorHead(
        anchor=row.anchor,
        client_id=str(row.client_id),
        seq=row.seq,
        hash=row.hash,
        follows=str(row.follows) if row.follows is not None else None,
    )


def is_signed(keys: ChainKeys, row: AnchoredHead) -> bool:
    """Whether it is as it was written by whoever has the keys."""
    return head_holds(keys, signed_head_of(row), key_id=row.key_id, mac=row.mac)


def read_anchored(keys: ChainKeys, rows: Iterable[AnchoredHead]) -> tuple[dict[int, Anchored], list[ChainFault]]:
    """What anchors say of one chain, by the entry's number; and the heads that say nothing: those that were changed
    since, and those under a key that is not given, which whoever changed them may have written there."""
    anchored: dict[int, Anchored] = {}
    faults: list[ChainFault] = []
    for row in rows:
        if is_signed(keys, row):
            # The first to cover a number counts: whoever cuts a chain and lets it grow again has it covered anew.
            anchored.setdefault(row.seq, Anchored(hash=row.hash, told=f"anchor {row.anchor}"))
            continue
        what = f"another in anchor {row.anchor}, which was changed"
        if not keys.knows(row.key_id):
            what = f"in anchor {row.anchor} under the key {row.key_id!r}, which is not among the CHAIN_KEYS"
        faults.append(ChainFault(seq=row.seq, last=row.seq, what=what))
    return anchored, faults
