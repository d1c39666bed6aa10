"""Writing to the outbox, inside the running transaction of the change that causes the mail or the errand."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.mail.outbox import OutboxItem, OutboxKind, OutboxStatus
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder, mail_order

_KEPT = "ordered together"  # where a session keeps what is to be put into the outbox


def client_mail(mail: Mail, client: Client, reason: str, **about: Any) -> MailOrder:
    """The order of a mail about a client. ``reason``: made of stable ids; ``about``: further fields of `MailOrder`."""
    order = mail_order(mail, key=f"{mail}:{client.id}:{reason}", client_id=str(client.id))
    return replace(order, **about)


def own_mail(mail: Mail, reason: str, *, text: str) -> MailOrder:
    """The order of a mail of the practice's own: PracticeMail delivers it. ``text`` says what it is about."""
    return replace(mail_order(mail, key=f"{mail}:{reason}", client_id=""), text=text)


async def order_mails(
    session: AsyncSession,
    orders: Iterable[MailOrder],
    *,
    at: datetime,
    by_appointment: UUID | None = None,
    not_before: datetime | None = None,
    put_off: bool = False,
) -> None:
    """Put mails into the outbox, in one statement. One that was ordered before for the same reason is left out.

    ``by_appointment``: the appointment whose workflow delivers them, if not the client's journey. ``put_off``: not to
    be tried until the client is active again.
    """
    when = None if put_off else not_before or at
    rows = [
        _row(order, at=at) | {"client_id": UUID(order.client_id), "appointment_id": by_appointment, "next_try_at": when}
        for order in orders
    ]
    await _put(session, rows)


async def order_practice_mail(
    session: AsyncSession,
    order: MailOrder,
    *,
    at: datetime,
    not_before: datetime | None = None,
    wanted: bool = True,
    recipient: str = "",
) -> None:
    """Put a mail into the outbox that PracticeMail delivers, whether a client has to do with it or not.

    One that is not ``wanted`` is settled as that: whether somebody has an address must not show in how long it takes
    to say so. ``recipient``: the address, where it must not be the one of a later moment.
    """
    status = OutboxStatus.WAITING if wanted else OutboxStatus.NOT_WANTED
    row = _row(order, at=at) | {"next_try_at": not_before or at, "status": status, "recipient": recipient}
    await _put(session, [row])


def _row(order: MailOrder, *, at: datetime) -> dict[str, Any]:
    return {
        "key": order.key,
        "kind": OutboxKind.MAIL,
        "template": order.template,
        "client_id": None,
        "appointment_id": None,
        "order": to_jsonable_python(order, exclude_none=True),
        "vital": order.vital,
        "reader": order.to,
        "recipient": "",
        "status": OutboxStatus.WAITING,
        "made_at": at,
        "next_try_at": at,
        "tries": 0,
    }


async def order_errands(
    session: AsyncSession, client_id: UUID, kind: OutboxKind, about: Iterable[str], *, reason: str, at: datetime
) -> None:
    """Put errands into the outbox of a client's journey. ``about`` says what each is about: a PaymentIntent's id, our
    id of a refund, ...; ``reason``, in stable ids, why it is to be done (again)."""
    rows = [
        {
            "key": f"{kind}:{what}:{reason}",
            "kind": kind,
            "template": "",
            "client_id": client_id,
            "appointment_id": None,
            "order": {"about": what},
            "vital": True,
            "reader": "",
            "recipient": "",
            "status": OutboxStatus.WAITING,
            "made_at": at,
            "next_try_at": at,
            "tries": 0,
        }
        for what in about
    ]
    await _put(session, rows)


async def put_off_mails(session: AsyncSession, client_id: UUID) -> None:
    """An archive ends every timer: what was to be told later of messages waits without one."""
    later = update(OutboxItem).where(
        col(OutboxItem.client_id) == client_id,
        col(OutboxItem.status) == OutboxStatus.WAITING,
        col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
    )
    await session.exec(later.values(next_try_at=None))


async def resume_mails(session: AsyncSession, client_id: UUID, *, at: datetime) -> None:
    """What an archive has put off is looked at now: it goes out if it is still wanted."""
    off = update(OutboxItem).where(
        col(OutboxItem.client_id) == client_id,
        col(OutboxItem.status) == OutboxStatus.WAITING,
        col(OutboxItem.next_try_at).is_(None),
    )
    await session.exec(off.values(next_try_at=at))


@asynccontextmanager
async def ordered_together(session: AsyncSession) -> AsyncIterator[None]:
    """What is ordered inside the block is put into the outbox at its end, in one statement."""
    kept: list[dict[str, Any]] = []
    session.info[_KEPT] = kept
    try:
        yield
    finally:
        del session.info[_KEPT]
    await _put(session, kept)


async def _put(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    if _KEPT in session.info:
        session.info[_KEPT].extend(rows)
        return
    await session.flush()  # of what the rows refer to
    statement = insert(OutboxItem).values(rows).on_conflict_do_nothing(index_elements=[col(OutboxItem.key)])
    await session.exec(statement)
