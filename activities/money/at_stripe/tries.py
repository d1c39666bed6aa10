"""Tries of a card: each is a row before the bank is asked, and is looked at before it is asked again."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.money.intents import PaymentIntents
from activities.money.payments import new_try
from activities.ports import Intent, PaymentGateway
from activities.types.money import Charged
from models.tables.clients.client import Client
from models.tables.money.payment import Payment, PaymentTry
from rules.enums import DeclineClass
from rules.money.fees import classify_decline

UNKNOWN = "gateway_error"  # of a try: Stripe answered with a failure, and may have asked the bank all the same


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The try that runs. ``since`` is when the bank was first asked for what is not recorded yet: where tries ended
    in nobody knows what, this is another one of the same. ``heard`` are the charges of the answers that are recorded.
    ``begun``: its row was made just now.
    """

    number: int
    method: str | None
    since: datetime
    heard: frozenset[str]
    begun: bool = False


def charged_of(intent: Intent) -> Charged:
    """How the card answered, from what Stripe says of the intent."""
    decline = intent.decline
    kind = classify_decline(decline.code, decline.decline_code) if decline else None
    if intent.status == "requires_action":
        kind = DeclineClass.AUTHENTICATION_REQUIRED
    return Charged(
        intent=intent.id,
        status=intent.status,
        amount=intent.amount,
        decline=kind.value if kind else None,
        decline_code=(decline.decline_code or decline.code) if decline else None,
        charge=intent.latest_charge,
    )


class CardTries(PaymentIntents):
    async def has_said_no(self, gateway: PaymentGateway, intent: Intent, asking: Asking) -> bool:
        """The bank has declined this very card since the asking began, and nobody heard: it is not asked again."""
        if intent.decline is None or intent.payment_method != asking.method:
            return False
        if intent.latest_charge is None or intent.latest_charge in asking.heard:
            return False
        charge = await gateway.retrieve_charge(id=intent.latest_charge)
        since = asking.since.replace(microsecond=0)  # Stripe counts whole seconds
        return charge is not None and charge.created is not None and charge.created >= since

    async def open_try(self, session: AsyncSession, payment: Payment, client: Client) -> Asking:
        """The try whose end nobody knows, or a new one: its number is part of the key that Stripe remembers."""
        statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id)
        tries = (await session.exec(statement.order_by(col(PaymentTry.number).desc()))).all()
        unknown = list(takewhile(lambda made: made.result in (None, UNKNOWN), tries))
        begun = not unknown or unknown[0].result is not None
        if begun:
            number = tries[0].number + 1 if tries else 1
            unknown.insert(0, await new_try(session, payment, client, number=number, at=await self.now()))
        return Asking(
            number=unknown[0].number,
            method=unknown[0].payment_method,
            since=unknown[-1].started_at,
            heard=frozenset(made.charge for made in tries if made.charge),
            begun=begun,
        )

    async def close_try(self, payment_id: UUID, number: int, *, result: str) -> None:
        now = await self.now()
        async with self.transaction() as session:
            statement = select(PaymentTry).where(
                col(PaymentTry.payment_id) == payment_id, col(PaymentTry.number) == number
            )
            attempt = (await session.exec(statement)).one()
            attempt.result, attempt.finished_at = result, now
            session.add(attempt)
