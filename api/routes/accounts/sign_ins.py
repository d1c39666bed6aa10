"""Signing in, on either side of the house: by address and password, with a second factor where there is one, by a
passkey alone, or, for people of the practice, by what their provider says."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession
from webauthn.helpers import base64url_to_bytes

from api.access_log.declared import shows_no_client
from api.access_log.lines import record_failed_sign_in
from api.accounts.factors.challenges import Challenged
from api.accounts.factors.codes import must_show_factor, restore_code, use_shown
from api.accounts.factors.credentials import AuthenticationResponseJSON, FactorShown
from api.accounts.factors.showing import Proof, Showing
from api.accounts.practice_mails import have_delivered
from api.accounts.signing_in.counted_codes import count_factor
from api.accounts.signing_in.sessions import KnownDevice, NewSession, begin_session, known_device
from api.accounts.signing_in.sign_ins import admit, restore
from api.accounts.tokens import storable, unauthenticated
from api.accounts.visitors import Visitor
from api.bodies import Body, Password, Secret
from api.deps import Anyone, FromWhere, Now, Services, ShowingCode, Svc
from api.idempotency import AccountRoute
from api.problems import Refused, refuse, responses, wrong_fields
from api.routes.accounts.oidc import OidcShown, sign_in_at_provider
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import account_with_address, address_of, opening_address
from models.reads.accounts.second_factors import passkey_with
from models.tables.accounts.account import Account
from models.writes.accounts.locks import lock_account
from rules.accounts.caller import fold_email
from rules.accounts.passkeys import ChallengePurpose, NoPasskeysThere, credential_hash
from rules.accounts.second_factors import CodeKind
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)


class ChallengeAsked(Body):
    """``side``: as a client, or as somebody of the practice."""

    side: AccountSide = AccountSide.CLIENT


class ChallengeView(BaseModel):
    """``passkey_options`` is what ``PublicKeyCredential.parseRequestOptionsFromJSON()`` takes; good for five minutes,
    and once."""

    passkey_options: dict[str, Any]


@router.post(
    "/sessions/challenges",
    status_code=201,
    summary="Ask for what a passkey is to sign, to sign in by it alone",
    responses=responses(Problem.RATE_LIMITED),
)
async def ask_for_sign_in_challenge(
    *, body: ChallengeAsked, services: Svc, _: Anyone, visitor: FromWhere, showing: ShowingCode
) -> ChallengeView:
    """The same for everybody: nobody has said yet who they are."""
    whom = Challenged(purpose=ChallengePurpose.SIGN_IN, side=body.side)
    try:
        return ChallengeView(passkey_options=await services.passkeys.ask(whom, visitor.counted, showing=showing))
    except NoPasskeysThere as error:
        raise refuse(Problem.NOT_ALLOWED, str(error)) from error


class SignIn(FactorShown):
    """``side``: as a client, or as somebody of the practice. ``device``: as the last sign-in from there answered it.
    ``code`` or ``passkey``: the second factor, where the account has one; a recovery code will do. A ``passkey``
    without address and password signs in by itself (``POST /v1/sessions/challenges``). ``oidc``, in place of address
    and password, is for the practice alone (``POST /v1/sessions/oidc``)."""

    email: Annotated[str | None, Field(min_length=1, max_length=254)] = None
    password: Annotated[Password | None, Field(repr=False)] = None
    oidc: OidcShown | None = None
    side: AccountSide = AccountSide.CLIENT
    device: Annotated[Secret | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _one_way(self) -> "SignIn":
        if self.oidc is not None and (self.email is not None or self.password is not None):
            raise ValueError("either email and password are given, or oidc")
        if self.oidc is not None and "side" in self.model_fields_set and self.side is AccountSide.CLIENT:
            raise ValueError("oidc is for people of the practice")
        return self

    @property
    def missing(self) -> list[str]:
        """Of the fields of a sign-in by password; none where nothing of it is given, and another way is."""
        fields = [name for name in ("email", "password") if getattr(self, name) is None]
        return [] if len(fields) == 2 and (self.passkey is not None or self.oidc is not None) else fields


_NO_FIT = "This address and password do not fit."
_NO_PASSKEY = "This passkey does not fit, or was asked too long ago. Please try again."


@router.post(
    "/sessions",
    status_code=201,
    summary="Sign in",
    response_model_exclude_unset=True,
    responses=responses(Problem.RATE_LIMITED, Problem.SECOND_FACTOR_REQUIRED),
)
async def sign_in(
    *,
    request: Request,
    body: SignIn,
    services: Svc,
    _: Anyone,
    visitor: FromWhere,
    showing: ShowingCode,
    now: Now,
    after: BackgroundTasks,
) -> SignedIn:
    """Of a second factor nothing is told before the password is right, or the provider has said who it is. A passkey
    alone is two factors by itself."""
    if body.oidc is not None:
        return await sign_in_at_provider(
            request, services, body.oidc, visitor, factor=body, device=body.device, showing=showing, after=after
        )
    if body.missing:
        raise wrong_fields(
            [(field, "is required, where neither a passkey nor oidc stands alone") for field in body.missing]
        )
    if body.email is None or body.password is None:
        assert body.passkey is not None
        new = await _by_passkey(request, services, body.passkey, body=body, visitor=visitor, showing=showing)
        return signed_in(new)
    address = storable(fold_email(body.email))
    async with services.sessions() as session:
        account = await account_with_address(session, address, body.side)
        device = await known_device(session, body.device, account, now=now) if body.device else None
    policy = services.settings.policy
    where = f"{body.side}:{address}"
    admitted = await admit(services.sessions, where, visitor, device, policy=policy, now=now)
    stored = account.password_hash if account else None
    try:
        fits = await services.passwords.fits(body.password, stored, place=admitted.place)
    except Refused:  # too many wait already: nothing was looked at
        await restore(services.sessions, admitted, now=now)
        raise
    if not fits or account is None:
        raise await _failed(request, where)
    shown = f"device {device.row.hash}" if device is not None else f"password {account.password_hash}"
    tried = await count_factor(
        services.sessions,
        services.engine,
        account,
        admitted,
        given=body.shows_factor,
        failed=partial(record_failed_sign_in, request, where),
        shown=shown,
        showing=showing,
    )
    whom = Challenged.of(account, ChallengePurpose.BESIDE_PASSWORD)
    proof = await services.passkeys.proof(body, whom, showing=showing)
    try:
        new, used = await _with_factor(
            services, account, address, proof=proof, visitor=visitor, device=device, showing=showing
        )
    except Refused as refused:
        if proof.given or refused.refusal.name is not Problem.SECOND_FACTOR_REQUIRED:
            await record_failed_sign_in(request, where)
        raise await services.passkeys.offered(refused, whom, visitor.counted, showing=showing) from refused
    if tried is not None:
        await restore_code(services.sessions, tried, now=now)
        await restore(services.sessions, admitted, now=now)
    if used is CodeKind.RECOVERY_CODE:
        after.add_task(have_delivered, services.engine)
    return signed_in(new)


async def _with_factor(
    services: Services,
    account: Account,
    address: str,
    *,
    proof: Proof,
    visitor: Visitor,
    device: KnownDevice | None,
    showing: Showing,
) -> tuple[NewSession, CodeKind | None]:
    """The sign-in, and what was shown beside the password. Raises Refused."""
    policy = services.settings.policy
    async with services.sessions() as session:
        if not await _still_fits(session, account, address):
            raise unauthenticated(_NO_FIT)
        used = await must_show_factor(session, account, proof, showing=showing)
        new = await begin_session(session, account, visitor, policy=policy, now=showing.now, device=device)
        await session.commit()
    return new, used


async def _by_passkey(
    request: Request,
    services: Services,
    passkey: AuthenticationResponseJSON,
    *,
    body: SignIn,
    visitor: Visitor,
    showing: Showing,
) -> NewSession:
    """Counted by the passkey, as others are by the address: who fails with one does not keep the other from its owner.
    Written down by the address of whose passkey it is. Raises Refused."""
    sessions, policy, now = services.sessions, services.settings.policy, showing.now
    found_by = credential_hash(base64url_to_bytes(passkey.rawId))
    async with sessions() as session:
        found = await passkey_with(session, found_by)
        account = found[1] if found is not None and found[1].side is body.side else None
        address = await opening_address(session, account) if account is not None else None
        known_by = await address_of(session, account) if account is not None else None
        device = await known_device(session, body.device, account, now=now) if body.device else None
    counted = f"{body.side}:passkey {found_by}"
    where = f"{body.side}:{known_by}" if known_by else counted
    admitted = await admit(sessions, counted, visitor, device, policy=policy, now=now)
    whom = Challenged(purpose=ChallengePurpose.SIGN_IN, side=body.side)
    shown = await services.passkeys.look_at(passkey, whom, showing=showing)
    if shown is None or account is None or address is None:
        raise await _failed(request, where, _NO_PASSKEY)
    new = None
    async with sessions() as session:
        is_open = await _locked(session, account, address) is not None
        if is_open and await use_shown(session, account, shown, showing=showing):
            new = await begin_session(session, account, visitor, policy=policy, now=now, device=device)
            await session.commit()
    if new is None:  # and nothing is locked any more, while it is written down
        raise await _failed(request, where, _NO_PASSKEY)
    await restore(sessions, admitted, now=now)
    return new


async def _failed(request: Request, where: str, detail: str = _NO_FIT) -> Refused:
    """The refusal of a sign-in, once it is written down."""
    await record_failed_sign_in(request, where)
    return unauthenticated(detail)


async def _still_fits(session: AsyncSession, account: Account, address: str) -> bool:
    """Whether what was shown still opens the account, which is locked: while a password is looked at, it may be set
    anew, the address may change, and the account may end. Each ends every sign-in, and none may begin behind it."""
    found = await _locked(session, account, address)
    return found is not None and found.password_hash == account.password_hash


async def _locked(session: AsyncSession, account: Account, address: str) -> Account | None:
    """The account as it is now, locked; None where nobody signs in by it with this address any more."""
    await lock_account(session, account)
    found = await account_with_address(session, address, account.side)
    return found if found is not None and found.id == account.id else None
