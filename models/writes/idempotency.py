"""The idempotency store: who answers a request, who waits for a twin, and what was answered.

The caller commits after each function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel import select as rows
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.idempotency import IdempotencyKey

KEPT_FOR = timedelta(hours=24)
BEATS_EVERY = timedelta(seconds=2)
ABANDONED_AFTER = timedelta(seconds=6)  # without a word of whoever claimed it
_FORGET_AT_ONCE = 20  # more than come in with one claim, so that old ones never pile up
LOST = 0  # the status of a request whose end nobody knows


@dataclass(frozen=True, kw_only=True)
class RequestKey:
    """An ``Idempotency-Key`` with whose it is, and for what: keys of others, and of other paths, are other keys."""

    caller: str
    route: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to answer a request. ``request_id`` is what its ids follow from."""

    key: RequestKey
    request_id: UUID
    claimed_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """What is known of a key that somebody else has claimed. ``status`` is None while that goes on."""

    body_hash: str
    status: int | None
    answer: bytes | None


async def claim(
    session: AsyncSession, key: RequestKey, *, body_hashes: Sequence[str], new_id: UUID, now: datetime
) -> Claim | StoredAnswer | None:
    """Claim a key: the claim, what is kept under it, or None when another was quicker (look again then).

    A key is free when it is new or older than a day. The same request takes over one whose end nobody knows, and
    one of whose first process nothing was heard for some seconds, and goes on under its ``request_id``.
    ``body_hashes`` all stand for the request; the first is kept. Each claim takes some old keys away, in the same
    statement.
    """
    body_hash = body_hashes[0]
    row = insert(IdempotencyKey).values(
        caller=key.caller,
        route=key.route,
        key=key.key,
        body_hash=body_hash,
        request_id=new_id,
        claimed_at=now,
    )
    new = row.on_conflict_do_nothing().returning(col(IdempotencyKey.key)).add_cte(_forget_old(key, now=now))
    if (await session.exec(new)).first():
        return Claim(key=key, request_id=new_id, claimed_at=now)
    dead = col(IdempotencyKey.alive_at) < func.clock_timestamp() - ABANDONED_AFTER
    found = (await session.exec(rows(IdempotencyKey, dead).where(_is(key)))).one_or_none()
    if found is None:
        return None
    known, is_dead = found
    old = known.claimed_at <= now - KEPT_FOR
    abandoned = known.status is None and is_dead
    if not old and (known.body_hash not in body_hashes or not (abandoned or known.status == LOST)):
        return StoredAnswer(body_hash=known.body_hash, status=known.status, answer=known.answer)
    request_id = new_id if old else known.request_id
    status = col(IdempotencyKey.status)
    taken = (
        update(IdempotencyKey)
        .where(
            _is(key),
            col(IdempotencyKey.claimed_at) == known.claimed_at,
            status.is_(None) if known.status is None else status == known.status,
        )
        .values(
            body_hash=body_hash,
            request_id=request_id,
            claimed_at=now,
            alive_at=func.clock_timestamp(),
            status=None,
            answer=None,
        )
        .returning(col(IdempotencyKey.key))
    )
    if (await session.exec(taken)).first() is None:
        return None
    return Claim(key=key, request_id=request_id, claimed_at=now)


async def beat(session: AsyncSession, claim: Claim) -> None:
    """Let others know that the request is still being answered; due every ``BEATS_EVERY``."""
    await session.exec(update(IdempotencyKey).where(_mine(claim)).values(alive_at=func.clock_timestamp()))


async def store(session: AsyncSession, claim: Claim, *, status: int, answer: bytes) -> None:
    """Store the answer for whoever asks again."""
    await session.exec(update(IdempotencyKey).where(_mine(claim)).values(status=status, answer=answer))


async def mark_lost(session: AsyncSession, claim: Claim) -> None:
    """Nobody knows how it ended: the next try with this key goes on with the same work."""
    await session.exec(update(IdempotencyKey).where(_mine(claim)).values(status=LOST))


async def release(session: AsyncSession, claim: Claim) -> None:
    """It was refused, and nothing is kept: the key is free again."""
    await session.exec(delete(IdempotencyKey).where(_mine(claim)))


def _forget_old(claimed: RequestKey, *, now: datetime) -> CTE:
    """Take away some keys that are older than a day, passing by those that somebody else is at, and by the one that is
    claimed: no statement may change a row twice."""
    row = (col(IdempotencyKey.caller), col(IdempotencyKey.route), col(IdempotencyKey.key))
    claimed_at = col(IdempotencyKey.claimed_at)
    old = select(*row).where(claimed_at <= now - KEPT_FOR, ~_is(claimed)).order_by(claimed_at).limit(_FORGET_AT_ONCE)
    return delete(IdempotencyKey).where(tuple_(*row).in_(old.with_for_update(skip_locked=True))).cte("forgotten")


def _is(key: RequestKey) -> ColumnElement[bool]:
    return and_(
        col(IdempotencyKey.caller) == key.caller,
        col(IdempotencyKey.route) == key.route,
        col(IdempotencyKey.key) == key.key,
    )


def _mine(claim: Claim) -> ColumnElement[bool]:
    return and_(
        _is(claim.key),
        col(IdempotencyKey.request_id) == claim.request_id,
        col(IdempotencyKey.claimed_at) == claim.claimed_at,
        col(IdempotencyKey.status).is_(None),
    )
