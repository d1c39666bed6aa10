"""Delivering what is in no client's outbox, one by one: mails about accounts, and the practice's own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Dependencies
from activities.mail.account_mails import account_mail
from activities.mail.context import MailAnchor, MailContext
from activities.mail.outgoing import outgoing
from activities.mail.profile_mails import profile_mail
from activities.mail.rendering import render
from activities.mail.send import Claimed, mark_sending, next_try, order_of, prepare, put_back, send, tell_end
from activities.mail.staff_mails import staff_mail
from activities.ports import MailerUnavailable, OutgoingMail
from models.database import chain_keys
from models.reads.journey import project
from models.reads.keeping.anchors import entry_of_anchor
from models.tables.clients.client import Client
from models.tables.keeping.anchor import Anchor
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxStatus
from models.writes.clients.tasks import open_own_task
from models.writes.locks import lock_client
from models.writes.mail.deliveries import rows_of, settle
from rules.anchors import line_of
from rules.chain import entry_holds
from rules.enums import TaskKind
from rules.mail.orders import MailOrder


class OwnMails:
    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def deliver(self) -> None:
        """Deliver all that is due. Raises nothing that an outage of the mail service causes."""
        while True:
            if activity.in_activity():
                activity.heartbeat()
            async with self._deps.sessions() as session:
                row = await _next(session, due=await self._deps.clock.now())
                if row is None:
                    return
                claimed = await self._claim(session, row)
                await session.commit()
            if claimed is not None and not await self._send(claimed):
                await self._put_off()
                return

    async def _claim(self, session: AsyncSession, row: OutboxItem) -> Claimed | None:
        """The mail, composed and on its way; None if it is settled already."""
        now = await self._deps.clock.now()
        client = await _lock_client_of(session, row)
        if row.status is OutboxStatus.SENDING and not row.vital:
            row.status = OutboxStatus.UNCERTAIN
            return None
        try:
            mail = await self._composed(session, row, client, now=now)
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, what waits behind it must not wait for ever
            activity.logger.exception("a mail of the practice's own cannot be written")
            row.status = OutboxStatus.UNWRITABLE
            await _say_lost(session, row, "cannot be written", at=now)
            return None
        if mail is None:
            return None
        row.recipient, row.tries = mail.to, row.tries + 1
        mark_sending(row, at=now)
        return Claimed(mail, row.tries)

    async def _composed(
        self, session: AsyncSession, row: OutboxItem, client: Client | None, *, now: datetime
    ) -> OutgoingMail | None:
        """About an account, a client's record, a message among staff, a therapist's profile, or of the practice's own;
        None where nobody is to have it."""
        order = order_of(row)
        if order.account_id is None and client is not None:
            return await prepare(session, client, row, deps=self._deps, now=now)
        if order.account_id is not None:
            mail = await account_mail(session, row, client, deps=self._deps, now=now)
        elif order.chat_id is not None:
            mail = await staff_mail(session, row, deps=self._deps, now=now)
        elif order.therapist is not None:
            mail = await profile_mail(session, row, deps=self._deps)
        else:
            mail = await self._anchor(session, order)
        if mail is None:
            row.status = OutboxStatus.NOT_WANTED
        return mail

    async def _anchor(self, session: AsyncSession, order: MailOrder) -> OutgoingMail | None:
        to = self._deps.witness.email
        anchor = await session.get(Anchor, int(order.text))
        if to is None or anchor is None:
            return None
        keys, entry = chain_keys(session), entry_of_anchor(anchor)
        if not entry_holds(keys, entry):
            raise ValueError(f"anchor {anchor.number} was written without the keys, and no line of it is signed")
        line = line_of(keys, entry)
        told = MailAnchor(number=anchor.number, date=anchor.date.isoformat(), chains=anchor.chains, line=line)
        context = MailContext(recipient_name="", time_zone="UTC", practice=self._deps.practice, anchor=told)
        rendered = render(order.template, context, self._deps.templates)
        return outgoing(order, rendered, to=to, to_name=None, deps=self._deps)

    async def _send(self, claimed: Claimed) -> bool:
        """Whether the mail service is there."""
        status, message_id, away = OutboxStatus.SENT, None, None
        try:
            status, message_id = await send(claimed.mail, deps=self._deps)
        except MailerUnavailable as unavailable:
            away = unavailable
        now, ours = await self._deps.clock.now(), [claimed.claim]
        async with self._deps.sessions() as session:
            if away is not None:
                rows = await rows_of(session, ours)
            else:
                rows = await settle(session, ours, status, message_id=message_id, at=now)
            if not rows:
                return away is None
            (row,) = rows
            client = await _lock_client_of(session, row)
            if away is not None:
                put_back(session, client, row, away, at=now)
            elif client is not None:
                await tell_end(session, client, row, at=now)
            if status is OutboxStatus.UNDELIVERABLE and client is not None:
                await project(session, client)
            elif status is OutboxStatus.UNDELIVERABLE:
                await _say_lost(session, row, "was refused by the mail service", at=now)
            await session.commit()
        return away is None

    async def _put_off(self) -> None:
        """What was not asked about yet would only wait for the same outage, one after the other."""
        now = await self._deps.clock.now()
        async with self._deps.sessions() as session:
            await session.exec(update(OutboxItem).where(*_due(now)).values(next_try_at=next_try(1, now=now)))
            await session.commit()


async def _next(session: AsyncSession, *, due: datetime) -> OutboxItem | None:
    """The first that is due, and that nobody else is about to claim."""
    first = (
        select(OutboxItem).where(*_due(due)).order_by(col(OutboxItem.seq)).limit(1).with_for_update(skip_locked=True)
    )
    return (await session.exec(first)).first()


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    unsettled = col(OutboxItem.status).in_(UNSETTLED)
    return col(OutboxItem.client_id).is_(None), unsettled, col(OutboxItem.next_try_at) <= now


async def _lock_client_of(session: AsyncSession, row: OutboxItem) -> Client | None:
    """The client, locked, whose timeline tells of this mail."""
    named = row.order.get("client_id")
    return await lock_client(session, UUID(named)) if named else None


async def _say_lost(session: AsyncSession, row: OutboxItem, what: str, *, at: datetime) -> None:
    _ = await open_own_task(
        session,
        key=f"own-mail:{row.key}",
        kind=TaskKind.MAIL_UNDELIVERABLE,
        text=f"The mail {row.key} to the {row.reader.replace('_', ' ')} {what}: tell whoever runs the system.",
        at=at,
    )
