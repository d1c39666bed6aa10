"""Beginning and ending openings, and telling of them. The caller commits."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.openings import admins, is_here
from models.tables.accounts.account import Account
from models.tables.accounts.opening import Opening
from models.tables.clients.client import Client
from models.writes.outbox import client_mail, order_practice_mail
from models.writes.timeline import tell
from rules.accounts.caller import Caller
from rules.accounts.openings import LASTS, OpeningKind
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder, account_mail_order
from rules.mail.terms import Reader
from rules.timeline import FactKind


async def begin_opening(
    session: AsyncSession,
    client: Client,
    what: OpeningKind,
    *,
    id: UUID,
    by: Caller,
    account: Account | None,
    reason: str,
    at: datetime,
) -> Opening:
    """Open this of a client, whose row is locked, for an hour, and tell of it; the one of this ``id`` if it is there.

    ``account``: the person's who opens it; None of a key.
    """
    known = await session.get(Opening, id)
    if known is not None:
        return known
    opening = Opening(
        id=id,
        client_id=client.id,
        what=what,
        opened_by=by.actor,
        role=by.role,
        account_id=account.id if account else None,
        reason=reason,
        opened_at=at,
        ends_at=at + LASTS,
    )
    session.add(opening)
    _say(session, client, opening, FactKind.OPENING_BEGUN, by=by, at=at, text=f"Opened for an hour: {what.label}.")
    await _tell_others(session, client, opening, by=by, account=account)
    return opening


def end_opening(session: AsyncSession, client: Client, opening: Opening, *, by: Caller, at: datetime) -> None:
    """End it before its hour is over; the client's row is locked. Of one that is over nothing changes."""
    if opening.closed_at is not None or opening.ends_at <= at:
        return
    opening.closed_at, opening.closed_by = at, by.actor
    session.add(opening)
    _say(session, client, opening, FactKind.OPENING_ENDED, by=by, at=at, text=f"Closed again: {opening.what.label}.")


def _say(
    session: AsyncSession, client: Client, opening: Opening, kind: FactKind, *, by: Caller, at: datetime, text: str
) -> None:
    """The fact names the row, which has the reason."""
    about = {"opening_id": str(opening.id), "what": opening.what.value}
    tell(session, client, kind, at=at, by=by.actor, text=text, data=about)


async def _tell_others(
    session: AsyncSession, client: Client, opening: Opening, *, by: Caller, account: Account | None
) -> None:
    """By mail: the client's therapist (whose feed has it by the fact); where that is nobody else, the admins; the care
    team, where there are none."""
    about = replace(client_mail(Mail.RECORD_OPENED, client, str(opening.id)), text=opening.what.value)
    if await _has_another_therapist(session, client, by=by, account=account):
        await order_practice_mail(session, about, at=opening.opened_at)
        return
    orders = [_to_admin(about, admin) for admin in await admins(session)]
    for order in orders or [replace(about, to=Reader.CARE_TEAM.value)]:
        await order_practice_mail(session, order, at=opening.opened_at)


async def _has_another_therapist(session: AsyncSession, client: Client, *, by: Caller, account: Account | None) -> bool:
    """Whether the client has a therapist who is not the one who opens it, and has not left."""
    if client.therapist_id is None or client.joined_into is not None or by.therapist is not None:
        return False  # a therapist opens of their own clients alone
    is_their_own = account is not None and account.therapist_id == client.therapist_id
    return not is_their_own and await is_here(session, client.therapist_id)


def _to_admin(about: MailOrder, admin: Account) -> MailOrder:
    order = account_mail_order(
        Mail.RECORD_OPENED, key=f"{about.key}:{admin.id}", account_id=str(admin.id), client_id=about.client_id
    )
    return replace(order, text=about.text)
