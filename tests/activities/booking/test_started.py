"""The start of an appointment: whether forms are missing is asked of the snapshot that the step hands back anyway."""

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.care.practice import Practice
from tests.statements import statements


async def test_a_start_at_which_nothing_is_noted_reads_the_client_once(
    practice: Practice, database: AsyncEngine
) -> None:
    [session] = await practice.booked(await practice.client())
    practice.clock.instant = session.starts_at
    noted = await practice.appointments.appointment_started(session.id)
    with statements(database) as asked:
        again = await practice.appointments.appointment_started(session.id)
    assert again == noted
    assert again.outstanding_forms
    assert len([each for each in asked if "FROM task" in each]) == 1
