"""Mails to a therapist about their profile, which no client has to do with: to the address that was theirs then."""

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies
from activities.mail.context import MailContext
from activities.mail.outgoing import outgoing
from activities.mail.rendering import render
from activities.mail.send import order_of
from activities.ports import OutgoingMail
from models.reads.booking.therapists import therapist_by_slug
from models.tables.mail.outbox import OutboxItem


async def profile_mail(session: AsyncSession, row: OutboxItem, *, deps: Dependencies) -> OutgoingMail | None:
    order = order_of(row)
    therapist = await therapist_by_slug(session, order.therapist or "")
    if therapist is None:
        return None
    context = MailContext(recipient_name=therapist.name, time_zone=therapist.time_zone, practice=deps.practice)
    rendered = render(order.template, context, deps.templates)
    return outgoing(order, rendered, to=row.recipient, to_name=therapist.name, deps=deps)
