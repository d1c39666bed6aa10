"""Idempotent steps: the answer to a request is stored once, with the change, and given back when it is asked again.

A step is asked again when its answer was lost: a local activity is retried, an update is sent again after a
continue-as-new, the API repeats a request. Refusals are not stored: they change nothing, and may be asked again.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, any_, func, literal, true, union_all
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.snapshots import appointments_as_they_stand, payments_as_they_stand
from activities.types.facts import AppointmentFacts, PaymentFacts
from activities.words import read_beside, taken, taken_over
from models.reads.journey import journey_facts
from models.tables.clients.client import Client
from models.tables.clients.handed_in import HandedIn
from models.tables.clients.step_answer import LONGEST_REQUEST_ID, StepAnswer
from models.writes.locks import RowMissing
from rules.enums import PaymentStatus
from rules.journey.stage import JourneyFacts

Answer = TypeVar("Answer")
_SNAPSHOT = "$snapshot"
_JOURNEY, _APPOINTMENT, _PAYMENT = "journey", "appointment", "payment"
Reference = tuple[str, str]


class RequestOrder(Protocol):
    @property
    def request_id(self) -> str: ...


class AnsweredOnce(Generic[Answer]):
    """The answers of one step, by client and request. The client's row must be locked: then two runs of one request
    cannot both find nothing. What a record was answered before it was joined into another is found under both."""

    def __init__(self, step: str, kind: type[Answer]) -> None:
        self.step = step
        self._reader: TypeAdapter[Answer] = TypeAdapter(kind)

    async def given(
        self, session: AsyncSession, client: Client, order: RequestOrder, *, take: bool = False
    ) -> Answer | None:
        """What was answered to this very request before, with fresh snapshots; None if it was not carried out yet. What
        was handed in for it is read with the same statement, for `heard`; or it is `taken`."""
        same = self._same(client.id, order)
        words = getattr(order, "handed_in", None)
        if words is None:
            return await self._read(session, (await session.exec(select(StepAnswer).where(same))).first())
        said = taken(words) if take else HandedIn
        both = (
            select(StepAnswer, said)
            .select_from(Client)
            .join(StepAnswer, same, isouter=True)
            .join(said, true() if take else col(HandedIn.id) == UUID(words), isouter=True)
            .where(col(Client.id) == client.id)
        )
        stored, row = (await session.exec(both)).first() or (None, None)
        read_beside(session, row, removed=take)
        return await self._read(session, stored)

    async def with_client(
        self, session: AsyncSession, client_id: UUID, order: RequestOrder
    ) -> tuple[Client, Answer | None]:
        """The client as they stand, who need not be locked, and what was answered to this request before."""
        asked = (
            select(Client, StepAnswer)
            .join(StepAnswer, self._same(client_id, order), isouter=True)
            .where(col(Client.id) == client_id)
        )
        client, stored = (await session.exec(asked)).first() or (None, None)
        if client is None:
            raise RowMissing(f"no client {client_id}")
        return client, await self._read(session, stored)

    def _same(self, client_id: UUID, order: RequestOrder) -> ColumnElement[bool]:
        """The answers to this very request, by the client or a record that was joined into theirs. Whose they may be is
        found first: with an `or` the key of the table would serve for nothing."""
        other = aliased(Client)
        whose = union_all(select(literal(client_id)), select(other.id).where(col(other.joined_into) == client_id))
        return and_(
            col(StepAnswer.client_id) == any_(func.array(whose.scalar_subquery())),
            col(StepAnswer.step) == self.step,
            col(StepAnswer.request_id) == _key(order),
        )

    async def ever(self, session: AsyncSession, client: Client) -> Answer | None:
        """What was answered to whoever asked, by a step that happens once to a client."""
        asked = select(StepAnswer).where(col(StepAnswer.client_id) == client.id, col(StepAnswer.step) == self.step)
        return await self._read(session, (await session.exec(asked)).first())

    async def _read(self, session: AsyncSession, stored: StepAnswer | None) -> Answer | None:
        if stored is None:
            return None
        return self._reader.validate_python(await _with_fresh_snapshots(session, stored.answer))

    def keep(
        self, session: AsyncSession, client: Client, order: RequestOrder, answer: Answer, *, at: datetime
    ) -> Answer:
        """Store the answer in the running transaction, and return it. What was handed in for it is taken over."""
        taken_over(session)
        session.add(
            StepAnswer(
                client_id=client.id,
                step=self.step,
                request_id=_key(order),
                answer=to_jsonable_python(without_snapshots(answer)),
                made_at=at,
            )
        )
        return answer


def _key(order: RequestOrder) -> str:
    """The request's id; of one that a person made up at length, its digest."""
    id = order.request_id
    return id if len(id) <= LONGEST_REQUEST_ID else sha256(id.encode()).hexdigest()


