"""Delivering the practice's own mails, which are about no client: claimed, composed, sent and settled one by one."""

from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Dependencies
from activities.mail.context import MailAnchor, MailContext
from activities.mail.rendering import render
from activities.mail.send import Claimed, mark_sending, next_try, order_of, send
from activities.ports import MailerUnavailable, OutgoingMail
from models.database import chain_keys
from models.reads.keeping.anchors import entry_of_anchor
from models.tables.keeping.anchor import Anchor
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus
from models.writes.clients.tasks import open_own_task
from rules.anchors import line_of
from rules.enums import TaskKind
from rules.mail.orders import MailOrder


class OwnMails:
    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def deliver(self) -> None:
        """Deliver all that is due. Raises nothing that an outage of the mail service causes."""
        while True:
            activity.heartbeat()
            async with self._deps.sessions() as session:
                row = await _next(session, due=await self._deps.clock.now())
                if row is None:
                    return
                claimed = await self._claim(session, row)
                await session.commit()
            if claimed is not None:
                await self._send(claimed)

    async def _claim(self, session: AsyncSession, row: OutboxItem) -> Claimed | None:
        now = await self._deps.clock.now()
        if row.status is OutboxStatus.SENDING and not row.vital:
            row.status = OutboxStatus.UNCERTAIN
            return None
        try:
            mail = await self._composed(session, order_of(row))
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, what waits behind it must not wait for ever
            activity.logger.exception("a mail of the practice's own cannot be written")
            row.status = OutboxStatus.UNWRITABLE
            await _say_lost(session, row, "cannot be written", at=now)
            return None
        if mail is None:
            row.status = OutboxStatus.NOT_WANTED
            return None
        row.recipient, row.tries = mail.to, row.tries + 1
        mark_sending(row, at=now)
        return Claimed(mail, row.tries)

    async def _composed(self, session: AsyncSession, order: MailOrder) -> OutgoingMail | None:
        """None where nobody is to have it any more."""
        to = self._deps.witness.email
        anchor = await session.get(Anchor, int(order.text))
        if to is None or anchor is None:
            return None
        line = line_of(chain_keys(session), entry_of_anchor(anchor))
        told = MailAnchor(number=anchor.number, date=anchor.date.isoformat(), chains=anchor.chains, line=line)
        context = MailContext(recipient_name="", time_zone="UTC", practice=self._deps.practice, anchor=told)
        rendered = render(order.template, context)
        return OutgoingMail(
            key=order.key,
            to=to,
            to_name=None,
            from_=self._deps.email_from,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            template=order.template,
        )

    async def _send(self, claimed: Claimed) -> None:
        status, said, away = OutboxStatus.WAITING, None, None
        try:
            status, said = await send(claimed.mail, deps=self._deps)
        except MailerUnavailable as unavailable:
            away = unavailable
        now = await self._deps.clock.now()
        async with self._deps.sessions() as session:
            row = await claimed.row(session)
            if row is None:
                return
            if away is not None and away.ambiguous and not row.vital:
                row.status = OutboxStatus.UNCERTAIN
            elif away is not None:
                row.status, row.next_try_at = OutboxStatus.WAITING, next_try(row.tries, now=now)
            else:
                row.status, row.sent_at = status, now
                row.message_id = said if status is OutboxStatus.SENT else None
            if status is OutboxStatus.UNDELIVERABLE:
                await _say_lost(session, row, "was refused by the mail service", at=now)
            await session.commit()


async def _next(session: AsyncSession, *, due: datetime) -> OutboxItem | None:
    """The first that is due, and that nobody else is about to claim."""
    waiting = select(OutboxItem).where(
        col(OutboxItem.client_id).is_(None), col(OutboxItem.status).in_(UNSETTLED), col(OutboxItem.next_try_at) <= due
    )
    first = waiting.order_by(col(OutboxItem.seq)).limit(1).with_for_update(skip_locked=True)
    return (await session.exec(first)).first()


async def _say_lost(session: AsyncSession, row: OutboxItem, what: str, *, at: datetime) -> None:
    _ = await open_own_task(
        session,
        key=f"own-mail:{row.key}",
        kind=TaskKind.MAIL_UNDELIVERABLE,
        text=f"The mail {row.key} to the {row.reader.replace('_', ' ')} {what}: tell whoever runs the system.",
        at=at,
    )
