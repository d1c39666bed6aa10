"""How many mails a day reach an address that nobody has confirmed (rate limit): a form takes anybody's address.

Counted are mails to clients whose account is not active, by the address, whoever's record it stands in, but those that
only the practice itself can cause. What is over
the budget waits in the outbox until the day allows it, or the account is active.
"""

from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.tasks import open_task_once
from models.reads.journey import project
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.mail.outbox import OutboxItem, OutboxKind, OutboxStatus
from models.writes.accounts.budgets import use
from rules.accounts.budgets import BudgetKind, budget
from rules.accounts.caller import fold_email
from rules.accounts.limits import MAILS_WITHIN
from rules.enums import TaskKind
from rules.mail.kinds import Mail, kind_of
from rules.mail.terms import Reader
from rules.policy import JourneyPolicy


async def put_off_until(
    session: AsyncSession, client: Client, row: OutboxItem, address: str, *, policy: JourneyPolicy, now: datetime
) -> datetime | None:
    """None where it may go out, which counts it: once, however often it is tried. The client is locked."""
    if row.reader != Reader.CLIENT or client.account_active or client.test or row.tries > 0:
        return None
    if kind_of(row.template).by_practice_alone:
        return None
    day = budget(BudgetKind.MAILS_OF_ADDRESS, mailbox_of(address), most=policy.mails_per_address, within=MAILS_WITHIN)
    free_at = await use(session, day, at=now)
    if free_at is not None:
        await _say_that_mails_wait(session, client, row, policy=policy, at=now)
    return free_at


def mailbox_of(address: str) -> str:
    """What most mail services deliver to one mailbox is one: ``ana+anything@`` is ``ana@``."""
    local, _, domain = fold_email(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


async def _say_that_mails_wait(
    session: AsyncSession, client: Client, row: OutboxItem, *, policy: JourneyPolicy, at: datetime
) -> None:
    """One open task a client."""
    waits = (col(Task.client_id) == client.id, col(Task.kind) == TaskKind.MAILS_WAIT, col(Task.resolved_at).is_(None))
    if (await session.exec(select(Task.id).where(*waits).limit(1))).first() is not None:
        return
    await open_task_once(
        session,
        client,
        key=f"mails_wait:{derived_id(client.id, 'mail', row.key)}",
        kind=TaskKind.MAILS_WAIT,
        text=f"Mails to client {client.ref} wait: {policy.mails_per_address} a day go to an address whose account is"
        " not active. Somebody may have given an address that is not theirs.",
        at=at,
    )
    await project(session, client)


async def let_mails_go(session: AsyncSession, client: Client, *, at: datetime) -> None:
    """The account is active: what its address had no room for is wanted now."""
    waiting = update(OutboxItem).where(
        col(OutboxItem.client_id) == client.id,
        col(OutboxItem.appointment_id).is_(None),  # an appointment's own has its time there
        col(OutboxItem.kind) == OutboxKind.MAIL,
        col(OutboxItem.status) == OutboxStatus.WAITING,
        col(OutboxItem.tries) == 0,
        col(OutboxItem.next_try_at) > at,
        col(OutboxItem.template) != Mail.NEW_MESSAGE.value,  # which waits for the reader
    )
    await session.exec(waiting.values(next_try_at=at))
