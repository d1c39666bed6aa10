"""For whom the booking site asks: what it shows beside its key, as it would have it from the client's browser.

A test says ``by="site"`` and whom the call is about; here is the pass, or the sign-in, that stands beside the key. It
is fresh each time, since stories let more time pass than either lives.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.on_behalf import new_pass
from api.accounts.tokens import hash_of, new_token
from models.database import Sessions
from models.tables import Account, Appointment, Client, Goal, Payment, WaitlistPlace
from models.tables.accounts.token import Token, TokenKind
from rules.accounts.sides import AccountSide

_OWNED: dict[str, type[SQLModel]] = {
    "appointments": Appointment,
    "payments": Payment,
    "goals": Goal,
    "waitlist": WaitlistPlace,
}
ABOUT_CLIENTS = re.compile(r"/v1/(clients|appointments|chats|documents|goals|notes|payments|waitlist)\b")
_ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
_OPENED = re.compile(rf"(GET|PATCH) /v1/clients/{_ID}$|POST /v1/clients/{_ID}/activation$|[A-Z]+ \S+/waitlist")
_BOOKED = re.compile(rf"POST /v1/clients/{_ID}/appointments$|GET /v1/clients/{_ID}/offers$")
_CHANGED = re.compile(rf"\w+ /v1/appointments/{_ID}(/(cancel|reschedule|calendar\.ics))?$")


async def beside_the_key(
    sessions: Sessions,
    method: str,
    path: str,
    body: Any,
    *,
    for_whom: str | None = None,
    otherwise: str | None = None,
    at: datetime,
) -> dict[str, str]:
    """The header, or none for a call about no one client. ``for_whom``: a client's id, whatever the call says;
    ``otherwise``, where it is about a client and does not say which."""
    async with sessions() as session:
        said, by_pass = await _whose(session, path, body)
        client = await session.get(Client, UUID(for_whom) if for_whom else said) if for_whom or said else None
        if client is None and otherwise is not None and ABOUT_CLIENTS.match(path):
            client = await session.get(Client, UUID(otherwise))
        if client is None:
            return {}
        call = f"{method} {path}"
        first = client.first_booked_at is None
        opened = _OPENED.match(call) or (_BOOKED.match(call) and first) or (_CHANGED.match(call) and by_pass)
        if opened and not client.account_active and client.closed_at is None:
            token = new_pass(session, client.id, until=at + timedelta(days=7), at=at)
        else:
            token = await signed_in(session, client, at=at)
        await session.commit()
    return {"On-Behalf-Of": f"Bearer {token}"}


async def _whose(session: AsyncSession, path: str, body: Any) -> tuple[UUID | None, bool]:
    """The client whom a call is about; and whether the appointment that it is about was booked with a pass."""
    if found := re.match(rf"/v1/clients/({_ID})", path):
        return UUID(found[1]), False
    if (found := re.match(rf"/v1/(\w+)/({_ID})", path)) and found[1] in _OWNED:
        row: Any = await session.get(_OWNED[found[1]], UUID(found[2]))
        by_pass = isinstance(row, Appointment) and row.booked_by.endswith(" by pass")
        return (row.client_id, by_pass) if row is not None else (None, False)
    said = body if isinstance(body, dict) else {}
    named = said.get("client_id") or next(iter(said.get("members") or ()), None)
    is_id = isinstance(named, str) and re.fullmatch(_ID, named)
    return (UUID(named) if is_id else None), False


async def signed_in(session: AsyncSession, client: Client, *, at: datetime) -> str:
    """The token of a sign-in of this client, whose account is made if there is none. The caller commits."""
    account = (await session.exec(select(Account).where(col(Account.client_id) == client.id))).first()
    if account is None:
        made: Any = {"made_at": at, "made_by": "tests", "activated_at": at}
        account = Account(id=client.id, side=AccountSide.CLIENT, client_id=client.id, **made)
        session.add(account)
        await session.flush()
    token = new_token()
    lives: Any = {"made_at": at, "expires_at": at + timedelta(days=30)}
    session.add(Token(hash=hash_of(token), kind=TokenKind.SESSION, account_id=account.id, **lives))
    return token
