"""What a command of the owner's has done to persons and programs, as lines of the access log."""

from datetime import datetime
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from models.writes.accounts.accesses import write_accesses
from rules.accounts.accesses import Access, AccessEvent


async def note(session: AsyncSession, command: str, *acts: tuple[AccessEvent, str], at: datetime) -> None:
    """In the running transaction, by the command's name: whoever runs it has no account. Each act with whom or what it
    is about."""
    run = uuid4().hex
    lines = [Access(at=at, event=event, who=command, about=about, request_id=run) for event, about in acts]
    if lines:
        await write_accesses(session, lines)
