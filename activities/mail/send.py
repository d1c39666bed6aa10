"""Composing and sending the mails of the outbox, one by one (idempotency: every reason has one row).

The mail service knows no idempotency. A mail that was on its way when nobody learnt how it ended is sent again if it is
vital (activation, payment), all others are not, because one missing reminder is better than two.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, derived_id
from activities.mail.about import ReadAhead, read_about, read_ahead, situation_of
from activities.mail.buttons import link_of
from activities.mail.compose import compose
from activities.mail.daily_budget import put_off_until
from activities.mail.recipient import recipient_of
from activities.ports import MailerUnavailable, MailRejected, OutgoingMail
from activities.tasks import open_task_once
from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxKind, OutboxStatus
from models.writes.mail.deliveries import ItemClaim
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import TaskKind
from rules.mail.kinds import UnknownMail, kind_of
from rules.mail.orders import MailOrder
from rules.mail.terms import Topic
from rules.mail.wanted import not_wanted
from rules.timeline import FactKind

_ORDERS = TypeAdapter(MailOrder)
SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(minutes=30)
_ANSWERED_WITHIN = timedelta(seconds=30)


def order_of(row: OutboxItem) -> MailOrder:
    return _ORDERS.validate_python(row.order)


def about_of(row: OutboxItem) -> frozenset[str]:
    """What it is about, so that nothing about the same overtakes it. What cannot be read is about nothing."""
    try:
        return order_of(row).about if row.kind is OutboxKind.MAIL else frozenset()
    except ValueError:
        return frozenset()


@dataclass(frozen=True)
class Claimed:
    """A mail that a delivery has claimed, by the number of its try."""

    mail: OutgoingMail
    tries: int

    @property
    def claim(self) -> ItemClaim:
        return ItemClaim(self.mail.key, self.tries)


def mark_sending(row: OutboxItem, *, at: datetime) -> None:
    """It is on its way. Nobody looks at it again before the mail service must have answered."""
    row.status, row.next_try_at = OutboxStatus.SENDING, answered_by(at)


def answered_by(at: datetime) -> datetime:
    return at + _ANSWERED_WITHIN


def next_try(tries: int, *, now: datetime) -> datetime:
    """When to ask a vendor again that was away so many times in a row: each pause twice the one before."""
    pause: timedelta = min(SHORTEST * 2 ** min(tries - 1, 10), _LONGEST)
    return now + pause


async def prepare(
    session: AsyncSession,
    client: Client,
    row: OutboxItem,
    *,
    deps: Dependencies,
    now: datetime,
    ahead: ReadAhead | None = None,
) -> OutgoingMail | None:
    """Claim one mail and compose it; None if it is settled already: it was in doubt, is not wanted, or cannot be
    written; or if it was put off, and is unsettled still. ``ahead``: what was read for several mails at once."""
    if row.status is OutboxStatus.SENDING and not row.vital:
        row.status = OutboxStatus.UNCERTAIN
        _say(session, client, row, at=now, kind=FactKind.MAIL_UNCERTAIN, text="may have been sent; not repeated")
        return None
    try:
        ahead = ahead or await read_ahead(session, client, [order_of(row)], practice=deps.practice)
        return await _composed(session, client, row, ahead, deps=deps, now=now)
    except DBAPIError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, what waits behind it must not wait for ever
        row.status = OutboxStatus.UNWRITABLE
        if not _is_about_a_task(row):  # a task about it would need a mail, and so on for ever
            await open_task_once(
                session,
                client,
                key=f"mail_unwritable:{derived_id(client.id, 'mail', row.key)}",
                kind=TaskKind.MAIL_UNDELIVERABLE,
                text=f"The mail {row.template} about client {client.ref} cannot be written: something that it says is"
                " missing or wrong. Tell the client by other means, and whoever runs the system.",
                at=now,
            )
        return None


async def _composed(
    session: AsyncSession, client: Client, row: OutboxItem, ahead: ReadAhead, *, deps: Dependencies, now: datetime
) -> OutgoingMail | None:
    order = order_of(row)
    kind = kind_of(order.template)
    with session.no_autoflush:  # the rows of all mails are written together
        about = await read_about(session, client, order, kind, ahead)
    if kind.if_address_is_anothers is not None and about.owner is not None:
        order = replace(order, template=kind.if_address_is_anothers.value)
        kind, row.template = kind_of(order.template), order.template
    to = recipient_of(order, kind, about, practice=deps.practice, time_zone=deps.policy.time_zone, tester=ahead.tester)
    if to is None or not_wanted(kind, situation_of(order, about, now=now)):
        row.status = OutboxStatus.NOT_WANTED
        return None
    free_at = await put_off_until(session, client, row, to.address, policy=deps.policy, now=now)
    if free_at is not None:
        row.status, row.next_try_at = OutboxStatus.WAITING, free_at
        return None
    with session.no_autoflush:
        link = await link_of(session, order, kind, about, deps=deps, policy=deps.policy, now=now)
    mail = compose(order, kind, about, to, link=link, deps=deps, now=now)
    row.status, row.recipient = OutboxStatus.CLAIMED, to.address
    return mail


async def send(mail: OutgoingMail, *, deps: Dependencies) -> tuple[OutboxStatus, str | None]:
    """Hand one mail to the mail service: how it ended, and the service's id of it if it was taken.

    Raises MailerUnavailable.
    """
    try:
        return OutboxStatus.SENT, await deps.mailer.send(mail)
    except MailRejected:
        return OutboxStatus.UNDELIVERABLE, None


async def tell_end(session: AsyncSession, client: Client, row: OutboxItem, *, at: datetime) -> None:
    """Tell how a mail ended."""
    if row.status is OutboxStatus.SENT:
        _say(session, client, row, at=at, kind=FactKind.MAIL_SENT, text="was sent")
        return
    _say(session, client, row, at=at, kind=FactKind.MAIL_UNDELIVERABLE, text="could not be delivered")
    if not _is_about_a_task(row):
        await open_task_once(
            session,
            client,
            key=f"mail_undeliverable:{derived_id(client.id, 'mail', row.key)}",
            kind=TaskKind.MAIL_UNDELIVERABLE,
            text=f"The mail {row.template} about client {client.ref} was refused by the mail service.",
            at=at,
        )


def put_back(
    session: AsyncSession, client: Client | None, row: OutboxItem, away: MailerUnavailable | None, *, at: datetime
) -> None:
    """The mail service is away: try again later, unless the mail may be out and is not vital. Without ``away`` it was
    not asked about this one."""
    if away is not None and away.ambiguous and not row.vital:
        row.status = OutboxStatus.UNCERTAIN
        if client is not None:
            _say(session, client, row, at=at, kind=FactKind.MAIL_UNCERTAIN, text="may have been sent; not repeated")
        return
    row.status, row.next_try_at = OutboxStatus.WAITING, next_try(row.tries, now=at)


def _is_about_a_task(row: OutboxItem) -> bool:
    try:
        return Topic.TASK in kind_of(row.template).about
    except UnknownMail:
        return False


def _say(session: AsyncSession, client: Client, row: OutboxItem, *, at: datetime, kind: FactKind, text: str) -> None:
    tell(
        session,
        client,
        kind,
        at=at,
        by=SYSTEM,
        text=f"The mail {row.template} to the {row.reader.replace('_', ' ')} {text}.",
        data={"template": row.template, "to": row.reader, "key": row.key},
    )
