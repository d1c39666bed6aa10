"""Acts on persons and programs: each is a line of the access log, written in the transaction that does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.lines import access_of
from api.deps import Now, asker_of, caller_of
from models.tables.accounts.account import Account
from models.writes.accounts.accesses import write_accesses
from rules.accounts.accesses import AccessEvent


@dataclass(frozen=True, kw_only=True)
class ActLog:
    """Whoever asks is who acts."""

    request: Request
    now: datetime

    async def note(self, session: AsyncSession, *acts: tuple[AccessEvent, str], whose: Iterable[UUID] = ()) -> None:
        """What was done, each with whom or what it is about. Nothing is written of none."""
        if not acts:
            return
        asker, caller = await asker_of(self.request), await caller_of(self.request)
        lines = [
            access_of(self.request, asker, at=self.now, event=event, about=about, whose=whose, caller=caller)
            for event, about in acts
        ]
        await write_accesses(session, lines)

    async def note_on(self, session: AsyncSession, account: Account, *events: AccessEvent) -> None:
        """What was done to somebody's account: it is about their handle, or about the client whose it is."""
        whose = [account.client_id] if account.client_id is not None else []
        about = account.handle or str(account.client_id)
        await self.note(session, *((event, about) for event in events), whose=whose)


async def _act_log(request: Request, now: Now) -> ActLog:
    return ActLog(request=request, now=now)


Acts = Annotated[ActLog, Depends(_act_log)]
