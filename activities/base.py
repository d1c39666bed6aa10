"""What every activity stands on: its dependencies, its transaction, and the facts it hands back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid5

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.gateways.calendars.port import CalendarChannels, CalendarSource
from activities.gateways.outbound.door import Door
from activities.ports import Mailer, MailTemplates, MessageRecord, PaymentGateway
from activities.practice import Links, Practice, Witness
from engine.clock import Clock
from engine.executions import Executions
from engine.signed_links import SignedLinks
from engine.vouching import Vouching
from models.database import Sessions
from models.tables.booking.occupied_time import is_overlap
from models.tables.clients.client import Client
from models.writes.clients.customers import keep_customer
from rules.enums import CalendarKind
from rules.policy import JourneyPolicy

Asked = ParamSpec("Asked")
Result = TypeVar("Result")
_LOOKS = 3


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """All that activities touch outside of themselves. ``link_key`` makes the tokens of activation links,
    ``unsubscribe_links`` those by which a client unsubscribes. ``vouching`` says whom a step believes to be who is
    named. Without a ``record`` nobody knows who sent a message.
    ``policy`` has the present settings, for what follows them at once. The ``witness`` is told the anchors. Mails
    are made of the ``templates``, else of ours. The ``door`` is how addresses are called that somebody gave. Calendars
    kept elsewhere are read by the ``calendar_sources``, one for each kind, and their vendors tell of changes by the
    ``calendar_channels``, where they do."""

    sessions: Sessions
    clock: Clock
    payments: PaymentGateway
    simulated_payments: PaymentGateway
    mailer: Mailer
    links: Links
    practice: Practice
    email_from: str
    link_key: bytes
    unsubscribe_links: SignedLinks
    vouching: Vouching
    record: MessageRecord | None = None
    executions: Executions | None = None
    policy: JourneyPolicy = field(default_factory=JourneyPolicy)
    witness: Witness = field(default_factory=Witness)
    templates: MailTemplates | None = None
    door: Door = field(default_factory=lambda: Door(private=False))
    calendar_sources: Mapping[CalendarKind, CalendarSource] = field(default_factory=dict)
    calendar_channels: Mapping[CalendarKind, CalendarChannels] = field(default_factory=dict)


class Activities:
    """A group of activities over the same dependencies."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.deps = dependencies

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed if the block ends, rolled back if it raises or rolls back itself."""
        async with self.deps.sessions() as session:
            yield session
            await session.commit()

    async def now(self) -> datetime:
        return await self.deps.clock.now()

    def gateway_for(self, client: Client) -> PaymentGateway:
        """Test clients never reach Stripe."""
        return self.deps.simulated_payments if client.test else self.deps.payments

    async def customer_of(self, client: Client, *, request_id: str) -> str:
        """The client's customer at the gateway, made once. A stray one, never used, is harmless."""
        if client.stripe_customer is not None:
            return client.stripe_customer
        # Of this request and run: Stripe would replay a stored failure to a key that later ones share.
        key = f"customer:{client.id}:{request_id}:{this_run()}"
        made = await self.gateway_for(client).create_customer(client_ref=client.ref, key=key)
        async with self.transaction() as session:
            return await keep_customer(session, client.id, made)


def this_run() -> int:
    """How often the step that runs was begun: part of a key to which Stripe must not replay a stored failure."""
    return activity.info().attempt if activity.in_activity() else 1


def heartbeat() -> None:
    """A sign of life of a long step; what is called outside of one, as tests do, needs none."""
    if activity.in_activity():
        activity.heartbeat()


def looks_again(step: Callable[Asked, Awaitable[Result]]) -> Callable[Asked, Awaitable[Result]]:
    """For a step that takes times: run it again when the database found one of them taken at the write.

    Whoever locks the therapist first sees everything, so this is for what another program, or a person, writes past
    the locks. The next look sees it, and the answer is an ordinary refusal.
    """

    @wraps(step)
    async def looking(*args: Asked.args, **kwargs: Asked.kwargs) -> Result:
        for _ in range(_LOOKS - 1):
            try:
                return await step(*args, **kwargs)
            except IntegrityError as error:
                if not is_overlap(error):
                    raise
        return await step(*args, **kwargs)

    return looking


def derived_id(base: str | UUID, *parts: object) -> UUID:
    """An id that follows from another: the same step done twice finds its own rows."""
    return uuid5(UUID(str(base)), "/".join(str(part) for part in parts))
