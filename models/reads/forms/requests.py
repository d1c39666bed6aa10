"""Form requests: the forms that clients were asked for, what they said, and what they have still to complete."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, and_, false, func, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.reads.forms.texts import newest_versions
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.text import PracticeText
from rules.enums import ClientStatus, FormStatus
from rules.forms.asking import AskedVersion, outstanding
from rules.forms.intake import BILLING_INFO, FEE_POLICY
from rules.money.terms import AgreedTerms, Terms

ASKED_AGAIN = "system: a new version"


class FormAsked(Protocol):
    """What is to be known of a form request, be it a row or what was read of one."""

    @property
    def kind(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> FormStatus: ...
    @property
    def gates_from(self) -> datetime | None: ...


Asked = TypeVar("Asked", bound=FormAsked)


@dataclass(kw_only=True)
class FormsOf(Generic[Asked]):
    """One client's form requests, by version and by time. ``places``: of the intake forms among them, by kind, in their
    order. ``as_of``: the time of the client's newest fact; what follows from time alone is told by a fact as well."""

    never_booked: bool
    as_of: datetime
    requests: list[Asked] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def is_intake(self, form: FormAsked) -> bool:
        return form.kind in self.places

    def is_first_asking(self, form: FormAsked) -> bool:
        """Asked for with the first booking, and not complete: such forms are reminded of together."""
        return self.is_intake(form) and form.status is not FormStatus.COMPLETE and form.gates_from is None

    def askings(self) -> list[AskedVersion]:
        return [asking_of(form) for form in self.requests]

    def outstanding(self, every: Sequence[str], *, now: datetime | None = None) -> tuple[str, ...]:
        """The intake forms for which bookings wait, ``now`` or as of the newest fact. ``every``: the intake forms that
        there are, which a first booking asks for."""
        return outstanding(
            self.askings(),
            intake=every if self.never_booked else list(self.places),
            never_booked=self.never_booked,
            as_of=now or self.as_of,
        )


def asking_of(form: FormAsked) -> AskedVersion:
    complete = form.status is FormStatus.COMPLETE
    return AskedVersion(kind=form.kind, version=form.version, complete=complete, gates_from=form.gates_from)


async def forms_by_client(session: AsyncSession, clients: Collection[UUID]) -> dict[UUID, FormsOf[FormRequest]]:
    """What each of these clients was asked for, in one query."""
    statement = (
        select(Client, func.coalesce(Fact.at, Client.created_at), FormRequest, PracticeText.intake_place)
        .join(Fact, and_(col(Fact.client_id) == Client.id, col(Fact.seq) == Client.fact_seq), isouter=True)
        .join(FormRequest, col(FormRequest.client_id) == Client.id, isouter=True)
        .join(
            PracticeText,
            and_(col(PracticeText.kind) == FormRequest.kind, col(PracticeText.version) == FormRequest.version),
            isouter=True,
        )
        .where(col(Client.id).in_(clients))
        .order_by(
            col(PracticeText.intake_place),
            col(FormRequest.kind),
            col(FormRequest.version),
            col(FormRequest.number),
        )
    )
    found: dict[UUID, FormsOf[FormRequest]] = {}
    for client, told_at, form, place in await session.exec(statement):
        never = client.first_booked_at is None
        forms = found.setdefault(client.id, FormsOf(never_booked=never, as_of=told_at))
        if form is not None:
            forms.requests.append(form)
            if place is not None:
                forms.places[form.kind] = place
    return found


async def outstanding_forms(
    session: AsyncSession, clients: Mapping[UUID, FormsOf[FormRequest]], *, now: datetime | None = None
) -> dict[UUID, tuple[str, ...]]:
    """The intake forms for which each client's bookings wait, ``now`` or as of their newest fact."""
    never_asked = any(forms.never_booked for forms in clients.values())
    every = list(await newest_versions(session, intake=True)) if never_asked else []
    return {client_id: forms.outstanding(every, now=now) for client_id, forms in clients.items()}


async def forms_of(session: AsyncSession, client_id: UUID) -> Sequence[FormRequest]:
    """A client's forms as they were asked for; those of one moment in the order in which they are filled in."""
    forms = (await forms_by_client(session, [client_id]))[client_id]
    last = len(forms.requests)

    def place(form: FormRequest) -> tuple[datetime, int, str, int]:
        return form.requested_at, forms.places.get(form.kind, last), form.kind, form.version

    return sorted(forms.requests, key=place)


async def asked_of(session: AsyncSession, client_id: UUID, kind: str) -> Sequence[FormRequest]:
    """Every time that a client was asked for this form, the first one first."""
    statement = (
        select(FormRequest)
        .where(col(FormRequest.client_id) == client_id, col(FormRequest.kind) == kind)
        .order_by(col(FormRequest.requested_at), col(FormRequest.version), col(FormRequest.number))
    )
    return (await session.exec(statement)).all()


