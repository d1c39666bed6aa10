"""Who somebody of the practice is, in whichever role they act; and whether there is anybody beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect
from sqlmodel import col, exists, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller, therapist_caller
from rules.accounts.sides import AccountSide
from rules.enums import Role

Whose = UUID | ScalarSelect[UUID] | None  # a therapist, by id, or where it stands
_ACCOUNT = "account:"


@dataclass(frozen=True, kw_only=True)
class Person:
    """``key`` is one for all roles of a person, or of a program; ``actors`` are their names in timelines of clients."""

    key: str
    actors: tuple[str, ...]
    account_id: UUID | None = None


async def person_of(session: AsyncSession, caller: Caller) -> Person:
    """A program of a therapist's is the therapist. Programs of one name are one."""
    found = (await session.exec(_account_of(caller))).first()
    if found is not None:
        account, slug = found
        own = (therapist_caller(slug).actor,) if slug is not None else ()
        actors = (_care_team(account.handle or ""), *own)
        return Person(key=f"{_ACCOUNT}{account.id}", actors=actors, account_id=account.id)
    if caller.role is Role.THERAPIST:
        return Person(key=caller.actor, actors=(caller.actor,))
    return Person(key=f"program:{caller.name}", actors=(_care_team(caller.name),))


def _account_of(caller: Caller) -> Any:
    accounts = select(Account, Therapist.slug).join(
        Therapist, col(Therapist.id) == col(Account.therapist_id), isouter=True
    )
    if caller.role is Role.THERAPIST:
        return accounts.where(col(Therapist.slug) == caller.therapist, col(Account.deactivated_at).is_(None))
    return accounts.where(col(Account.handle) == caller.name)


def _care_team(name: str) -> str:
    return Caller(role=Role.CARE_TEAM, name=name).actor


def therapist_of_payment(payment: Payment) -> ScalarSelect[UUID]:
    """Whose appointment it is for."""
    return select(Appointment.therapist_id).where(col(Appointment.id) == payment.appointment_id).scalar_subquery()


def account_of_key(key: str) -> UUID | None:
    """The account of a person's ``key``; None of a program's."""
    return UUID(key.removeprefix(_ACCOUNT)) if key.startswith(_ACCOUNT) else None


async def is_anybody_else(session: AsyncSession, person: Person, *, therapist: Whose) -> bool:
    """Whether another account that is active may decide about money of this therapist's client."""
    others = exists().where(*_who_decide(therapist, but=person.account_id))
    return bool((await session.exec(select(others))).one())


async def others_who_decide(session: AsyncSession, but: UUID | None, *, therapist: Whose) -> Sequence[Account]:
    """Those accounts, by id, without the one of this id."""
    return (await session.exec(select(Account).where(*_who_decide(therapist, but=but)).order_by(col(Account.id)))).all()


def _who_decide(therapist: Whose, *, but: UUID | None) -> tuple[ColumnElement[bool], ...]:
    roles: Any = col(Account.roles)
    decides = or_(
        roles.contains([Role.CARE_TEAM.value]),
        (col(Account.therapist_id) == therapist) & roles.contains([Role.THERAPIST.value]),
    )
    return (
        decides,
        col(Account.id).is_distinct_from(but),
        col(Account.side) == AccountSide.STAFF,
        col(Account.activated_at).is_not(None),
        col(Account.deactivated_at).is_(None),
    )
