"""Second factors of whoever has signed in: set up, confirmed, and removed.

Whoever has found a browser open, or stolen a token, gets nowhere: each change asks for the password, and for a factor
as soon as there is one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.factors.challenges import Challenged
from api.accounts.factors.codes import (
    admit_code,
    hashes_of,
    new_recovery_codes,
    restore_code,
    shown_step,
    use_proof,
)
from api.accounts.factors.credentials import FactorShown, RegistrationResponseJSON
from api.accounts.factors.mails import mail_change
from api.accounts.factors.opening import name_of, secret_of
from api.accounts.factors.passkeys import Kept, Registered
from api.accounts.factors.showing import Showing
from api.accounts.factors.totp import new_secret, uri_of
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Password, Secret, as_line
from api.deps import ForWhom, Person, Services, ShowingCode, SignedInAs, Svc
from api.idempotency import AccountRoute
from api.problems import must_find, not_found, refuse, responses, wrong_fields
from api.routes.accounts.passwords import must_fit
from models.reads.accounts.second_factors import (
    factor_being_set_up,
    factors_in_force,
    passkeys_of,
    recovery_codes_left,
)
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.tables.clients.client import Client
from models.writes.accounts.locks import lock_account
from models.writes.accounts.second_factors import put_in_force, remove, replace_recovery_codes, set_up, tell_client
from models.writes.locks import lock_client
from rules.accounts.passkeys import ChallengePurpose, NoPasskeysThere, default_name
from rules.accounts.second_factors import (
    ENROLMENT_TTL,
    LONGEST_NAME,
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

FactorName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME), BeforeValidator(as_line)
]
_NO_FIT = "does not fit, or was used before"


class FactorView(BaseModel):
    """``since``: from when on it was in force. ``name``: as its owner called it, or as its kind is called.
    ``backed_up``: of a passkey, whether it is kept outside of one device."""

    id: UUID
    kind: FactorKind
    name: str | None
    since: datetime
    last_used_at: datetime | None
    backed_up: bool | None


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
        items = [_view(factor) for factor in await factors_in_force(session, person.account.id)]
        left = await recovery_codes_left(session, person.account.id)
    return FactorList(items=items, recovery_codes=left, required=_is_demanded(services, person))


def _view(factor: SecondFactor) -> FactorView:
    name = name_of(factor)
    if name is None and factor.kind is FactorKind.PASSKEY:
        kept = Kept.of(factor)
        name = default_name(kept.transports, synced=kept.eligible) if kept is not None else None
    return FactorView(
        id=factor.id,
        kind=factor.kind,
        name=name,
        since=factor.confirmed_at or factor.made_at,
        last_used_at=factor.last_used_at,
        backed_up=factor.backed_up,
    )


class NewFactor(FactorShown):
    """``current``: the password. ``name`` tells its owner which one it is. ``code`` or ``passkey``: of a factor that is
    in force already; a recovery code will do."""

    kind: FactorKind
    current: Annotated[Password, Field(repr=False)]
    name: FactorName | None = None


class NewFactorView(BaseModel):
    """Shown once. Of an app, ``uri`` is what a QR code for it says, ``secret`` what can be typed instead (base32). Of a
    passkey, ``passkey_options`` is what ``PublicKeyCredential.parseCreationOptionsFromJSON()`` takes, good for five
    minutes and once."""

    id: UUID
    secret: str | None = None
    uri: str | None = None
    passkey_options: dict[str, Any] | None = None


@router.post(
    "/second-factors",
    status_code=201,
    summary="Set up an authenticator app or a passkey; it is in force once it is confirmed",
    response_model_exclude_none=True,
    responses=responses(Problem.RATE_LIMITED),
)
async def begin_factor(
    *, body: NewFactor, services: Svc, person: Person, by: ForWhom, showing: ShowingCode, after: BackgroundTasks
) -> NewFactorView:
    """Good for an hour, and until another one is begun."""
    if body.kind is FactorKind.PASSKEY:
        _must_have_passkeys(services, person, field="kind")
    await must_fit(services, person, body.current, field="current", now=showing.now)
    id = uuid5(showing.request_id, "second factor")
    async with _by_factor(services, person, body, showing) as (session, account):
        known = await factor_being_set_up(session, account.id)
        if known is not None and known.id == id:  # begun by the same request, whose answer was lost
            secret = secret_of(known)
        else:
            if len(await factors_in_force(session, account.id)) >= MOST_FACTORS:
                raise wrong_fields([("kind", f"{MOST_FACTORS} are in force already; remove one first")])
            secret = new_secret() if body.kind is FactorKind.TOTP else None
            await set_up(session, account, body.kind, id=id, secret=secret, name=body.name, at=showing.now)
        address = await _address(session, account)
        await session.commit()
    if body.code is not None:
        after.add_task(have_delivered, services.engine)
    if body.kind is FactorKind.PASSKEY:
        options = await services.passkeys.ask_for_new(person.account, id, by, address=address, showing=showing)
        return NewFactorView(id=id, passkey_options=options)
    secret = secret or ""
    return NewFactorView(id=id, secret=secret, uri=uri_of(secret, account=address, issuer=_issuer(services)))


class ChallengeToChangeView(BaseModel):
    """``passkey_options`` is what ``PublicKeyCredential.parseRequestOptionsFromJSON()`` takes; good for five minutes,
    and once."""

    passkey_options: dict[str, Any]


@router.post(
    "/second-factors/challenges",
    status_code=201,
    summary="Ask for what one's own passkey is to sign, to be shown with a change of second factors",
    responses=responses(Problem.RATE_LIMITED),
)
async def ask_to_change(*, services: Svc, person: Person, by: ForWhom, showing: ShowingCode) -> ChallengeToChangeView:
    _must_have_passkeys(services, person)
    whom = Challenged.of(person.account, ChallengePurpose.CHANGE)
    async with services.sessions() as session:
        if not await passkeys_of(session, person.account.id):
            raise wrong_fields([("passkey", "there is none in force that could be shown")])
    return ChallengeToChangeView(passkey_options=await services.passkeys.ask(whom, by, showing=showing))


class Confirmed(Body):
    """``code``, that the new app shows; or ``credential``, as the browser answered to ``passkey_options``."""

    code: Annotated[Secret | None, Field(repr=False)] = None
    credential: Annotated[RegistrationResponseJSON | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.code is None) == (self.credential is None):
            raise ValueError("either code or credential is required")
        return self


class RecoveryCodes(BaseModel):
    """Shown once: each stands in for a code of the app, or for a passkey, once."""

    recovery_codes: list[str]


@router.post(
    "/second-factors/{enrolment_id}/confirmations",
    summary="Put it in force, by a code that the app shows or by the passkey that was made; answers recovery codes",
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
    """Every other sign-in of the account ends. With an app, so do recovery codes from before; a passkey brings some
    where none are left."""
    async with services.sessions() as session:
        waiting = await _waiting(session, person.account.id, enrolment_id, now=showing.now)
    if waiting.kind is FactorKind.TOTP and body.code is None:
        raise wrong_fields([("code", "is required: it is an authenticator app")])
    if waiting.kind is FactorKind.PASSKEY and body.credential is None:
        raise wrong_fields([("credential", "is required: it is a passkey")])
    tried = await admit_code(services.sessions, person.account.id, shown="a sign-in", now=showing.now)
    made: Registered | None = None
    if body.credential is not None:
        made = await services.passkeys.look_at_new(body.credential, person.account, enrolment_id, showing=showing)
    async with services.sessions() as session:
        account = await _locked(session, person)
        factor = await _waiting(session, account.id, enrolment_id, now=showing.now)
        if factor.kind is FactorKind.PASSKEY:
            _fill(factor, made)
        else:
            factor.last_step = shown_step(factor, normal_code(body.code or ""), showing=showing)
            if factor.last_step is None:
                raise wrong_fields([("code", "does not fit: look at the app again, and at its clock")])
        try:
            change = await put_in_force(session, account, factor, at=showing.now, but=person.token_hash)
        except IntegrityError as error:
            raise wrong_fields([("credential", _NO_CREDENTIAL)]) from error
        codes = await _codes_with(session, account, factor, showing)
        await mail_change(session, account, change, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    await restore_code(services.sessions, tried, now=showing.now)
    after.add_task(have_delivered, services.engine)
    return RecoveryCodes(recovery_codes=list(codes))


_NO_CREDENTIAL = "does not fit, or was asked too long ago: begin anew"


def _fill(factor: SecondFactor, made: Registered | None) -> None:
    """Raises Refused."""
    if made is None:
        raise wrong_fields([("credential", _NO_CREDENTIAL)])
    factor.secret, factor.credential_hash = made.kept.text(), made.kept.hash
    factor.sign_count, factor.backed_up = made.sign_count, made.backed_up


async def _codes_with(
    session: AsyncSession, account: Account, factor: SecondFactor, showing: Showing
) -> tuple[str, ...]:
    """What whoever has just set this up is given. Who adds a passkey keeps the codes that they have."""
    if factor.kind is FactorKind.PASSKEY and await recovery_codes_left(session, account.id):
        return ()
    return await _new_codes(session, account, showing)


class PasswordAndFactor(FactorShown):
    """``current``: the password. ``code`` or ``passkey``: of a factor in force; a recovery code will do."""

    current: Annotated[Password, Field(repr=False)]


@router.post(
    "/second-factors/recovery-codes",
    summary="Ten new recovery codes; those from before end",
    responses=responses(Problem.RATE_LIMITED),
)
async def make_recovery_codes(
    *, body: PasswordAndFactor, services: Svc, person: Person, showing: ShowingCode, after: BackgroundTasks
) -> RecoveryCodes:
    await must_fit(services, person, body.current, field="current", now=showing.now)
    async with _by_factor(services, person, body, showing) as (session, account):
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
    body: PasswordAndFactor,
    services: Svc,
    person: Person,
    showing: ShowingCode,
    after: BackgroundTasks,
) -> None:
    """Refused to people of the practice where it demands one and this is the last."""
    async with services.sessions() as session:
        await _removable(session, services, person.account, factor_id)
    await must_fit(services, person, body.current, field="current", now=showing.now)
    async with _by_factor(services, person, body, showing) as (session, account):
        factor = await _removable(session, services, account, factor_id)
        change = await remove(session, account, factor, by=_actor(account), at=showing.now)
        await mail_change(session, account, change, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


@asynccontextmanager
async def _by_factor(
    services: Services, person: SignedInAs, shown: FactorShown, showing: Showing
) -> AsyncIterator[tuple[AsyncSession, Account]]:
    """A transaction with the account locked, once a factor has been shown where there is one in force; the caller
    commits. Raises Refused."""
    tried = None
    if shown.shows_factor:
        tried = await admit_code(services.sessions, person.account.id, shown="a sign-in", now=showing.now)
    whom = Challenged.of(person.account, ChallengePurpose.CHANGE)
    proof = await services.passkeys.proof(shown, whom, showing=showing)
    async with services.sessions() as session:
        account = await _locked(session, person)
        if await factors_in_force(session, account.id):
            field = "passkey" if shown.passkey is not None else "code"
            if not proof.given:
                raise wrong_fields([(field, "is required, or a passkey: there is a second factor already")])
            if await use_proof(session, account, proof, showing=showing) is None:
                raise wrong_fields([(field, _NO_FIT)])
        yield session, account
    if tried is not None:
        await restore_code(services.sessions, tried, now=showing.now)


def _must_have_passkeys(services: Services, person: SignedInAs, *, field: str | None = None) -> None:
    """Raises Refused where browsers know none for the pages of this side."""
    try:
        services.passkeys.party(person.account.side)
    except NoPasskeysThere as error:
        if field is not None:
            raise wrong_fields([(field, f"passkeys are not to be had here. {error}")]) from error
        raise refuse(Problem.NOT_ALLOWED, str(error)) from error


async def _locked(session: AsyncSession, person: SignedInAs) -> Account:
    """The account, as long as it is as it was when its token was shown. Raises Refused."""
    account = await lock_account(session, person.account.id)
    if account is None or account.password_hash != person.account.password_hash:
        raise wrong_fields([("current", "was changed just now")])
    if account.client_id is not None:  # before any of its rows, as journeys do it
        await lock_client(session, account.client_id)
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
