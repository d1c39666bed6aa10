"""Whoever owns the tables: can switch triggers off, and write what they like; but has none of the keys."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


class Owner:
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def writes(self, *statements: str, **values: Any) -> None:
        """Run these in one transaction, with every trigger switched off."""
        async with self.engine.begin() as connection:
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await connection.execute(text(statement), values)
