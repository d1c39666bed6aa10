"""What a step has changed and not written yet (unit of work)."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client


async def write_all_but_clients(session: AsyncSession) -> None:
    """Write what waits (flush), but for changes of clients: almost every line of a step changes the client's row, which
    is locked, and so is written once, at the end. A client who is new is written: other rows refer to them. What cannot
    be written raises, and the session is done with, as after any flush."""
    held = [row for row in session.dirty if isinstance(row, Client)]
    for client in held:
        session.expunge(client)
    await session.flush()
    session.add_all(held)
