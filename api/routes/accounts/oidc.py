"""Sign-in of staff by OpenID Connect: begun here, shown to the provider, and finished here by the same browser."""

from datetime import datetime
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel, Field

from api.access_log.declared import shows_no_client
from api.access_log.lines import record_failed_sign_in
from api.accounts.factors.challenges import Challenged
from api.accounts.factors.codes import must_show_factor, restore_code
from api.accounts.factors.credentials import FactorShown
from api.accounts.factors.showing import Showing
from api.accounts.oidc.browsers import bound_by, new_secret
from api.accounts.oidc.fetching import ProviderAway, provider_away
from api.accounts.oidc.provider import CodeRefused, Provider
from api.accounts.oidc.tokens import Subject, TokenRefused, subject_of_sign_in
from api.accounts.practice_mails import have_delivered, order_account_mail
from api.accounts.signing_in.counted_codes import count_factor
from api.accounts.signing_in.sessions import begin_session, known_device
from api.accounts.signing_in.sign_ins import admit_unknown, restore, spend
from api.accounts.tokens import hash_of, unauthenticated
from api.accounts.visitors import Visitor
from api.bodies import Body, Secret
from api.deps import Anyone, FromWhere, Services, ShowingCode, Svc
from api.edge.return_addresses import lies_below
from api.idempotency import AccountRoute
from api.problems import Refused, not_found, responses, wrong_fields
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.oidc import linked_account, unlinked_account
from models.tables.accounts.account import Account
from models.tables.accounts.oidc import OidcSignIn
from models.writes.accounts.locks import lock_account
from models.writes.accounts.oidc import begin_oidc, claim_oidc, end_oidc, link_oidc, name_oidc
from rules.accounts.budgets import BudgetKind, shared_budgets
from rules.accounts.limits import OIDC_SIGN_INS_OF_VISITOR, SIGN_INS_WITHIN
from rules.accounts.passkeys import ChallengePurpose
from rules.accounts.second_factors import CodeKind
from rules.mail.kinds import Mail
from rules.refusals import Problem

log = structlog.get_logger(__name__)

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)

_PAGE = "/sign-in/oidc"  # below the practice's own pages
_LONGEST_CODE = 4096  # of the provider's; some are long


class OidcBegun(Body):
    """``return_url``: where the provider sends the browser back to, below ``STAFF_URL`` and known to the provider."""

    return_url: Annotated[str | None, Field(max_length=500)] = None


class OidcUnderWay(BaseModel):
    """``url`` is where the browser goes; it comes back with ``code`` and ``state``. ``secret`` is kept by the browser
    that began it, and is shown with these two."""

    url: str
    state: str
    secret: str
    expires_at: datetime


class OidcShown(Body):
    """What the provider sent the browser back with, and the secret that this browser was given before."""

    code: Annotated[str, Field(min_length=1, max_length=_LONGEST_CODE, repr=False)]
    state: Annotated[Secret, Field(repr=False)]
    secret: Annotated[Secret, Field(repr=False)]


