"""Second factors that are set up by whoever has signed in, and put in force once they are confirmed."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.factors.codes import admit_code, restore_code, shown_step
from api.accounts.factors.credentials import FactorShown, RegistrationResponseJSON
from api.accounts.factors.mails import mail_change
from api.accounts.factors.opening import secret_of
from api.accounts.factors.passkeys import Registered
from api.accounts.factors.showing import Showing
from api.accounts.factors.totp import new_secret, uri_of
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Password, Secret, as_line
from api.deps import ForWhom, Person, Services, ShowingCode, Svc
from api.idempotency import AccountRoute
from api.problems import not_found, responses, wrong_fields
from api.routes.accounts.factors.proving import RecoveryCodes, by_factor, must_have_passkeys, new_codes
from api.routes.accounts.passwords import locked, must_fit
from models.reads.accounts.second_factors import factor_being_set_up, factors_in_force, recovery_codes_left
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.tables.clients.client import Client
from models.writes.accounts.second_factors import put_in_force, set_up
from rules.accounts.second_factors import ENROLMENT_TTL, LONGEST_NAME, MOST_FACTORS, FactorKind, normal_code
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
async def add_second_factor(
    *, body: NewFactor, services: Svc, person: Person, by: ForWhom, showing: ShowingCode, after: BackgroundTasks
) -> NewFactorView:
    """Good for an hour, and until another one is begun."""
    if body.kind is FactorKind.PASSKEY:
        must_have_passkeys(services, person, field="kind")
    await must_fit(services, person, body.current, field="current", now=showing.now)
    id = uuid5(showing.request_id, "second factor")
    async with by_factor(services, person, body, showing) as (session, account):
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


class Confirmed(Body):
    """``code``, that the new app shows; or ``credential``, as the browser answered to ``passkey_options``."""

    code: Annotated[Secret | None, Field(repr=False)] = None
    credential: Annotated[RegistrationResponseJSON | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.code is None) == (self.credential is None):
            raise ValueError("either code or credential is required")
        return self


@router.post(
    "/second-factors/{enrolment_id}/confirmations",
    summary="Put it in force, by a code that the app shows or by the passkey that was made; answers recovery codes",
    responses=responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def confirm_second_factor(
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
        account = await locked(session, person)
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
    return await new_codes(session, account, showing)


async def _waiting(session: AsyncSession, account_id: UUID, factor_id: UUID, *, now: datetime) -> SecondFactor:
    factor = await factor_being_set_up(session, account_id)
    if factor is None or factor.id != factor_id or factor.made_at + ENROLMENT_TTL <= now:
        raise not_found("second factor that waits to be confirmed")
    return factor


async def _address(session: AsyncSession, account: Account) -> str:
    """By which its owner signs in: it tells the app's entries apart."""
    client = await session.get(Client, account.client_id) if account.client_id else None
    return (client.email if client is not None else account.email) or "account"


def _issuer(services: Services) -> str:
    return services.settings.letterhead.name
