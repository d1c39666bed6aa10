"""A step writes the client's row once: what else it has changed can be written before, and asked about."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.pending import write_all_but_clients
from models.tables import Client, Goal
from rules.enums import Source
from tests.care.rows import NOW, Rows


async def _stands(session: AsyncSession) -> tuple[str | None, int]:
    """The client's name, and how many goals there are, in the database."""
    with session.no_autoflush:
        connection = await session.connection()
        found = await connection.execute(text("SELECT (SELECT first_name FROM client), (SELECT count(*) FROM goal)"))
        name, goals = found.one()
    return name, goals


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


def _goal(client: Client, *, id: UUID | None = None) -> Goal:
    return Goal(id=id or uuid4(), client_id=client.id, text="to sleep", made_by="care_team:desk", made_at=NOW)


async def test_a_changed_client_waits_and_is_written_with_the_end(sessions: Sessions, rows: Rows) -> None:
    sara = await rows.client(first_name="Sara")
    async with sessions() as session:
        client = await session.get_one(Client, sara.id)
        client.first_name = "Sarah"
        session.add(_goal(client))
        await write_all_but_clients(session)
        assert await _stands(session) == ("Sara", 1)
        client.phone = "+12125550100"
        await session.commit()
    async with sessions() as session:
        client = await session.get_one(Client, sara.id)
        assert (client.first_name, client.phone, await _stands(session)) == ("Sarah", "+12125550100", ("Sarah", 1))


async def test_a_new_client_is_written_since_other_rows_refer_to_them(sessions: Sessions) -> None:
    async with sessions() as session:
        client = Client(
            id=uuid4(), ref="AB12CD34EF", first_name="Sara", source=Source.CARE_TEAM, made_by="x", created_at=NOW
        )
        session.add(client)
        await write_all_but_clients(session)
        assert await _stands(session) == ("Sara", 0)


async def test_what_cannot_be_written_takes_all_back(sessions: Sessions, rows: Rows) -> None:
    sara = await rows.client(first_name="Sara")
    goal = _goal(sara)
    await rows.add(goal)
    async with sessions() as session:
        client = await session.get_one(Client, sara.id)
        client.first_name = "Sarah"
        session.add(_goal(client, id=goal.id))
        with pytest.raises(IntegrityError):
            await write_all_but_clients(session)
        await session.rollback()
    async with sessions() as session:
        assert await _stands(session) == ("Sara", 1)
