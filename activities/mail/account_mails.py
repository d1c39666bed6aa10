"""The mails about accounts, composed: to whoever has one, at the address that the mail is for."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies
from activities.mail.buttons import OF_ACCOUNTS, OF_THE_PRACTICE, good_for, mailed_token
from activities.mail.compose import opened_in
from activities.mail.context import MailApproval, MailContext, MailMoney
from activities.mail.outgoing import outgoing
from activities.mail.rendering import render
from activities.mail.send import order_of
from activities.ports import OutgoingMail
from models.reads.accounts.makers import tester_of
from models.reads.money.approvers import asker_name, may_settle
from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem
from models.tables.money.approval import Approval
from rules.accounts.sides import AccountSide
from rules.mail.kinds import MailKind, kind_of
from rules.mail.orders import MailOrder
from rules.mail.terms import AccountAddress, Topic
from rules.mail.until import MailSituation
from rules.mail.wanted import not_wanted


@dataclass(frozen=True, kw_only=True)
class AccountReader:
    """Whoever has the account: where mails reach them, how they are greeted and told the time."""

    account: Account
    address: str
    name: str | None
    greeting: str
    time_zone: str
    test: bool = False


async def account_mail(
    session: AsyncSession, row: OutboxItem, client: Client | None, *, deps: Dependencies, now: datetime
) -> OutgoingMail | None:
    """The mail of a row about an account, composed; None where nobody is to have it. ``client``: whose it is."""
    order = order_of(row)
    kind = kind_of(order.template)
    reader = await _reader(session, UUID(order.account_id or ""), client, deps=deps)
    if reader is not None and kind.at is not AccountAddress.PRESENT:
        reader = await _elsewhere(session, reader, order, kind, is_test=client is not None and client.test)
    approval = await session.get(Approval, UUID(order.text)) if Topic.APPROVAL in kind.about else None
    if reader is None or not_wanted(kind, await _situation(session, reader.account, approval, now=now)):
        return None
    link, expires_at = None, None
    if kind.button is not None and kind.button in OF_THE_PRACTICE:
        link = OF_THE_PRACTICE[kind.button](deps.links)
    elif kind.button is not None:
        token_kind, address = OF_ACCOUNTS[kind.button]
        ttl = good_for(token_kind, deps.policy)
        made = Token(hash="", kind=token_kind, account_id=reader.account.id, made_at=now, expires_at=now + ttl)
        made.email_change_id = UUID(order.text) if token_kind is TokenKind.EMAIL else None
        token, expires_at = await mailed_token(session, order, made, to=reader.address, deps=deps)
        link = address(deps.links, token, reader.account.side)
    context = MailContext(
        recipient_name=reader.greeting,
        time_zone=reader.time_zone,
        practice=deps.practice,
        test=reader.test,
        link=link,
        link_expires_at=expires_at,
        # Of clients, admins see no more than the reference.
        client_name=client.ref if client is not None and "client_name" in kind.needs else None,
        opened=opened_in(order, kind),
        approval=await _approval(session, approval) if approval is not None else None,
        factor_change=order.text if Topic.FACTOR_CHANGE in kind.about else None,
    )
    rendered = render(order.template, context, deps.templates)
    return outgoing(order, rendered, to=reader.address, to_name=reader.name, deps=deps)


async def _reader(
    session: AsyncSession, account_id: UUID, client: Client | None, *, deps: Dependencies
) -> AccountReader | None:
    account = await session.get(Account, account_id)
    if account is None:
        return None
    tester = await tester_of(session, client, care_team=deps.practice.care_team_email) if client is not None else None
    if account.side is AccountSide.STAFF:
        therapist = await session.get(Therapist, account.therapist_id) if account.therapist_id else None
        return AccountReader(
            account=account,
            address=tester or account.email or "",
            name=None if tester else account.name,
            greeting=account.name or "",
            time_zone=therapist.time_zone if therapist else deps.policy.time_zone,
            test=tester is not None,
        )
    address = client and (tester or client.email)
    if client is None or not address:
        return None
    return AccountReader(
        account=account,
        address=address,
        name=None if tester else client.full_name,
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


async def _approval(session: AsyncSession, row: Approval) -> MailApproval:
    return MailApproval(
        asked_by=await asker_name(session, row),
        act=row.act.value,
        amount=MailMoney(amount=row.amount, currency=row.currency),
        lapses_at=row.lapses_at,
    )


async def _situation(
    session: AsyncSession, account: Account, approval: Approval | None, *, now: datetime
) -> MailSituation:
    return MailSituation(
        now=now,
        asked_for=True,
        account_active=account.activated_at is not None,
        account_ended=account.is_shut,
        may_settle=approval is not None and await may_settle(session, account, approval, now=now),
    )
