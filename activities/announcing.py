"""Announcements that follow from whom a client has and what is known of them: to a new therapist, to who waits."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.clients import ClientDetails
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxKind
from models.writes.outbox import client_mail, order_errands, order_mails
from rules.accounts.caller import Caller, therapist_caller
from rules.mail.kinds import Mail


async def announce(session: AsyncSession, client: Client, *, at: datetime) -> None:
    """Once there is somebody to name, their therapist hears of them; whom nobody fits hears that a person gets back.

    Each match is announced once, and nobody is told twice to wait. A therapist who added a client themself knows.
    """
    known = any((client.first_name, client.last_name, client.email, client.phone))
    if client.therapist_id is not None and known:
        therapist = await session.get_one(Therapist, client.therapist_id)
        if client.made_by == therapist_caller(therapist.slug).actor and client.matched_at == client.created_at:
            return
        mails = [client_mail(Mail.NEW_CLIENT, client, f"{therapist.slug}:{client.matched_at}")]
    elif client.therapist_id is None and client.email is not None:
        mails = [client_mail(Mail.WE_WILL_GET_BACK, client, "once")]
    else:
        return
    await order_mails(session, mails, at=at)


async def details_were_given(
    session: AsyncSession, client: Client, details: ClientDetails, *, by: Caller, reason: str, at: datetime
) -> None:
    """What follows from details that were written. An address that the practice did not give may be somebody's who is
    known: that is looked at afterwards, beside the answer, which must not tell."""
    if details.email is not None and not by.is_practice:
        about = [str(client.id)]
        await order_errands(session, client.id, OutboxKind.LOOK_FOR_DOUBLE, about, reason=reason, at=at)
    await announce(session, client, at=at)