async def answer_to(session: AsyncSession, request_id: UUID) -> FormAnswer | None:
    """The answer to one asking, the newest if there are several."""
    statement = (
        select(FormAnswer)
        .where(col(FormAnswer.request_id) == request_id)
        .order_by(col(FormAnswer.answered_at).desc(), col(FormAnswer.id))
    )
    return (await session.exec(statement.limit(1))).first()


async def answered_by(session: AsyncSession, forms: Collection[FormRequest]) -> dict[UUID, str]:
    """Who answered each of these last, by the id of the asking."""
    statement = (
        select(FormAnswer.request_id, FormAnswer.answered_by)
        .where(col(FormAnswer.request_id).in_([form.id for form in forms]))
        .order_by(col(FormAnswer.answered_at), col(FormAnswer.id).desc())
    )
    return dict((await session.exec(statement)).all())


async def clients_to_ask_again(
    session: AsyncSession, template: PracticeText, *, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """The active clients whose journeys are to be told of a new version, by id; each journey decides what it asks
    for."""
    has_it = _asked_for(template.kind).where(col(FormRequest.version) >= template.version).exists()
    statement = select(Client.id).where(_is_concerned(template.kind, intake=template.is_intake), ~has_it)
    if after is not None:
        statement = statement.where(col(Client.id) > after)
    return (await session.exec(statement.order_by(col(Client.id)).limit(limit))).all()


async def count_to_ask(session: AsyncSession, kinds: Mapping[str, bool]) -> int:
    """How many clients would be asked for the next versions of these forms, each once; ``kinds``: whether each is an
    intake form. To whom the portal shows no forms nothing is sent."""
    concerned = or_(false(), *(_is_concerned(kind, intake=intake) for kind, intake in kinds.items()))
    shown = func.coalesce(col(Client.portal_settings)["forms"].as_boolean(), true())
    return (await session.exec(select(func.count()).select_from(Client).where(concerned, shown))).one()


def _is_concerned(kind: str, *, intake: bool) -> ColumnElement[bool]:
    """Whether an active client is asked for a new version: of an intake form, whoever has booked; of one of the
    practice's own, whoever has completed it."""
    done = _asked_for(kind).where(col(FormRequest.status) == FormStatus.COMPLETE).exists()
    return and_(
        col(Client.status) == ClientStatus.ACTIVE,
        col(Client.closed_at).is_(None),
        col(Client.first_booked_at).is_not(None) if intake else done,
    )


def _asked_for(kind: str) -> SelectOfScalar[UUID]:
    return select(FormRequest.id).where(col(FormRequest.client_id) == Client.id, col(FormRequest.kind) == kind)


async def policy_to_sign(session: AsyncSession, client_id: UUID) -> PracticeText:
    """The fee policy that a client signs with Billing Info now: that of the version they were asked for last; not
    asked yet, the one in force."""
    asked = (
        select(PracticeText.fee_policy_version)
        .join(
            FormRequest,
            and_(col(FormRequest.kind) == PracticeText.kind, col(FormRequest.version) == PracticeText.version),
        )
        .where(col(FormRequest.client_id) == client_id, col(PracticeText.kind) == BILLING_INFO)
        .order_by(col(FormRequest.requested_at).desc(), col(FormRequest.version).desc(), col(FormRequest.number).desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(PracticeText).where(
        col(PracticeText.kind) == FEE_POLICY, col(PracticeText.version) == func.coalesce(asked, _policy_in_force())
    )
    return (await session.exec(statement)).one()


async def agreed_terms(session: AsyncSession, client_id: UUID) -> AgreedTerms:
    """Under which fee policy a client books now: the version that they signed last; unsigned, the one in force."""
    signed = (
        select(PracticeText.fee_policy_version)
        .join(
            FormRequest,
            and_(col(FormRequest.kind) == PracticeText.kind, col(FormRequest.version) == PracticeText.version),
        )
        .join(FormAnswer, col(FormAnswer.request_id) == FormRequest.id)
        .where(col(FormRequest.client_id) == client_id, col(PracticeText.kind) == BILLING_INFO)
        .order_by(col(FormAnswer.answered_at).desc(), col(PracticeText.version).desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(PracticeText.version, PracticeText.terms).where(
        col(PracticeText.kind) == FEE_POLICY, col(PracticeText.version) == func.coalesce(signed, _policy_in_force())
    )
    version, terms = (await session.exec(statement)).one()
    return AgreedTerms(fee_policy_version=version, terms=Terms.read(dict(terms)))


def _policy_in_force() -> ScalarSelect[int]:
    return select(func.max(PracticeText.version)).where(col(PracticeText.kind) == FEE_POLICY).scalar_subquery()