@router.post(
    "/sessions/oidc",
    status_code=201,
    summary="Begin a sign-in of staff at the provider (OpenID Connect)",
    responses=responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def begin_oidc_sign_in(
    *, services: Svc, _: Anyone, visitor: FromWhere, showing: ShowingCode, body: OidcBegun | None = None
) -> OidcUnderWay:
    """For ten minutes of the world's time, and for the browser that begins it alone."""
    provider = services.provider
    return_url = _return_url(provider, body.return_url if body is not None else None)
    if provider is None:
        raise not_found("provider of sign-ins: OIDC_ISSUER is not set. Sign in by password")
    kind = BudgetKind.OIDC_SIGN_INS_OF_VISITOR
    own = shared_budgets(kind, visitor.counted, most=OIDC_SIGN_INS_OF_VISITOR, within=SIGN_INS_WITHIN)
    await spend(services.sessions, *own, now=showing.now)
    secret = new_secret()
    bound = bound_by(secret)
    try:
        url = await provider.sign_in_url(
            redirect_uri=return_url,
            state=bound.state,
            nonce=bound.nonce,
            challenge=bound.challenge,
            now=showing.real,
        )
    except ProviderAway as away:
        raise provider_away() from away
    async with services.sessions() as session:
        row = await begin_oidc(session, hash_of(secret), return_url, real=showing.real)
        expires_at = row.expires_at
        await session.commit()
    return OidcUnderWay(url=url, state=bound.state, secret=secret, expires_at=expires_at)


def _return_url(provider: Provider | None, wanted: str | None) -> str:
    base = provider.settings.staff_url if provider is not None else ""
    if wanted is None:
        return f"{base}{_PAGE}"
    if not lies_below(wanted, base) or not wanted.startswith(f"{base}/"):
        raise wrong_fields([("return_url", "must lie below STAFF_URL")])
    return wanted


async def sign_in_at_provider(
    request: Request,
    services: Services,
    shown: OidcShown,
    visitor: Visitor,
    *,
    factor: FactorShown,
    device: str | None,
    showing: Showing,
    after: BackgroundTasks,
) -> SignedIn:
    """``factor``: the second one, where the account has one and the provider has shown none that is trusted. It is
    asked for by a refusal, and shown with the same body. Nothing is linked or accepted before it fits."""
    sessions, now, policy = services.sessions, showing.now, services.settings.policy
    admitted = await admit_unknown(sessions, visitor, policy=policy, now=now)
    try:
        subject, account = await _whose(services, shown, showing)
    except ProviderAway as away:
        await restore(sessions, admitted, now=now)
        raise provider_away() from away
    except _Failed as failed:
        log.info("A sign-in at the provider proves nothing", why=failed.why)
        await record_failed_sign_in(request, f"staff:{failed.address}")
        raise unauthenticated(_NO_FIT) from failed
    tried = None
    if not subject.factor_shown:
        by = f"subject {hash_of(subject.id)}"
        tried = await count_factor(
            sessions,
            services.engine,
            account,
            admitted,
            given=factor.shows_factor,
            failed=partial(record_failed_sign_in, request, f"staff:{account.email_folded}"),
            shown=by,
            showing=showing,
        )
    whom = Challenged.of(account, ChallengePurpose.BESIDE_PASSWORD)
    proof = await services.passkeys.proof(factor, whom, showing=showing)
    async with sessions() as session:
        locked = await lock_account(session, account)
        issuer = _issuer(services)
        linked = await link_oidc(session, locked, issuer=issuer, subject=subject.id, address=subject.address, at=now)
        if linked is None or locked.is_shut:
            await session.rollback()
            await record_failed_sign_in(request, f"staff:{subject.address or issuer}")
            raise unauthenticated(_NO_FIT)
        try:
            used = None if subject.factor_shown else await must_show_factor(session, locked, proof, showing=showing)
        except Refused as refused:
            address = account.email_folded
            await session.rollback()
            if proof.given:
                await record_failed_sign_in(request, f"staff:{address}")
            raise await services.passkeys.offered(refused, whom, visitor.counted, showing=showing) from refused
        if not await end_oidc(session, hash_of(shown.secret), real=showing.real):
            await session.rollback()
            await record_failed_sign_in(request, f"staff:{subject.address or issuer}")
            raise unauthenticated(_NO_FIT)
        known = await known_device(session, device, locked, now=now) if device else None
        new = await begin_session(
            session, locked, visitor, policy=policy, now=now, device=known, factor_at_provider=subject.factor_shown
        )
        if linked:
            await order_account_mail(session, Mail.SIGN_IN_LINKED, locked, reason=str(showing.request_id), at=now)
        await session.commit()
    if tried is not None:
        await restore_code(sessions, tried, now=now)
    if tried is not None or subject.factor_shown:
        await restore(sessions, admitted, now=now)
    if linked or used is CodeKind.RECOVERY_CODE:
        after.add_task(have_delivered, services.engine)
    return signed_in(new)


_NO_FIT = (
    "This sign-in at the provider opens nothing here. It works once, for ten minutes, in the browser that began it. It"
    " needs an account of the practice with the same address, which an admin invites, and which the provider has"
    " verified."
)


class _Failed(Exception):
    """``address`` is whose sign-in it would have been, as far as the provider says so."""

    def __init__(self, why: str, address: str) -> None:
        super().__init__(why)
        self.why, self.address = why, address


def _issuer(services: Services) -> str:
    return services.provider.settings.issuer if services.provider is not None else ""


async def _whose(services: Services, shown: OidcShown, showing: Showing) -> tuple[Subject, Account]:
    """Raises _Failed, ProviderAway."""
    provider, hash_ = services.provider, hash_of(shown.secret)
    if provider is None:
        raise _Failed("there is no provider", "")
    issuer, bound = provider.settings.issuer, bound_by(shown.secret)
    if shown.state != bound.state:
        raise _Failed("the state is another browser's", issuer)
    async with services.sessions() as session:
        row = await claim_oidc(session, hash_, real=showing.real)
        return_url = row.return_url if row is not None else ""
        await session.commit()
    if row is None:
        return await _named_before(services, hash_, issuer, showing)
    try:
        redeemed = await provider.redeem(shown.code, redirect_uri=return_url, verifier=bound.verifier, now=showing.real)
        subject = await subject_of_sign_in(provider, redeemed, nonce=bound.nonce, now=showing.real)
    except CodeRefused as refused:
        raise _Failed("the provider does not take the code", issuer) from refused
    except TokenRefused as refused:
        raise _Failed(f"the ID token: {refused}", issuer) from refused
    async with services.sessions() as session:
        found = await linked_account(session, issuer, subject.id)
        if found is None and subject.address is not None:
            found = await unlinked_account(session, issuer, subject.address, now=showing.now)
        account = await session.get(Account, found) if found is not None else None
        if account is None or account.is_shut:
            raise _Failed("nobody here is meant", subject.address or issuer)
        await name_oidc(session, hash_, account.id, subject=subject.id, address=subject.address)
        await session.commit()
    return subject, account


async def _named_before(services: Services, hash_: str, issuer: str, showing: Showing) -> tuple[Subject, Account]:
    """Whom the provider named in the call before, to which the code was missing."""
    async with services.sessions() as session:
        row = await session.get(OidcSignIn, hash_)
        if row is None or row.account_id is None or row.subject is None:
            raise _Failed("it is not known, was used, or is too old", issuer)
        if row.ended_at is not None or row.expires_at <= showing.real:
            raise _Failed("it was used, or is too old", issuer)
        account = await session.get_one(Account, row.account_id)
    return Subject(id=row.subject, address=row.address, factor_shown=False), account
