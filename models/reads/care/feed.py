"""Who may read which entry of a therapist's feed.

A therapist sees entries about the clients who are matched with them now, about own appointments, and those that are
about no client; nothing about a client who is archived, for as long as that lasts; and not what they did themselves.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import therapist_of
from models.tables.care.notification import Notification
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.enums import ClientStatus


def may_see_notification(caller: Caller) -> ColumnElement[bool]:
    """The condition on ``Notification`` for this caller; nobody but a therapist has a feed."""
    mine = therapist_of(caller)
    about_own_appointment = or_(
        col(Notification.data).has_key("appointment_ids"),  # type: ignore[attr-defined]
        col(Notification.data).has_key("payment_id"),  # type: ignore[attr-defined]
    )
    client = exists().where(
        col(Client.id) == col(Notification.client_id),
        col(Client.status) == ClientStatus.ACTIVE,
        or_(col(Client.therapist_id) == mine, about_own_appointment),
    )
    return and_(
        col(Notification.therapist_id) == mine,
        col(Notification.actor).is_distinct_from(caller.actor),
        or_(col(Notification.client_id).is_(None), client),
    )


async def list_notifications(
    session: AsyncSession, caller: Caller, *, page: Page, unread: bool
) -> Sequence[Notification]:
    """A therapist's own feed, newest first; one more than the page holds, if there are more."""
    statement = (
        select(Notification)
        .where(may_see_notification(caller))
        .order_by(col(Notification.at).desc(), col(Notification.id).desc())
    )
    if unread:
        statement = statement.where(col(Notification.read_at).is_(None))
    return await one_page(session, statement, page, Notification.at, Notification.id, descending=True)