def without_snapshots(value: Any) -> Any:
    """The answer as it is stored: each snapshot is only named."""
    if isinstance(value, JourneyFacts):
        return {_SNAPSHOT: _JOURNEY, "of": value.ref}
    if isinstance(value, AppointmentFacts):
        return {_SNAPSHOT: _APPOINTMENT, "of": value.id}
    if isinstance(value, PaymentFacts):
        return {_SNAPSHOT: _PAYMENT, "of": value.id}
    if is_dataclass(value):
        return {field.name: without_snapshots(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: without_snapshots(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_snapshots(inner) for inner in value]
    return value


async def _with_fresh_snapshots(session: AsyncSession, stored: Any) -> Any:
    """The stored answer with every snapshot taken anew.

    A workflow that never heard the first answer acts on this one: it starts an appointment's workflow from the
    snapshot, charges a debt, or hands the facts on. An old snapshot would let it begin from what is no longer so.
    """
    named = set(_references(stored))
    ids = {kind: [UUID(of) for one, of in named if one == kind] for kind in (_APPOINTMENT, _PAYMENT)}
    snapshots: dict[Reference, object] = {}
    for facts in await appointments_as_they_stand(session, ids[_APPOINTMENT]):
        snapshots[_APPOINTMENT, facts.id] = facts
    for payment in await payments_as_they_stand(session, ids[_PAYMENT]):
        snapshots[_PAYMENT, payment.id] = payment
    refs = [of for kind, of in named if kind == _JOURNEY]
    for client in (await session.exec(select(Client).where(col(Client.ref).in_(refs)))).all():
        snapshots[_JOURNEY, client.ref] = await journey_facts(session, client)
    return _put_in(stored, snapshots)


def _references(stored: Any) -> Iterator[Reference]:
    if isinstance(stored, dict):
        if _SNAPSHOT in stored:
            yield stored[_SNAPSHOT], stored["of"]
        else:
            for inner in stored.values():
                yield from _references(inner)
    elif isinstance(stored, list):
        for inner in stored:
            yield from _references(inner)


def _put_in(stored: Any, snapshots: dict[Reference, object]) -> Any:
    if isinstance(stored, dict):
        if _SNAPSHOT in stored:
            return snapshots[stored[_SNAPSHOT], stored["of"]]
        return {name: _put_in(inner, snapshots) for name, inner in stored.items()}
    if isinstance(stored, list):
        return [_put_in(inner, snapshots) for inner in stored if not _is_no_debt_any_more(inner, snapshots)]
    return stored


def _is_no_debt_any_more(stored: Any, snapshots: dict[Reference, object]) -> bool:
    """A payment that an answer lists by itself is a debt that a card can settle; what was settled since is none."""
    if not isinstance(stored, dict) or stored.get(_SNAPSHOT) != _PAYMENT:
        return False
    payment = snapshots[_PAYMENT, stored["of"]]
    return isinstance(payment, PaymentFacts) and payment.status is not PaymentStatus.OWED
