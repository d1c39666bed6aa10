"""What becomes of booked times that turn out busy in a calendar kept elsewhere: a task for a person, never a change."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.tasks import close_tasks, open_task_once
from activities.types.keeping import JourneyHears
from models.reads.booking.outside import booked_into, tasks_of_gone_times
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.writes.booking.outside import BusyChange
from models.writes.locks import lock_clients
from rules.enums import TaskKind

_TEXT = (
    "An appointment is at a time that has become busy in the therapist's own calendar. It stands: please ask the"
    " therapist whether it can, and move or cancel it if it cannot."
)
_GONE = "The time is no longer busy in the therapist's own calendar."


async def see_to_tasks(
    session: AsyncSession, calendar: OutsideCalendarRow, change: BusyChange, *, now: datetime
) -> list[JourneyHears]:
    """Open a task for each appointment in a busy time that came, and resolve those about busy times that went. Where
    one only has other ends by now (Google joins what touches, and cuts what began long ago), what was told stands.

    The therapist is locked: whoever books, moves or cancels with them waits, or has committed and is seen. So a booking
    that was made before has its task, and one that is made after is made with the busy time in sight.
    """
    therapist_id = calendar.therapist_id
    booked = await booked_into(session, therapist_id, change.came, now=now)
    over = await tasks_of_gone_times(session, calendar.id)
    clients = await _locked(session, booked, over)
    changed: dict[UUID, Client] = {}
    for appointment, busy_id in booked:
        before = change.instead_of(busy_id, appointment.starts_at, appointment.ends_at)
        if before is not None:
            _tell_of_another(over, appointment, before, busy_id)
            continue
        client = clients[appointment.client_id]
        task = await open_task_once(
            session,
            client,
            key=f"booked-time-busy:{appointment.id}:{busy_id}",
            kind=TaskKind.BOOKED_TIME_BUSY,
            text=_TEXT,
            at=now,
            appointment_id=appointment.id,
        )
        if task is not None:
            task.data = {**task.data, "calendar": str(calendar.id), "busy": str(busy_id)}
            session.add(task)
            changed[client.id] = client
    await session.flush()
    gone = [task for task in over if UUID(task.data["busy"]) not in change.came]
    for about, client_id in [(str(task.data["busy"]), task.client_id) for task in gone]:
        assert client_id is not None, "a task about an appointment is a client's"
        client = clients[client_id]
        await close_tasks(session, client, about=about, kinds=(TaskKind.BOOKED_TIME_BUSY,), at=now, note=_GONE)
        changed[client.id] = client
    await session.flush()
    return [
        JourneyHears(client_id=str(client.id), facts=await project(session, client), delivers=True)
        for client in changed.values()
    ]


def _tell_of_another(tasks: Sequence[Task], appointment: Appointment, before: UUID, now: UUID) -> None:
    """Let the task of this appointment, if it is open, be about the busy time that there is now."""
    for task in tasks:
        if (task.data["appointment_id"], task.data["busy"]) == (str(appointment.id), str(before)):
            task.data = {**task.data, "busy": str(now)}


async def _locked(
    session: AsyncSession, booked: Sequence[tuple[Appointment, UUID]], over: Sequence[Task]
) -> dict[UUID, Client]:
    """Their clients, locked in one order. One whose record was joined into another meanwhile is looked up anew."""
    locked: dict[UUID, Client] = {}
    while True:
        wanted = {appointment.client_id for appointment, _ in booked} | {t.client_id for t in over if t.client_id}
        missing = wanted - locked.keys()
        if not missing:
            return locked
        locked |= {client.id: client for client in await lock_clients(session, missing)}
        for row in (*(appointment for appointment, _ in booked), *over):
            await session.refresh(row)
