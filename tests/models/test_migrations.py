"""The migrations and the tables in code say the same, and a database can go up and down."""

import asyncio
import re

from alembic import command
from sqlalchemy import Enum, text
from sqlmodel import SQLModel

from local.postgres import Postgres
from models.database import connect
from models.migrate import check, configuration, upgrade
from models.two_releases import COMING


async def test_the_migrations_make_exactly_the_tables_in_code(database_url: str) -> None:
    await asyncio.to_thread(check, database_url)


async def test_a_database_goes_down_and_up_again(postgres: Postgres) -> None:
    await postgres.migrated("down_and_up")
    url = postgres.owner_url("down_and_up")
    await asyncio.to_thread(command.downgrade, configuration(url), "base")
    engine = connect(url)
    async with engine.connect() as connection:
        left = (await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).scalars()
        assert set(left) == {"alembic_version"}
    await engine.dispose()
    await asyncio.to_thread(upgrade, url)
    await asyncio.to_thread(check, url)
    await postgres.drop_database("down_and_up")


async def test_a_database_takes_every_word_that_the_code_knows(database_url: str) -> None:
    """Alembic does not compare check constraints: each column of words must allow exactly the words of its kind."""
    checked = 0
    engine = connect(database_url)
    async with engine.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Enum):
                    checked += 1
                    query = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
                    told = (await connection.execute(query, {"name": column.type.name})).scalar_one()
                    taken = set(re.findall(r"'([\w.]+)'", told))
                    coming = {word for word in column.type.enums if f"{column.type.name}: {word}" in COMING}
                    assert taken == set(column.type.enums) - coming, f"{table.name}.{column.name}"
    await engine.dispose()
    assert checked > 15
