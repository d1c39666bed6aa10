"""Reconciliation's reading, a bounded part at a time: the ledger from the database, Stripe by the gateway."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import heartbeat
from activities.ports import DisputeSeen, Intent, PaymentGateway, RefundMade
from activities.types.reconciliation import (
    ComparisonCursor,
    ComparisonOrder,
    ComparisonPage,
    ComparisonPart,
    Reconciling,
)
from models.database import Sessions
from models.reads.money import reconciliation as ledger
from rules.money.discrepancies import (
    Discrepancy,
    DiscrepancyKind,
    LedgerPayment,
    LedgerRefund,
    StripeDispute,
    StripeIntent,
    StripeRefund,
)
from rules.money.reconciliation import compare_disputes, compare_payments, compare_refunds

CHUNK = 500  # lines at a time: five pages of Stripe's
_SECOND = timedelta(seconds=1)  # Stripe's clock has no smaller hand


class Made(Protocol):
    """Whatever Stripe lists says when it was made."""

    @property
    def created(self) -> datetime | None: ...


class WithId(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=Made)
Line = TypeVar("Line", bound=WithId)
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class ListedLines(Generic[Row]):
    """What Stripe made from ``since`` to before ``before``. If there is more, it goes on back from ``earlier``."""

    rows: list[Row]
    since: datetime
    before: datetime
    earlier: datetime | None


class Comparison:
    """Reads and compares, and changes nothing. ``now`` is what discrepancies are reckoned at."""

    def __init__(self, sessions: Sessions, gateway: PaymentGateway, *, now: datetime) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._now = now
        self._chunk = CHUNK

    async def look(self, order: ComparisonOrder) -> ComparisonPage:
        """Compare the part that is due, or so much of it as is read at a time."""
        parts = {
            ComparisonPart.PAYMENTS: self._payments,
            ComparisonPart.UNFINISHED_PAYMENTS: self._unfinished_payments,
            ComparisonPart.REFUNDS: self._refunds,
            ComparisonPart.UNFINISHED_REFUNDS: self._unfinished_refunds,
            ComparisonPart.DISPUTES: self._disputes,
            ComparisonPart.OPEN_DISPUTES: self._open_disputes,
        }
        return await parts[order.place.part](order.reconciling, order.place)

    async def still(self, discrepancy: Discrepancy) -> Discrepancy | None:
        """The same discrepancy if it is there yet. Both sides are asked anew, the ledger before and after Stripe.

        While a payment is made, Stripe is ahead of the ledger for a moment. What the ledger said both times was also
        so when Stripe was asked.
        """
        if discrepancy.dispute is not None:
            found = await self._dispute_again(discrepancy.dispute)
        elif discrepancy.refund_id is not None or discrepancy.stripe_refund is not None:
            found = await self._refund_again(discrepancy)
        else:
            found = await self.of_payment(payment_id=discrepancy.payment_id, intent=discrepancy.intent)
        return next((again for again in found if again.key == discrepancy.key), None)

    # ------------------------------------------------------------ payments

    async def _payments(self, window: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        until = place.until or window.until
        listed = await self._listed(self._gateway.list_intents(since=window.since, until=until), window.since, until)
        intents = [stripe_intent(row) for row in listed.rows]
        told = {intent.id for intent in intents}
        async with self._sessions() as session:
            named = await ledger.payments_named(session, ids=_ids(i.payment_id for i in intents), intents=told)
        discrepancies = compare_payments(named, intents + await self._own_intents(named, told), now=self._now)
        known, made = {payment.id for payment in named}, 0
        async for payments in self._pages(
            lambda session, after: ledger.payments_made(
                session, since=listed.since, before=listed.before, after=after, limit=self._chunk
            )
        ):
            made += len(payments)
            rest = [payment for payment in payments if payment.id not in known]
            discrepancies += compare_payments(rest, await self._own_intents(rest, ()), now=self._now)
        return _looked(place, listed, discrepancies, {"intents": len(intents), "payments": made})

    async def _unfinished_payments(self, window: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        async with self._sessions() as session:
            payments = await ledger.payments_unfinished(
                session, let_go_since=window.since, now=self._now, after=_after(place), limit=self._chunk
            )
        discrepancies = compare_payments(payments, await self._own_intents(payments, ()), now=self._now)
        return self._gone_through(
            place, [p.id for p in payments], discrepancies, {"unfinished_payments": len(payments)}
        )

    async def _own_intents(self, payments: Iterable[LedgerPayment], told: Collection[str]) -> list[StripeIntent]:
        """The payments' own intents, asked for one by one, without those that were told already."""
        wanted = [p.intent for p in payments if p.intent and p.intent not in told and not p.test]
        found = [await _asked(self._gateway.retrieve_intent(intent=id)) for id in wanted]
        return [stripe_intent(intent) for intent in found if intent is not None]

    async def of_payment(self, *, payment_id: str | None, intent: str | None) -> list[Discrepancy]:
        """What differs about one payment and its intents, looked at closely."""

        async def from_ledger() -> list[LedgerPayment]:
            async with self._sessions() as session:
                intents = [intent] if intent else []
                return await ledger.payments_named(session, ids=_ids([payment_id]), intents=intents)

        before = await from_ledger()
        wanted = {payment.intent for payment in before} | {intent}
        intents = await self._with_what_they_gave_back(id for id in wanted if id)
        first = {found.key for found in compare_payments(before, intents, now=self._now)}
        return [found for found in compare_payments(await from_ledger(), intents, now=self._now) if found.key in first]

    async def _with_what_they_gave_back(self, ids: Iterable[str]) -> list[StripeIntent]:
        intents = []
        for id in sorted(ids):
            intent = await _asked(self._gateway.retrieve_intent(intent=id))
            if intent is not None:
                intents.append(stripe_intent(intent, refunded=await self._given_back(intent)))
        return intents

    async def _given_back(self, intent: Intent) -> int:
        if intent.status != "succeeded" or intent.latest_charge is None:
            return 0
        charge = await _asked(self._gateway.retrieve_charge(id=intent.latest_charge))
        return charge.amount_refunded if charge else 0

    # ------------------------------------------------------------ refunds

    async def _refunds(self, window: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        until = place.until or window.until
        listed = await self._listed(self._gateway.list_refunds(since=window.since, until=until), window.since, until)
        made = [stripe_refund(row) for row in listed.rows]
        told = {refund.id for refund in made}
        async with self._sessions() as session:
            named = await ledger.refunds_named(session, ids=_ids(r.refund_id for r in made), at_stripe=told)
            payments = await _payments_of(session, made)
        answers = made + await self._made(named, told)
        discrepancies = compare_refunds(named, answers, payments=payments, now=self._now)
        known, asked = {refund.id for refund in named}, 0
        async for refunds in self._pages(
            lambda session, after: ledger.refunds_asked(
                session, since=listed.since, before=listed.before, after=after, limit=self._chunk
            )
        ):
            asked += len(refunds)
            rest = [refund for refund in refunds if refund.id not in known]
            discrepancies += compare_refunds(rest, await self._made(rest, ()), payments={}, now=self._now)
        return _looked(place, listed, discrepancies, {"stripe_refunds": len(made), "refunds": asked})

    async def _unfinished_refunds(self, window: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        async with self._sessions() as session:
            refunds = await ledger.refunds_unfinished(
                session, before=window.since, after=_after(place), limit=self._chunk
            )
        discrepancies = compare_refunds(refunds, await self._made(refunds, ()), payments={}, now=self._now)
        return self._gone_through(place, [r.id for r in refunds], discrepancies, {"unfinished_refunds": len(refunds)})

    async def _made(self, refunds: Iterable[LedgerRefund], told: Collection[str]) -> list[StripeRefund]:
        """What Stripe says of these refunds, asked for one by one, without what was told already."""
        found: list[RefundMade | None] = []
        for refund in refunds:
            if refund.test or refund.stripe_refund in told:
                continue
            if refund.stripe_refund is not None:
                found.append(await _asked(self._gateway.retrieve_refund(id=refund.stripe_refund)))
            elif refund.intent is not None:
                found.append(await _asked(self._gateway.find_refund(intent=refund.intent, refund_id=refund.id)))
        return [stripe_refund(made) for made in found if made is not None]

    async def of_refund(self, stripe_refund: str) -> list[Discrepancy]:
        """What differs about one refund of Stripe's, of which the ledger has no row; one at most."""
        asked = Discrepancy(kind=DiscrepancyKind.REFUND_BY_HAND, text="", stripe_refund=stripe_refund)
        return await self._refund_again(asked)

    async def _refund_again(self, discrepancy: Discrepancy) -> list[Discrepancy]:
        at_stripe = [discrepancy.stripe_refund] if discrepancy.stripe_refund else []

        async def from_ledger() -> list[LedgerRefund]:
            async with self._sessions() as session:
                return await ledger.refunds_named(session, ids=_ids([discrepancy.refund_id]), at_stripe=at_stripe)

        before = await from_ledger()
        made = await self._made(before, at_stripe)
        for id in at_stripe:
            answer = await _asked(self._gateway.retrieve_refund(id=id))
            made += [stripe_refund(answer)] if answer else []
        by_hand = {refund.intent for refund in made if refund.intent} if not before else set()
        intents = {intent.id: intent for intent in await self._with_what_they_gave_back(by_hand)}
        found = []
        for refunds in (before, await from_ledger()):
            async with self._sessions() as session:
                payments = await _payments_of(session, made)
            found.append(compare_refunds(refunds, made, payments=payments, intents=intents, now=self._now))
        first = {again.key for again in found[0]}
        return [again for again in found[1] if again.key in first]

    # ------------------------------------------------------------ disputes

    async def _disputes(self, window: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        until = place.until or window.until
        listed = await self._listed(self._gateway.list_disputes(since=window.since, until=until), window.since, until)
        discrepancies = await self._compare_disputes([_stripe_dispute(row) for row in listed.rows])
        return _looked(place, listed, discrepancies, {"disputes": len(listed.rows)})

    async def _open_disputes(self, _: Reconciling, place: ComparisonCursor) -> ComparisonPage:
        async with self._sessions() as session:
            ids = await ledger.open_disputes(session, after=place.after, limit=self._chunk)
        seen = [await _asked(self._gateway.retrieve_dispute(id=id)) for id in ids]
        discrepancies = await self._compare_disputes([_stripe_dispute(dispute) for dispute in seen if dispute])
        return self._gone_through(place, ids, discrepancies, {})

    async def _dispute_again(self, id: str) -> list[Discrepancy]:
        seen = await _asked(self._gateway.retrieve_dispute(id=id))
        return await self._compare_disputes([_stripe_dispute(seen)] if seen else [])

    async def _compare_disputes(self, disputes: list[StripeDispute]) -> list[Discrepancy]:
        async with self._sessions() as session:
            known = await ledger.dispute_statuses(session, [dispute.id for dispute in disputes])
            payments = await _payments_of(session, disputes)
        return compare_disputes(known, disputes, payments=payments)

    # ------------------------------------------------------------ how it is read

    async def _listed(self, rows: AsyncIterator[Row], since: datetime, until: datetime) -> ListedLines[Row]:
        """Stripe's newest lines up to ``until``: a chunk, and all of its last second, so that none is read twice."""
        found: list[Row] = []
        oldest, earlier = since, None
        async with aclosing(cast(Any, rows)):
            async for row in rows:
                if len(found) >= self._chunk and row.created != found[-1].created:
                    oldest = found[-1].created or since
                    earlier = oldest - _SECOND if oldest > since else None
                    break
                found.append(row)
                heartbeat()
        return ListedLines(rows=found, since=oldest, before=until + _SECOND, earlier=earlier)

    async def _pages(
        self, read: Callable[[AsyncSession, UUID | None], Awaitable[list[Line]]]
    ) -> AsyncIterator[list[Line]]:
        """All lines of a list of the ledger's, a chunk at a time."""
        after: UUID | None = None
        while True:
            async with self._sessions() as session:
                lines = await read(session, after)
            yield lines
            if len(lines) < self._chunk:
                return
            after = UUID(lines[-1].id)

    def _gone_through(
        self, place: ComparisonCursor, ids: Sequence[str], discrepancies: list[Discrepancy], compared: dict[str, int]
    ) -> ComparisonPage:
        """A chunk of a list that goes by id."""
        more = ComparisonCursor(part=place.part, after=ids[-1]) if len(ids) == self._chunk else _next_part(place)
        return ComparisonPage(findings=tuple(discrepancies), compared=compared, place=more)


def _looked(
    place: ComparisonCursor, listed: ListedLines[Any], discrepancies: list[Discrepancy], compared: dict[str, int]
) -> ComparisonPage:
    """A chunk of a list that goes back in time."""
    more = ComparisonCursor(part=place.part, until=listed.earlier) if listed.earlier else _next_part(place)
    return ComparisonPage(findings=tuple(discrepancies), compared=compared, place=more)


def _next_part(place: ComparisonCursor) -> ComparisonCursor | None:
    parts = list(ComparisonPart)
    following = parts[parts.index(place.part) + 1 :]
    return ComparisonCursor(part=following[0]) if following else None


async def _payments_of(
    session: AsyncSession, lines: Iterable[StripeRefund] | Iterable[StripeDispute]
) -> dict[str, LedgerPayment]:
    """The payments that these refunds or disputes are about, by their intents."""
    wanted = {line.intent for line in lines if line.intent}
    return {p.intent: p for p in await ledger.payments_named(session, intents=wanted) if p.intent}


def stripe_intent(intent: Intent, *, refunded: int = 0) -> StripeIntent:
    """``refunded`` is what its charge gave back, where that was asked for."""
    assert intent.created is not None, "Stripe says when an intent was made"
    return StripeIntent(
        id=intent.id,
        payment_id=intent.payment_id if _ids([intent.payment_id]) else None,
        status=intent.status,
        amount=intent.amount,
        received=intent.amount_received,
        currency=intent.currency,
        created=intent.created,
        refunded=refunded,
    )


def stripe_refund(made: RefundMade) -> StripeRefund:
    assert made.id is not None, "what Stripe tells has an id"
    return StripeRefund(
        id=made.id,
        refund_id=made.refund_id if _ids([made.refund_id]) else None,
        intent=made.intent,
        status=made.status,
        amount=made.amount,
        currency=made.currency,
    )


def _stripe_dispute(seen: DisputeSeen) -> StripeDispute:
    return StripeDispute(id=seen.id, intent=seen.intent, status=seen.status)


def _after(place: ComparisonCursor) -> UUID | None:
    return UUID(place.after) if place.after else None


def _ids(told: Iterable[str | None]) -> list[UUID]:
    """Ids of ours among what metadata says: another program at the same account may say anything."""
    found = []
    for text in told:
        try:
            found.append(UUID(text or ""))
        except ValueError:
            continue
    return found


async def _asked(answer: Awaitable[Answer]) -> Answer:
    found = await answer
    heartbeat()
    return found
