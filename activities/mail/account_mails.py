"""The mails about accounts, composed and delivered one by one: by PracticeMail, within seconds of a wake-up."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Dependencies
from activities.mail.buttons import OF_ACCOUNTS, good_for, mailed_token
from activities.mail.context import MailContext
from activities.mail.rendering import render
from activities.mail.send import Claimed, mark_sending, next_try, order_of, prepare, put_back, send, settle
from activities.ports import MailerUnavailable, OutgoingMail
from models.reads.journey import project
from models.reads.outbox import due_of_practice
from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import Token
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxStatus
from models.writes.locks import lock_client
from rules.accounts.sides import AccountSide
from rules.mail.kinds import MailKind, kind_of
from rules.mail.orders import MailOrder
from rules.mail.terms import AccountAddress
from rules.mail.until import MailSituation
from rules.mail.wanted import not_wanted

_AT_ONCE = 20


@dataclass(frozen=True, kw_only=True)
class AccountReader:
    """Whoever has the account: where mails reach them, how they are greeted and told the time."""

    account: Account
    address: str
    name: str | None
    greeting: str
    time_zone: str
    test: bool = False


class AccountMails:
    """What PracticeMail delivers that is no closed record's. Raises nothing that the mail service's outage causes."""

    def __init__(self, deps: Dependencies) -> None:
        self.deps = deps

    async def deliver(self) -> None:
        now = await self.deps.clock.now()
        async with self.deps.sessions() as session:
            due = await due_of_practice(session, now=now, limit=_AT_ONCE)
        for number, key in enumerate(due):
            if activity.in_activity():
                activity.heartbeat()
            claimed = await self._claim(key)
            if claimed is not None and not await self._send(claimed):
                await self._put_off(due[number + 1 :])
                return

    async def _claim(self, key: str) -> Claimed | None:
        """The mail, composed and on its way; None if it is settled already."""
        now = await self.deps.clock.now()
        async with self.deps.sessions() as session:
            client = await _lock_whose(session, key)
            row = await session.get_one(OutboxItem, key)
            mail = await self._prepared(session, row, client, now=now)
            claimed = None
            if mail is not None:
                row.tries += 1
                mark_sending(row, at=now)
                claimed = Claimed(mail, row.tries)
            await session.commit()
        return claimed

    async def _prepared(
        self, session: AsyncSession, row: OutboxItem, client: Client | None, *, now: datetime
    ) -> OutgoingMail | None:
        """A mail about a client's record is composed as everywhere; one about an account, here."""
        order = order_of(row)
        if order.account_id is None:
            assert client is not None, "a mail is about an account or about a client"
            return await prepare(session, client, row, deps=self.deps, now=now)
        kind = kind_of(order.template)
        reader = await _reader(session, UUID(order.account_id), client, deps=self.deps)
        if reader is not None and kind.at is not AccountAddress.PRESENT:
            reader = await _elsewhere(session, reader, order, kind, is_test=client is not None and client.test)
        if reader is None or not_wanted(kind, _situation(reader.account, now=now)):
            row.status = OutboxStatus.NOT_WANTED
            return None
        row.recipient = reader.address
        return await self._composed(session, order, kind, reader, now=now)

    async def _composed(
        self, session: AsyncSession, order: MailOrder, kind: MailKind, reader: AccountReader, *, now: datetime
    ) -> OutgoingMail:
        link, expires_at = None, None
        if kind.button is not None:
            token_kind, address = OF_ACCOUNTS[kind.button]
            ttl = good_for(token_kind, self.deps.policy)
            row = Token(hash="", kind=token_kind, account_id=reader.account.id, made_at=now, expires_at=now + ttl)
            token, expires_at = await mailed_token(session, order, row, to=reader.address, deps=self.deps)
            link = address(self.deps.links, token, reader.account.side)
        context = MailContext(
            recipient_name=reader.greeting,
            time_zone=reader.time_zone,
            practice=self.deps.practice,
            test=reader.test,
            link=link,
            link_expires_at=expires_at,
        )
        rendered = render(order.template, context)
        return OutgoingMail(
            key=order.key,
            to=reader.address,
            to_name=reader.name,
            from_=self.deps.email_from,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            template=order.template,
        )

    async def _send(self, claimed: Claimed) -> bool:
        """Whether the mail service is there."""
        status, said, away = OutboxStatus.SENT, None, None
        try:
            status, said = await send(claimed.mail, deps=self.deps)
        except MailerUnavailable as unavailable:
            away = unavailable
        now = await self.deps.clock.now()
        async with self.deps.sessions() as session:
            client = await _lock_whose(session, claimed.mail.key)
            row = await claimed.row(session)
            if row is not None and away is not None:
                put_back(session, client, row, away, at=now)
            elif row is not None:
                await settle(session, client, row, status, said, at=now)
            if client is not None and status is OutboxStatus.UNDELIVERABLE:
                await project(session, client)
            await session.commit()
        return away is None

    async def _put_off(self, keys: list[str]) -> None:
        """They were not asked about: all that is due would be looked at again at once."""
        at = next_try(1, now=await self.deps.clock.now())
        async with self.deps.sessions() as session:
            await session.exec(update(OutboxItem).where(col(OutboxItem.key).in_(keys)).values(next_try_at=at))
            await session.commit()


async def _lock_whose(session: AsyncSession, key: str) -> Client | None:
    """The client, locked, whose timeline tells of this mail, whose row is locked too."""
    order = order_of(await session.get_one(OutboxItem, key, with_for_update=True))
    return await lock_client(session, UUID(order.client_id)) if order.client_id else None


async def _reader(
    session: AsyncSession, account_id: UUID, client: Client | None, *, deps: Dependencies
) -> AccountReader | None:
    account = await session.get(Account, account_id)
    if account is None:
        return None
    if account.side is AccountSide.STAFF:
        therapist = await session.get(Therapist, account.therapist_id) if account.therapist_id else None
        return AccountReader(
            account=account,
            address=account.email or "",
            name=account.name,
            greeting=account.name or "",
            time_zone=therapist.time_zone if therapist else deps.policy.time_zone,
        )
    address = client and ((client.test_mail_to if client.test else None) or client.email)
    if client is None or not address:
        return None
    return AccountReader(
        account=account,
        address=address,
        name=client.full_name,
        greeting=client.first_name or "",
        time_zone=client.time_zone or deps.policy.time_zone,
        test=client.test,
    )


async def _elsewhere(
    session: AsyncSession, reader: AccountReader, order: MailOrder, kind: MailKind, *, is_test: bool
) -> AccountReader | None:
    """The same person at the new address, while nobody has asked for another one, or at the former one. Every mail of a
    test client goes to whoever made it."""
    change = await session.get(EmailChange, UUID(order.text))
    if change is None or is_test:
        return reader if change is not None else None
    if kind.at is AccountAddress.FORMER:
        return replace(reader, address=change.former) if change.former else None
    is_open = change.applied_at is None and change.replaced_at is None
    return replace(reader, address=change.email) if is_open else None


def _situation(account: Account, *, now: datetime) -> MailSituation:
    return MailSituation(
        now=now,
        asked_for=True,
        account_active=account.activated_at is not None,
        account_ended=account.deactivated_at is not None,
    )
