"""The migrations and the tables in code say the same, and a database can go up and down."""

import asyncio

from alembic import command
from sqlalchemy import text

from local.postgres import Postgres
from models.database import connect
from models.migrate import check, configuration, upgrade


async def test_the_migrations_make_exactly_the_tables_in_code(database_url: str) -> None:
    await asyncio.to_thread(check, database_url)


async def test_a_database_goes_down_and_up_again(postgres: Postgres) -> None:
    url = await postgres.create_database("down_and_up")
    await asyncio.to_thread(upgrade, url)
    await asyncio.to_thread(command.downgrade, configuration(url), "base")
    engine = connect(url)
    async with engine.connect() as connection:
        left = (await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).scalars()
        assert set(left) == {"alembic_version"}
    await engine.dispose()
    await asyncio.to_thread(upgrade, url)
    await asyncio.to_thread(check, url)
    await postgres.drop_database("down_and_up")
