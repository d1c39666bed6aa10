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
# In the order of their keys, in which everybody waits for others' rows.
_USE = text(f"""
    INSERT INTO budget_use (key, uses, last_at)
    SELECT given.key, ARRAY[CAST(:at AS timestamptz)], CAST(:at AS timestamptz)
    FROM unnest(CAST(:keys AS text[])) AS given (key) ORDER BY given.key
    ON CONFLICT (key) DO UPDATE SET uses = {_LATELY} || CAST(:at AS timestamptz), last_at = :at
    WHERE cardinality({_LATELY}) < (
        SELECT given.most FROM unnest(CAST(:keys AS text[]), CAST(:mosts AS int[])) AS given (key, most)
        WHERE given.key = EXCLUDED.key
    )
    RETURNING key
""")  # noqa: S608 - it is put together from what stands above
_GIVE_BACK = text("""
    UPDATE budget_use SET uses = uses[1:array_position(uses, CAST(:at AS timestamptz)) - 1]
        || uses[array_position(uses, CAST(:at AS timestamptz)) + 1:]
    WHERE array_position(uses, CAST(:at AS timestamptz)) IS NOT NULL AND key IN (
        SELECT key FROM budget_use WHERE key = ANY(CAST(:keys AS text[])) ORDER BY key FOR UPDATE
    )
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
    DELETE FROM budget_use WHERE key = ANY (ARRAY(
        SELECT key FROM budget_use WHERE last_at < :before LIMIT 20 FOR UPDATE SKIP LOCKED
    ))
""")


async def use(session: AsyncSession, *budgets: Budget, at: datetime, unless: Budget | None = None) -> datetime | None:
    """Use each of them once, all counted over the same time; None if that was allowed, else the instant from which it
    may be. Of several none is used then, by taking back the whole transaction. ``unless`` is one more: where that is
    used up, this was paid for before, and nothing is used again."""
    if not budgets:
        return None
    each = budgets if unless is None else (*budgets, unless)
    mosts, since = {budget.key: budget.most for budget in each}, at - budgets[0].within
    connection = await session.connection()
    said = {"keys": list(mosts), "mosts": list(mosts.values()), "at": at, "since": since}
    used = set((await connection.execute(_USE, said)).scalars())
    if used == mosts.keys():
        return None
    if used:
        await session.rollback()
    if unless is not None and unless.key not in used:
        return None
    spent = select(BudgetUse.key, BudgetUse.uses).where(col(BudgetUse.key).in_(mosts.keys() - used))
    free = [at]
    for key, uses in await session.exec(spent):
        lately = sorted(instant for instant in uses if instant > since)
        free += [instant + budgets[0].within for instant in lately[: len(lately) - mosts[key] + 1]]
    return max(free)


async def give_back(session: AsyncSession, *budgets: Budget, at: datetime) -> None:
    """The use of these at this instant was none after all."""
    connection = await session.connection()
    await connection.execute(_GIVE_BACK, {"keys": [budget.key for budget in budgets], "at": at})


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
