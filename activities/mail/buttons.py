"""Where a mail's one button leads (its call to action): named destinations become addresses, some with a token."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies
from activities.mail.about import About
from activities.practice import Links
from models.tables.accounts.token import Token, TokenKind
from models.tables.clients.client import Client
from models.writes.accounts.tokens import keep_link
from rules.accounts.limits import EMAIL_LINK_TTL, RESET_LINK_TTL
from rules.accounts.sides import AccountSide
from rules.mail.kinds import MailKind
from rules.mail.orders import MailOrder
from rules.mail.terms import Button
from rules.mail.unsubscribe import address_mark
from rules.policy import JourneyPolicy


def _booking(links: Links, about: About) -> str | None:
    return links.booking(about.therapist.slug) if about.therapist else None


def _offered_time(links: Links, about: About) -> str | None:
    if about.offered is None or about.therapist is None:
        return None
    offer, place = about.offered.offer, about.offered.place
    return links.offered_time(about.therapist.slug, type=place.type, starts_at=offer.starts_at, hold_id=str(offer.id))


def _outcome(links: Links, about: About) -> str | None:
    return links.staff_appointment(str(about.appointments[0].id)) if about.appointments else None


PAGES: Mapping[Button, Callable[[Links, About], str | None]] = {
    Button.BOOKING: _booking,
    Button.OFFERED_TIME: _offered_time,
    Button.FORMS: lambda links, _: links.forms(),
    Button.GOALS: lambda links, _: links.goals(),
    Button.CHATS: lambda links, _: links.chats(),
    Button.STAFF_CHATS: lambda links, _: links.staff_chats(),
    Button.DOCUMENTS: lambda links, _: links.documents(),
    Button.CARD: lambda links, _: links.card(),
    Button.PAYMENT: lambda links, about: links.payment(str(about.payment.id)) if about.payment else None,
    Button.OUTCOME: _outcome,
    Button.APPOINTMENTS: lambda links, _: links.appointments(),
    Button.CLIENT: lambda links, about: links.client(str(about.client.id)),
    Button.TASK: lambda links, about: links.task(str(about.task.id)) if about.task else None,
}
"""Pages; None where what the page is about is gone."""

WITH_TOKEN: Mapping[Button, tuple[TokenKind, Callable[[Links, str], str]]] = {
    Button.ACTIVATION: (TokenKind.ACTIVATION, Links.activation),
    Button.JOIN: (TokenKind.JOIN, Links.join),
}
"""Destinations that whoever has the mail may act at, for as long as its token is good."""

OF_ACCOUNTS: Mapping[Button, tuple[TokenKind, Callable[[Links, str, AccountSide], str]]] = {
    Button.INVITATION: (TokenKind.INVITATION, lambda links, token, _: links.invitation(token)),
    Button.NEW_ADDRESS: (TokenKind.EMAIL, Links.new_address),
    Button.RESET: (TokenKind.RESET, Links.reset),
}
"""The same for whoever has an account, on their side of the house."""


OF_THE_PRACTICE: Mapping[Button, Callable[[Links], str]] = {Button.APPROVALS: Links.approvals}
"""Pages of the practice that are about no one client."""


def good_for(kind: TokenKind, policy: JourneyPolicy) -> timedelta:
    """How long a link of an account works."""
    return {TokenKind.RESET: RESET_LINK_TTL, TokenKind.EMAIL: EMAIL_LINK_TTL}.get(kind, policy.activation_link_ttl)


async def link_of(
    session: AsyncSession,
    order: MailOrder,
    kind: MailKind,
    about: About,
    *,
    deps: Dependencies,
    policy: JourneyPolicy,
    now: datetime,
) -> tuple[str | None, datetime | None]:
    """Where the mail's button leads, and until when, if it is not for good."""
    if kind.button is None:
        return None, None
    if kind.button not in WITH_TOKEN:
        return PAGES[kind.button](deps.links, about), None
    token_kind, address = WITH_TOKEN[kind.button]
    token, expires_at = await _mailed_token(session, order, about.client, token_kind, deps=deps, policy=policy, now=now)
    return address(deps.links, token), expires_at


def unsubscribe_link(order: MailOrder, kind: MailKind, client: Client, *, deps: Dependencies) -> str | None:
    """In the mails that an unsubscribed client does not get. It speaks for this client at this address."""
    if client.email is None or not kind.is_stoppable(own_form=order.form_id is not None):
        return None
    token = deps.unsubscribe_links.token(client.id.hex, address_mark(client.email))
    return deps.links.unsubscribe(token)


async def _mailed_token(
    session: AsyncSession,
    order: MailOrder,
    client: Client,
    kind: TokenKind,
    *,
    deps: Dependencies,
    policy: JourneyPolicy,
    now: datetime,
) -> tuple[str, datetime]:
    link = Token(hash="", kind=kind, client_id=client.id, made_at=now, expires_at=now + policy.activation_link_ttl)
    return await mailed_token(session, order, link, to=client.email or "", deps=deps)


async def mailed_token(
    session: AsyncSession, order: MailOrder, link: Token, *, to: str, deps: Dependencies
) -> tuple[str, datetime]:
    """The token of the link in a mail to this address, and until when it is good. ``link``: its row, but for the hash.

    It follows from the mail's key and the address: a mail that must be sent again carries the same link, unless the
    address is another by then, with which the links that were mailed before have ended.
    """
    secret = hmac.new(deps.link_key, f"{order.key}:{address_mark(to)}".encode(), sha256).digest()
    token = urlsafe_b64encode(secret).decode().rstrip("=")
    hashed = sha256(token.encode()).hexdigest()
    link.hash = hashed
    return token, await keep_link(session, link)
