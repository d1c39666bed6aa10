"""Using up a budget (sliding window): one statement, so that requests side by side are counted one after the other.

The caller commits at once: until then nobody else counts on the same budget.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.budget import BudgetUse
from rules.accounts.budgets import Budget

_FORGOTTEN_AFTER = timedelta(days=1)  # longer than any budget counts
_LATELY = "ARRAY(SELECT used FROM unnest(budget_use.uses) AS used WHERE used > :since)"
_USE = text(f"""
    INSERT INTO budget_use (key, uses, last_at) VALUES (:key, ARRAY[CAST(:at AS timestamptz)], :at)
    ON CONFLICT (key) DO UPDATE SET uses = {_LATELY} || CAST(:at AS timestamptz), last_at = :at
    WHERE cardinality({_LATELY}) < :most
    RETURNING key
""")  # noqa: S608 - it is put together from what stands above
_GIVE_BACK = text("""
    UPDATE budget_use SET uses = uses[1:array_position(uses, CAST(:at AS timestamptz)) - 1]
        || uses[array_position(uses, CAST(:at AS timestamptz)) + 1:]
    WHERE key = :key AND array_position(uses, CAST(:at AS timestamptz)) IS NOT NULL
""")
_TAKE_TURN = text("""
    DELETE FROM budget_use WHERE key = :key AND uses[1] <= :at AND uses[1] > :since RETURNING key
""")
_KEEP_TURN = text("""
    INSERT INTO budget_use (key, uses, last_at) VALUES (:key, ARRAY[CAST(:ready AS timestamptz)], :at)
    ON CONFLICT (key) DO UPDATE SET last_at = :at,
        uses = CASE WHEN budget_use.uses[1] > :since THEN budget_use.uses ELSE EXCLUDED.uses END
    RETURNING uses[1]
""")
_READY_TURN = text("""
    INSERT INTO budget_use (key, uses, last_at) VALUES (:key, ARRAY[CAST(:at AS timestamptz)], :at)
    ON CONFLICT (key) DO UPDATE SET uses = EXCLUDED.uses, last_at = EXCLUDED.last_at
""")
_SWEEP = text("""
    DELETE FROM budget_use WHERE key IN (
        SELECT key FROM budget_use WHERE last_at < :before LIMIT 20 FOR UPDATE SKIP LOCKED
    )
""")


async def use(session: AsyncSession, budget: Budget, *, at: datetime) -> datetime | None:
    """Use it once; None if that was allowed, else the instant from which it may be used again."""
    connection = await session.connection()
    said = {"key": budget.key, "at": at, "since": at - budget.within, "most": budget.most}
    if (await connection.execute(_USE, said)).first() is not None:
        return None
    uses = (await session.exec(select(BudgetUse.uses).where(col(BudgetUse.key) == budget.key))).one()
    oldest: datetime = min(used for used in uses if used > at - budget.within)
    return oldest + budget.within


async def give_back(session: AsyncSession, budget: Budget, *, at: datetime) -> None:
    """The use at this instant was none after all."""
    connection = await session.connection()
    await connection.execute(_GIVE_BACK, {"key": budget.key, "at": at})


async def take_turn(session: AsyncSession, key: str, *, wait: timedelta, at: datetime) -> datetime | None:
    """Somebody whom a budget refuses waits for so long at most, however many others use it up meanwhile: None if they
    have waited, which is good for one use; else from when on they will have."""
    connection = await session.connection()
    said = {"key": key, "at": at, "since": at - wait}
    if (await connection.execute(_TAKE_TURN, said)).first() is not None:
        return None
    ready: datetime = (await connection.execute(_KEEP_TURN, said | {"ready": at + wait})).scalar_one()
    return ready


async def ready_turn(session: AsyncSession, key: str, *, at: datetime) -> None:
    """Whoever has waited, and was not looked at, need not wait again."""
    connection = await session.connection()
    await connection.execute(_READY_TURN, {"key": key, "at": at})


async def forget_old_uses(session: AsyncSession, *, at: datetime) -> None:
    """Drop a few of those that count for nothing any more."""
    connection = await session.connection()
    await connection.execute(_SWEEP, {"before": at - _FORGOTTEN_AFTER})
