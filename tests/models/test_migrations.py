"""The migrations and the tables in code say the same, and a database can go up and down."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

from alembic import command
from sqlalchemy import Enum, text
from sqlmodel import SQLModel, select

from local.postgres import Postgres
from models.database import connect, session_factory
from models.migrate import check, configuration, upgrade
from models.reads.journey import journey_facts
from models.tables import Client, FormRequest
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, FormKind, FormStatus, Stage
from rules.journey.stage import stage_of
from tests.api.conftest import NOW, Rows


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
                    assert set(re.findall(r"'(\w+)'", told)) == set(column.type.enums), f"{table.name}.{column.name}"
    await engine.dispose()
    assert checked > 15


async def test_who_was_archived_before_is_shown_the_stage_that_the_rule_gives(postgres: Postgres) -> None:
    """The second stage came with 0004: what it is filled with is what would have been written."""
    url = await postgres.create_database("archived_before")
    await asyncio.to_thread(upgrade, url)
    engine = connect(url)
    rows = Rows(session_factory(engine))
    ana = await rows.therapist()
    archived: dict[str, Any] = {"status": ClientStatus.ARCHIVED, "stage": Stage.ARCHIVED, "first_booked_at": NOW}
    active_too = {**archived, "account_active": True}
    await rows.client(ana, stage=Stage.INTAKE)
    await rows.client(None, **archived)
    await rows.client(ana, **{**archived, "first_booked_at": None})
    held = await rows.client(ana, **archived)
    await rows.appointment(held, ana, status=AppointmentStatus.OCCURRED)
    await rows.client(ana, **archived)
    every = list(FormKind)
    clients = [await rows.client(ana, **active_too) for _ in range(4)]
    for client, kinds in zip(clients, (every[:2], every, every, every), strict=True):
        await rows.add(
            *(
                FormRequest(
                    id=uuid4(),
                    client_id=client.id,
                    kind=kind,
                    version=1,
                    status=FormStatus.COMPLETE,
                    requested_at=NOW,
                    requested_by="system",
                )
                for kind in kinds
            )
        )
    await rows.appointment(clients[2], ana, type=AppointmentType.INTRO_CALL)
    await rows.appointment(clients[3], ana, starts_at=NOW + timedelta(days=8))
    await asyncio.to_thread(command.downgrade, configuration(url), "0003")
    await asyncio.to_thread(upgrade, url)
    seen = set()
    async with rows.sessions() as session:
        for client in await session.exec(select(Client)):
            expected = stage_of(await journey_facts(session, client), as_if_active=True)
            if client.status is ClientStatus.ARCHIVED:
                assert client.stage_shown is expected
                seen.add(expected)
            else:
                assert client.stage_shown is client.stage is Stage.INTAKE
    assert seen == set(Stage) - {Stage.ARCHIVED}
    await engine.dispose()
    await postgres.drop_database("archived_before")
