"""Sending one mail for one reason (idempotency): claim its key, see whether it is wanted, render, send, record.

The mail service knows no idempotency. A claim that was made and never settled means that nobody knows whether the mail
went out: activation and payment mails are then sent again, all others are not, because one missing reminder is better
than two.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities, derived_id
from activities.mail.about import read_about, situation_of
from activities.mail.buttons import link_of
from activities.mail.compose import compose
from activities.mail.recipient import recipient_of
from activities.ports import MailerUnavailable, MailRejected, OutgoingMail
from activities.tasks import open_task_once
from activities.types.mail import MailOrder, MailResult
from models.reads.journey import project
from models.tables.clients.client import Client
from models.tables.mail.mail import MailStatus, SentMail
from models.writes.locks import lock_client
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import kind_of
from rules.mail.terms import Topic
from rules.mail.wanted import not_wanted
from rules.policy import JourneyPolicy
from rules.timeline import FactKind


class MailActivities(Activities):
    @activity.defn
    async def send_mail(self, order: MailOrder, policy: JourneyPolicy) -> MailResult:
        """Send one mail, once per key. Raises only if the mail service could not be asked."""
        now, kind = await self.now(), kind_of(order.template)
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            about = await read_about(session, client, order, kind)
            if kind.if_address_is_anothers is not None and about.owner is not None:
                order = replace(order, template=kind.if_address_is_anothers.value)
                kind = kind_of(order.template)
            unwanted = not_wanted(kind, situation_of(order, about, now=now))
            if unwanted:
                return MailResult(status="not_wanted", because=unwanted)
            to = recipient_of(order, kind, about, practice=self.deps.practice)
            if to is None:
                return MailResult(status="not_wanted", because="there is no address")
            if not await _claim(session, order, to.address, at=now):
                before = await _sent_before(session, client, order, at=now)
                if before is not None:
                    return before
            link = await link_of(session, order, kind, about, deps=self.deps, policy=policy, now=now)
            mail = compose(order, kind, about, to, link=link, deps=self.deps, policy=policy, now=now)
        return await self._send(order, mail)

    async def _send(self, order: MailOrder, mail: OutgoingMail) -> MailResult:
        try:
            message_id = await self.deps.mailer.send(mail)
        except MailerUnavailable as unavailable:
            if not unavailable.ambiguous:
                await self._release(order)
            raise
        except MailRejected as rejected:
            facts = await self._settle(order, MailStatus.UNDELIVERABLE, message_id=None)
            return MailResult(status="undeliverable", because=rejected.message, facts=facts)
        await self._settle(order, MailStatus.SENT, message_id=message_id)
        return MailResult(status="sent")

    async def _release(self, order: MailOrder) -> None:
        """Surely not sent: give the claim back, so that the next run may send."""
        async with self.transaction() as session:
            row = await session.get(SentMail, order.key)
            if row is not None and row.status is MailStatus.CLAIMED:
                await session.delete(row)

    async def _settle(self, order: MailOrder, status: MailStatus, *, message_id: str | None) -> JourneyFacts | None:
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            row = await session.get_one(SentMail, order.key)
            row.status, row.message_id, row.sent_at = status, message_id, now
            session.add(row)
            if status is MailStatus.SENT:
                _say(session, client, order, at=now, kind=FactKind.MAIL_SENT, text="was sent")
                return None  # nothing of the journey depends on it
            _say(session, client, order, at=now, kind=FactKind.MAIL_UNDELIVERABLE, text="could not be delivered")
            if Topic.TASK in kind_of(order.template).about:
                return await project(session, client)  # a task about it would need a mail, and so on for ever
            await open_task_once(
                session,
                client,
                key=f"mail_undeliverable:{derived_id(client.id, 'mail', order.key)}",
                kind=TaskKind.MAIL_UNDELIVERABLE,
                text=f"The mail {order.template} about client {client.ref} was refused by the mail service.",
                at=now,
            )
            return await project(session, client)


async def _claim(session: AsyncSession, order: MailOrder, address: str, *, at: datetime) -> bool:
    statement = (
        insert(SentMail)
        .values(
            key=order.key,
            template=order.template,
            client_id=UUID(order.client_id),
            recipient=address,
            reader=order.to,
            status=MailStatus.CLAIMED,
            claimed_at=at,
        )
        .on_conflict_do_nothing(index_elements=[col(SentMail.key)])
        .returning(col(SentMail.key))
    )
    return (await session.exec(statement)).first() is not None


async def _sent_before(session: AsyncSession, client: Client, order: MailOrder, *, at: datetime) -> MailResult | None:
    """What became of the mail when its key was claimed before; None if it is to be sent again."""
    row = await session.get_one(SentMail, order.key)
    if row.status is not MailStatus.CLAIMED:
        return MailResult(status="already_sent" if row.status is MailStatus.SENT else row.status.value)
    if order.vital:
        return None
    row.status = MailStatus.UNCERTAIN
    session.add(row)
    _say(session, client, order, at=at, kind=FactKind.MAIL_UNCERTAIN, text="may have been sent; not repeated")
    return MailResult(status="uncertain")


def _say(session: AsyncSession, client: Client, order: MailOrder, *, at: datetime, kind: FactKind, text: str) -> None:
    tell(
        session,
        client,
        kind,
        at=at,
        by=SYSTEM,
        text=f"The mail {order.template} to the {order.to.replace('_', ' ')} {text}.",
        data={"template": order.template, "to": order.to, "key": order.key},
    )
