"""Second factors of whoever has signed in: listed, and removed; and the codes that stand in for them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.factors.challenges import Challenged
from api.accounts.factors.credentials import FactorShown
from api.accounts.factors.mails import mail_change
from api.accounts.factors.opening import name_of
from api.accounts.factors.passkeys import KeptPasskey
from api.accounts.practice_mails import have_delivered
from api.bodies import Password
from api.deps import ForWhom, Person, Services, ShowingCode, SignedInAs, Svc
from api.idempotency import AccountRoute
from api.problems import must_find, refuse, responses, wrong_fields
from api.routes.accounts.factors.proving import RecoveryCodes, by_factor, must_have_passkeys, new_codes
from api.routes.accounts.passwords import must_fit
from models.reads.accounts.second_factors import factors_in_force, passkeys_of, recovery_codes_left
from models.tables.accounts.account import Account
from models.tables.accounts.second_factor import SecondFactor
from models.writes.accounts.second_factors import remove, tell_client
from rules.accounts.passkeys import ChallengePurpose, default_name
from rules.accounts.second_factors import FactorChange, FactorKind, may_be_removed
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("one's own account")],
)


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
async def list_second_factors(*, services: Svc, person: Person) -> FactorList:
    async with services.sessions() as session:
        items = [_view(factor) for factor in await factors_in_force(session, person.account.id)]
        left = await recovery_codes_left(session, person.account.id)
    return FactorList(items=items, recovery_codes=left, required=_is_demanded(services, person))


def _view(factor: SecondFactor) -> FactorView:
    name = name_of(factor)
    if name is None and factor.kind is FactorKind.PASSKEY:
        kept = KeptPasskey.of(factor)
        name = default_name(kept.transports, synced=kept.eligible) if kept is not None else None
    return FactorView(
        id=factor.id,
        kind=factor.kind,
        name=name,
        since=factor.confirmed_at or factor.made_at,
        last_used_at=factor.last_used_at,
        backed_up=factor.backed_up,
    )


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
async def ask_for_second_factor_challenge(
    *, services: Svc, person: Person, by: ForWhom, showing: ShowingCode
) -> ChallengeToChangeView:
    must_have_passkeys(services, person)
    whom = Challenged.of(person.account, ChallengePurpose.CHANGE)
    async with services.sessions() as session:
        if not await passkeys_of(session, person.account.id):
            raise wrong_fields([("passkey", "there is none in force that could be shown")])
    return ChallengeToChangeView(passkey_options=await services.passkeys.ask(whom, by, showing=showing))


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
    async with by_factor(services, person, body, showing) as (session, account):
        if not await factors_in_force(session, account.id):
            raise refuse(Problem.NOT_ALLOWED, "There is no second factor that recovery codes could stand in for.")
        await tell_client(session, account, FactorChange.CODES_MADE, at=showing.now)
        codes = await new_codes(session, account, showing)
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
async def remove_second_factor(
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
    async with by_factor(services, person, body, showing) as (session, account):
        factor = await _removable(session, services, account, factor_id)
        change = await remove(session, account, factor, by=_actor(account), at=showing.now)
        await mail_change(session, account, change, reason=str(showing.request_id), at=showing.now)
        await session.commit()
    after.add_task(have_delivered, services.engine)


async def _removable(session: AsyncSession, services: Services, account: Account, factor_id: UUID) -> SecondFactor:
    """Raises Refused."""
    factors = await factors_in_force(session, account.id)
    factor = must_find("second factor", next((row for row in factors if row.id == factor_id), None))
    demanded = services.settings.staff_second_factor
    if not may_be_removed(account.side, demanded=demanded, remaining=len(factors) - 1):
        raise refuse(Problem.NOT_ALLOWED, "The practice demands a second factor: set up another one first.")
    return factor


def _is_demanded(services: Services, person: SignedInAs) -> bool:
    return services.settings.staff_second_factor and person.account.side is AccountSide.STAFF


def _actor(account: Account) -> str:
    return f"client:{account.client_id}" if account.client_id else f"account:{account.handle}"
