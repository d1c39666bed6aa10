"""The client's account and details: activation, changes, and what the care team resolves."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.announcing import details_were_given
from activities.answers import AnsweredOnce
from activities.base import Activities
from activities.details import owner_of_address, write_details
from activities.mail.daily_budget import let_mails_go
from activities.money.reported.disputes import unfreeze
from activities.snapshots import facts_of_appointments
from activities.tasks import close_tasks, open_task_once
from activities.types.clients import (
    ActivationOrder,
    DetailsOrder,
    Done,
    GroupChoice,
    LinkOrder,
    TaskOrder,
    TaskResolution,
)
from activities.types.workflow_ids import LOOK_AGAIN
from activities.words import heard
from models.reads.booking.waitlist import lines_of_client
from models.reads.journey import journey_facts, project
from models.tables.accounts.token import Token, TokenKind
from models.tables.clients.client import Client
from models.tables.clients.group import ClientGroup
from models.tables.clients.task import Task
from models.writes.accounts.accounts import activate_client
from models.writes.clients.groups import move_to_group
from models.writes.locks import lock_client
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.accounts.caller import Caller
from rules.enums import TaskKind
from rules.keeping import PRACTICE_MAIL_ID
from rules.mail.kinds import Mail
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

ACTIVATED = AnsweredOnce("activate_account", Done)
LINK_ORDERED = AnsweredOnce("send_activation_link", Done)
DETAILED = AnsweredOnce("change_details", Done)
RESOLVED = AnsweredOnce("resolve_task", Done)
_LINK_INVALID = Refusal(
    name=Problem.ACTIVATION_LINK_INVALID,
    detail="This activation link is no longer valid. Ask for a new one.",
)

_NO_ADDRESS = Refusal(
    name=Problem.CLIENT_DETAILS_REQUIRED,
    detail="No e-mail address is known to send a link to.",
    data={"missing": ["email"]},
)


class AccountActivities(Activities):
    @activity.defn
    async def activate_account(self, order: ActivationOrder) -> Done:
        """Use up an activation link and set the password. One use; every other open link of the client ends with
        it, and every pass."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            token = await session.get(Token, order.token_hash)
            if token is None or token.kind is not TokenKind.ACTIVATION or token.client_id != client.id:
                return Done(refusal=_LINK_INVALID)
            given = await ACTIVATED.given(session, client, order)
            if given is not None:
                return given
            if token.used_at is not None or token.revoked_at is not None or token.expires_at <= now:
                return Done(refusal=_LINK_INVALID)
            if client.email and await owner_of_address(session, client.email, other_than=client) is not None:
                return Done(refusal=_LINK_INVALID)
            await session.exec(
                update(Token)
                .where(
                    col(Token.client_id) == client.id,
                    col(Token.kind).in_((TokenKind.ACTIVATION, TokenKind.PASS)),
                    col(Token.used_at).is_(None),
                )
                .values(revoked_at=now)
            )
            token.used_at = now
            session.add(token)
            order = await heard(session, order, about=client.id)
            client.account_active, client.activated_at = True, now
            await activate_client(session, client.id, password_hash=order.password_hash, at=now)
            tell(
                session,
                client,
                FactKind.ACCOUNT_ACTIVATED,
                at=now,
                by=f"client:{client.id}",
                text="The client's account was activated.",
                data={"request_id": order.request_id},
            )
            await let_mails_go(session, client, at=now)
            note = "The account was activated."
            await close_tasks(session, client, about=None, kinds=(TaskKind.MAILS_WAIT,), at=now, note=note)
            return ACTIVATED.keep(session, client, order, Done(facts=await project(session, client)), at=now)

    @activity.defn
    async def send_activation_link(self, order: LinkOrder) -> Done:
        """Mail a new activation link to a client whose account is not active yet."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await LINK_ORDERED.given(session, client, order)
            if given is not None:
                return given
            if client.account_active:
                detail = "The account is active already; the client can sign in."
                return Done(refusal=Refusal(name=Problem.ACTIVATION_LINK_INVALID, detail=detail))
            if client.email is None:
                return Done(refusal=_NO_ADDRESS)
            mail = client_mail(Mail.WELCOME, client, f"again:{order.request_id}", asked_for=True)
            await order_mails(session, [mail], at=now)
            answer = Done(facts=await journey_facts(session, client))
            return LINK_ORDERED.keep(session, client, order, answer, at=now)

    @activity.defn
    async def change_details(self, order: DetailsOrder) -> Done:
        """Change details, the group, portal settings or the subscription; what is not said stays."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await DETAILED.given(session, client, order)
            if given is not None:
                return given
            refusal = await write_details(session, client, order.details, by=order.by, reason=order.request_id, at=now)
            if refusal is None and order.group is not None:
                refusal = await _move_to_group(session, client, order.group, by=order.by, at=now)
            if refusal is not None:
                await session.rollback()
                return Done(refusal=refusal)
            settings = {**client.portal_settings, **(order.portal_settings or {})}
            if settings != client.portal_settings:
                changed = {name: on for name, on in settings.items() if client.portal_settings.get(name) != on}
                client.portal_settings = settings
                tell(
                    session,
                    client,
                    FactKind.PORTAL_SETTINGS_CHANGED,
                    at=now,
                    by=order.by.actor,
                    text="The client's portal settings were changed.",
                    data=changed,
                )
            if order.unsubscribed is not None and order.unsubscribed != client.unsubscribed:
                client.unsubscribed = order.unsubscribed
                tell(
                    session,
                    client,
                    FactKind.UNSUBSCRIBED if order.unsubscribed else FactKind.SUBSCRIBED,
                    at=now,
                    by=order.by.actor,
                    text="Notification mails are off." if order.unsubscribed else "Notification mails are on again.",
                )
            await details_were_given(session, client, order.details, by=order.by, reason=order.request_id, at=now)
            done = Done(facts=await project(session, client), lines=await lines_of_client(session, client))
            may_have_moved = client.account_active and order.details.email is not None
            answer = DETAILED.keep(session, client, order, done, at=now)
        if may_have_moved and self.deps.executions is not None:  # the former address is told, whoever changed it
            await self.deps.executions.wake(PRACTICE_MAIL_ID, LOOK_AGAIN)
        return answer

    @activity.defn
    async def open_task(self, order: TaskOrder) -> Done:
        """Open a task for the care team, once per key."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            facts = await journey_facts(session, client)
            if client.closed_at is not None or (order.kind is TaskKind.NO_FIRST_SESSION and facts.session_booked):
                return Done(facts=facts, changed=False)
            opened = await open_task_once(
                session,
                client,
                key=order.key,
                kind=order.kind,
                text=order.text,
                at=now,
                appointment_id=UUID(order.appointment_id) if order.appointment_id else None,
                payment_id=UUID(order.payment_id) if order.payment_id else None,
            )
            return Done(facts=await project(session, client), changed=opened is not None)

    @activity.defn
    async def resolve_task(self, order: TaskResolution) -> Done:
        """A person has looked at it. Resolving twice is one resolution."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            statement = select(Task).where(col(Task.id) == UUID(order.task_id), col(Task.client_id) == client.id)
            task = (await session.exec(statement)).first()
            if task is None:
                return Done(refusal=Refusal(name=Problem.NOT_FOUND, detail="There is no such task."))
            given = await RESOLVED.given(session, client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=client.id)
            if task.resolved_at is None:
                task.resolved_at, task.resolved_by, task.note = now, order.by.actor, order.note
                session.add(task)
                tell(
                    session,
                    client,
                    FactKind.TASK_RESOLVED,
                    at=now,
                    by=order.by.actor,
                    text="A task was resolved.",
                    data={"task_id": str(task.id), "task": task.kind.value, "request_id": order.request_id},
                    words=order.note,
                )
                await session.flush()
            held_charges = task.kind is TaskKind.DISPUTE
            resumed = await unfreeze(session, client) if held_charges else []
            done = Done(
                facts=await project(session, client),
                resumed=await facts_of_appointments(session, client, resumed),
            )
            return RESOLVED.keep(session, client, order, done, at=now)


async def _move_to_group(
    session: AsyncSession, client: Client, choice: GroupChoice, *, by: Caller, at: datetime
) -> Refusal | None:
    group_id = UUID(choice.group_id) if choice.group_id else None
    group = await session.get(ClientGroup, group_id) if group_id else None
    if group is None and group_id is not None:
        return invalid("group", "there is no such group")
    move_to_group(session, client, group, by=by.actor, at=at)
    return None
