"""The last line of defence: whatever the code does, the database has no two appointments at once."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.care.practice import MONDAY, Practice

HOUR = timedelta(hours=1)
HOLD = text(
    "INSERT INTO occupied_time (id, therapist_id, type, starts_at, ends_at, made_by, made_at, expires_at)"
    " VALUES (:id, :therapist, 'session', :starts_at, :ends_at, 'nobody', :starts_at, :ends_at)"
)


async def holds(practice: Practice, therapist: UUID, *starts: datetime) -> None:
    """Holds of an hour each, written straight into the table, in one transaction."""
    async with practice.sessions() as session:
        connection = await session.connection()
        for start in starts:
            await connection.execute(
                HOLD, {"id": uuid4(), "therapist": therapist, "starts_at": start, "ends_at": start + HOUR}
            )
        await session.commit()


async def test_an_overlap_is_refused_by_the_database_itself(practice: Practice) -> None:
    ben = await practice.therapist("ben")
    sara = await practice.client(therapist="ben")
    [booked] = await practice.booked(sara)
    for start in (
        booked.starts_at,
        booked.starts_at - HOUR + timedelta(seconds=1),
        booked.ends_at - timedelta(minutes=1),
    ):
        with pytest.raises(IntegrityError, match="no_two_at_once"):
            await holds(practice, ben, start)
    # What only touches, or is another therapist's, is no overlap.
    await holds(practice, ben, booked.starts_at - HOUR, booked.ends_at)
    await holds(practice, await practice.therapist("cleo"), booked.starts_at)


async def test_a_client_cannot_be_in_two_places(practice: Practice) -> None:
    await practice.therapist("ben")
    sara, otto = await practice.client(), await practice.client(therapist="ben", name="Otto")
    await practice.booked(sara)
    await practice.booked(otto)
    async with practice.sessions() as session:
        connection = await session.connection()
        with pytest.raises(IntegrityError, match="no_client_twice_at_once"):
            await connection.execute(
                text("UPDATE occupied_time SET client_id = :sara WHERE client_id = :otto"), {"sara": sara, "otto": otto}
            )


async def test_a_whole_series_can_move_onto_its_own_dates_in_one_transaction(practice: Practice) -> None:
    sara = await practice.client()
    first, second, third = await practice.booked(sara, weeks=3)
    move = text("UPDATE occupied_time SET starts_at = :starts, ends_at = :ends WHERE id = :id")
    async with practice.sessions() as session:
        connection = await session.connection()
        await connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        for one, to in ((first, second), (second, third)):
            await connection.execute(move, {"id": one.id, "starts": to.starts_at, "ends": to.ends_at})
        week = timedelta(weeks=1)
        await connection.execute(move, {"id": third.id, "starts": third.starts_at + week, "ends": third.ends_at + week})
        await session.commit()
    async with practice.sessions() as session:
        connection = await session.connection()
        rows = await connection.execute(text("SELECT starts_at FROM occupied_time ORDER BY starts_at"))
        assert [row[0] for row in rows] == [second.starts_at, third.starts_at, third.starts_at + week]


async def test_deferred_is_not_forgiven(practice: Practice) -> None:
    ben = await practice.therapist("ben")
    await holds(practice, ben, MONDAY)
    async with practice.sessions() as session:
        connection = await session.connection()
        await connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        await connection.execute(HOLD, {"id": uuid4(), "therapist": ben, "starts_at": MONDAY, "ends_at": MONDAY + HOUR})
        with pytest.raises(IntegrityError, match="no_two_at_once"):
            await session.commit()
