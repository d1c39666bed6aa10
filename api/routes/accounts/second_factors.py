"""Second factors of whoever has signed in: set up, confirmed by a code, and removed by a code.

Whoever has found a browser open, or stolen a token, gets nowhere: each change asks for the password, and for a code as
soon as there is a factor that makes some.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.factors.codes import (
    Showing,
    admit_code,
    hashes_of,
    new_recovery_codes,
    restore_code,
    shown_step,
    use_code,
)
from api.accounts.factors.mails import mail_change
from api.accounts.factors.totp import new_secret, secret_of, uri_of
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Password, Secret
from api.deps import Person, Services, ShowingCode, SignedInAs, Svc
from api.idempotency import AccountRoute
from api.problems import must_find, not_found, refuse, responses, wrong_fields
from api.routes.accounts.passwords import must_fit
from models.reads.accounts.second_factors import (
    factor_being_set_up,
    factors_in_force,
    recovery_codes_left,
)
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.tables.clients.client import Client
from models.writes.accounts.locks import lock_account
from models.writes.accounts.second_factors import put_in_force, remove, replace_recovery_codes, set_up, tell_client
from rules.accounts.second_factors import (
    ENROLMENT_TTL,
    MOST_FACTORS,
    FactorChange,
    FactorKind,
    may_be_removed,
    normal_code,
)
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("one's own account")],
)

Code = Annotated[Secret, Field(repr=False)]
_NO_FIT = "does not fit, or was used before"


class FactorView(BaseModel):
    """``since``: from when on it was in force."""

    id: UUID
    kind: FactorKind
    since: datetime


class FactorList(BaseModel):
    """``required``: the practice demands one of whoever asks. ``recovery_codes``: how many are left."""

    items: list[FactorView]
    recovery_codes: int
    required: bool
    next_cursor: None = None


@router.get(
    "/second-factors",
    summary="One's own second factors, and how many recovery codes are left",
    responses=responses(),
)
async def list_factors(*, services: Svc, person: Person) -> FactorList:
    async with services.sessions() as session:
        found = await factors_in_force(session, person.account.id)
        left = await recovery_codes_left(session, person.account.id)
    items = [FactorView(id=row.id, kind=row.kind, since=row.confirmed_at or row.made_at) for row in found]
    return FactorList(items=items, recovery_codes=left, required=_is_demanded(services, person))


class NewFactor(Body):
    """``current``: the password. ``code``: of a factor that is in force already, or a recovery code."""

    kind: FactorKind
    current: Annotated[Password, Field(repr=False)]
    code: Annotated[Secret | None, Field(repr=False)] = None


class NewFactorView(BaseModel):
    """Shown once. ``uri`` is what a QR code for the app says, ``secret`` what can be typed instead (base32)."""

    id: UUID
    secret: str
    uri: str


@router.post(
    "/second-factors",
    status_code=201,
    summary="Set up an authenticator app; it is in force once it is confirmed",
    responses=responses(Problem.RATE_LIMITED),
)
async def begin_factor(
    *, body: NewFactor, services: Svc, person: Person, showing: ShowingCode, after: BackgroundTasks
) -> NewFactorView:
    """Good for an hour, and until another one is begun."""
    await must_fit(services, person, body.current, field="current", now=showing.now)
    id = uuid5(showing.request_id, "second factor")
    async with _by_code(services, person, body.code, showing) as (session, account):
        known = await factor_being_set_up(session, account.id)
        if known is not None and known.id == id:  # begun by the same request, whose answer was lost
            secret = secret_of(known) or ""
        else:
            if len(await factors_in_force(session, account.id)) >= MOST_FACTORS:
                raise wrong_fields([("kind", f"{MOST_FACTORS} are in force already; remove one first")])
            secret = new_secret()
            await set_up(session, account, id=id, secret=secret, at=showing.now)
        address = await _address(session, account)
        await session.commit()
    if body.code is not None:
        after.add_task(have_delivered, services.engine)
    return NewFactorView(id=id, secret=secret, uri=uri_of(secret, account=address, issuer=_issuer(services)))


class Confirmed(Body):
    code: Code


class RecoveryCodes(BaseModel):
    """Shown once: each stands in for a code of the app, once."""

    recovery_codes: list[str]


@router.post(
    "/second-factors/{enrolment_id}/confirmations",
    summary="Put it in force by a code that the app shows; answers recovery codes",
    responses=responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def confirm_factor(
    *,
    enrolment_id: UUID,
    body: Confirmed,
    services: Svc,
    person: Person,
    showing: ShowingCode,
    after: BackgroundTasks,
) -> RecoveryCodes:
    """Every other sign-in of the account ends, and so do recovery codes from before."""
    async with services.sessions() as session:
        await _waiting(session, person.account.id, enrolment_id, now=showing.now)
    tried = await admit_code(services.sessions, person.account.id, shown="a sign-in", now=showing.now)
    async with services.sessions() as session:
        account = await _locked(session, person)
        factor = await _waiting(session, account.id, enrolment_id, now=showing.now)
        step = shown_step(factor, normal_code(body.code), showing=showing)
        if step is None:
            raise wrong_fields([("code", "does not fit: look at the app again, and at its clock")])
        await put_in_force(session, account, factor, step=step, at=showing.now, but=person.token_hash)
        codes = await _new_codes(session, account, showing)
        await mail_change(session, account, FactorChange.ADDED, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    await restore_code(services.sessions, tried, now=showing.now)
    after.add_task(have_delivered, services.engine)
    return RecoveryCodes(recovery_codes=list(codes))


class PasswordAndCode(Body):
    """``current``: the password. ``code``: of a factor in force, or a recovery code."""

    current: Annotated[Password, Field(repr=False)]
    code: Code


@router.post(
    "/second-factors/recovery-codes",
    summary="Ten new recovery codes; those from before end",
    responses=responses(Problem.RATE_LIMITED),
)
async def make_recovery_codes(
    *, body: PasswordAndCode, services: Svc, person: Person, showing: ShowingCode, after: BackgroundTasks
) -> RecoveryCodes:
    await must_fit(services, person, body.current, field="current", now=showing.now)
    async with _by_code(services, person, body.code, showing) as (session, account):
        if not await factors_in_force(session, account.id):
            raise refuse(Problem.NOT_ALLOWED, "There is no second factor that recovery codes could stand in for.")
        await tell_client(session, account, FactorChange.CODES_MADE, at=showing.now)
        codes = await _new_codes(session, account, showing)
        await mail_change(session, account, FactorChange.CODES_MADE, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return RecoveryCodes(recovery_codes=list(codes))


@router.post(
    "/second-factors/{factor_id}/remove",
    status_code=204,
    summary="Remove a second factor; with the last one the recovery codes end",
    responses=responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def remove_factor(
    *,
    factor_id: UUID,
    body: PasswordAndCode,
    services: Svc,
    person: Person,
    showing: ShowingCode,
    after: BackgroundTasks,
) -> None:
    """Refused to people of the practice where it demands one and this is the last."""
    async with services.sessions() as session:
        await _removable(session, services, person.account, factor_id)
    await must_fit(services, person, body.current, field="current", now=showing.now)
    async with _by_code(services, person, body.code, showing) as (session, account):
        factor = await _removable(session, services, account, factor_id)
        await remove(session, account, factor, by=_actor(account), at=showing.now)
        await mail_change(session, account, FactorChange.REMOVED, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


@asynccontextmanager
async def _by_code(
    services: Services, person: SignedInAs, typed: str | None, showing: Showing
) -> AsyncIterator[tuple[AsyncSession, Account]]:
    """A transaction with the account locked, once a code has been shown where there is a factor that makes some; the
    caller commits. Raises Refused."""
    tried = None
    if typed is not None:
        tried = await admit_code(services.sessions, person.account.id, shown="a sign-in", now=showing.now)
    async with services.sessions() as session:
        account = await _locked(session, person)
        if await factors_in_force(session, account.id):
            if typed is None:
                raise wrong_fields([("code", "is required: there is a second factor already")])
            if await use_code(session, account, typed, showing=showing) is None:
                raise wrong_fields([("code", _NO_FIT)])
        yield session, account
    if tried is not None:
        await restore_code(services.sessions, tried, now=showing.now)


async def _locked(session: AsyncSession, person: SignedInAs) -> Account:
    """The account, as long as it is as it was when its token was shown. Raises Refused."""
    account = await lock_account(session, person.account)
    if account.password_hash != person.account.password_hash:
        raise wrong_fields([("current", "was changed just now")])
    return account


async def _waiting(session: AsyncSession, account_id: UUID, factor_id: UUID, *, now: datetime) -> SecondFactor:
    factor = await factor_being_set_up(session, account_id)
    if factor is None or factor.id != factor_id or factor.made_at + ENROLMENT_TTL <= now:
        raise not_found("second factor that waits to be confirmed")
    return factor


async def _removable(session: AsyncSession, services: Services, account: Account, factor_id: UUID) -> SecondFactor:
    """Raises Refused."""
    factors = await factors_in_force(session, account.id)
    factor = must_find("second factor", next((row for row in factors if row.id == factor_id), None))
    demanded = services.settings.staff_second_factor
    if not may_be_removed(account.side, demanded=demanded, remaining=len(factors) - 1):
        raise refuse(Problem.NOT_ALLOWED, "The practice demands a second factor: set up another one first.")
    return factor


async def _new_codes(session: AsyncSession, account: Account, showing: Showing) -> tuple[str, ...]:
    codes = new_recovery_codes()
    await replace_recovery_codes(session, account, hashes_of(account.id, codes), at=showing.now)
    return codes


async def _address(session: AsyncSession, account: Account) -> str:
    """By which its owner signs in: it tells the app's entries apart."""
    client = await session.get(Client, account.client_id) if account.client_id else None
    return (client.email if client is not None else account.email) or "account"


def _issuer(services: Services) -> str:
    return services.settings.practice_name


def _is_demanded(services: Services, person: SignedInAs) -> bool:
    return services.settings.staff_second_factor and person.account.side is AccountSide.STAFF


def _actor(account: Account) -> str:
    return f"client:{account.client_id}" if account.client_id else f"account:{account.handle}"
