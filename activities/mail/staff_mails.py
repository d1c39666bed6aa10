"""Mails about messages among staff, composed: to the therapist, or to the care team's mailbox."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies
from activities.mail.context import MailContext, MailTherapist
from activities.mail.rendering import render
from activities.mail.send import order_of
from activities.ports import OutgoingMail
from models.reads.booking.therapists import therapist_by_slug
from models.reads.care.chats import staff_message_waits
from models.tables.care.chat import Chat
from models.tables.mail.outbox import OutboxItem
from rules.mail.kinds import kind_of
from rules.mail.terms import Reader
from rules.mail.until import MailSituation
from rules.mail.wanted import not_wanted


async def staff_mail(
    session: AsyncSession, row: OutboxItem, *, deps: Dependencies, now: datetime
) -> OutgoingMail | None:
    """The mail that a message waits, composed; None where all is read by now."""
    order = order_of(row)
    chat = await session.get(Chat, UUID(order.chat_id or ""))
    therapist = await therapist_by_slug(session, order.therapist or "")
    if chat is None or therapist is None:
        return None
    to_therapist = order.to == Reader.THERAPIST
    waits = await staff_message_waits(session, chat, therapist=therapist.slug, for_therapist=to_therapist)
    if not_wanted(kind_of(order.template), MailSituation(now=now, message_waits=waits)):
        return None
    context = MailContext(
        recipient_name=therapist.name if to_therapist else "",
        time_zone=therapist.time_zone,
        practice=deps.practice,
        link=deps.links.staff_chats(),
        therapist=None if to_therapist else MailTherapist(name=therapist.name),
    )
    rendered = render(order.template, context)
    return OutgoingMail(
        key=order.key,
        to=therapist.email if to_therapist else deps.practice.care_team_email,
        to_name=therapist.name if to_therapist else None,
        from_=deps.email_from,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        template=order.template,
    )
