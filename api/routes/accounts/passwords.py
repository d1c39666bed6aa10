"""Passwords: forgotten, and set anew by a mailed link; or changed by whoever has signed in."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Path, Request, Response
from pydantic import BaseModel, Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.access_log.lines import record_failed_sign_in
from api.accounts.factors.challenges import Challenged
from api.accounts.factors.codes import admit_code, factor_required, must_show_factor, restore_code
from api.accounts.factors.credentials import FactorShown
from api.accounts.factors.showing import NOTHING, Proof, Showing
from api.accounts.practice_mails import have_delivered, order_account_mail
from api.accounts.signing_in.links import is_spent, link_invalid, live_account_link
from api.accounts.signing_in.passwords import Waiter
from api.accounts.signing_in.sessions import NewSession, begin_session
from api.accounts.signing_in.sign_ins import admit_current, restore
from api.accounts.tokens import hash_of, storable, unauthenticated
from api.accounts.visitors import Visitor
from api.bodies import Body, Password, Secret
from api.deps import Anyone, FromWhere, Now, RequestId, Services, ShowingCode, SignedInAs, Svc, asker_of, must_reach
from api.idempotency import AccountRoute
from api.problems import Refused, refuse, responses, wrong_fields
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import Asked, address_of, whose_address
from models.reads.accounts.second_factors import codes_possible
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.budgets import forget_old_uses, use
from models.writes.accounts.locks import lock_account
from models.writes.accounts.passwords import set_password
from models.writes.outbox import order_practice_mail
from rules.accounts.budgets import BudgetKind, budget, shared_budgets
from rules.accounts.caller import fold_email
from rules.accounts.limits import RESETS_OF_VISITOR, RESETS_WITHIN
from rules.accounts.passkeys import ChallengePurpose
from rules.accounts.passwords import known_around
from rules.accounts.sides import AccountSide
from rules.mail.kinds import Mail
from rules.mail.orders import MailOrder, account_mail_order, mail_order
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)


class ResetAsked(Body):
    """``side``: of a client's account, or of somebody's of the practice."""

    email: Annotated[str, Field(min_length=1, max_length=254)]
    side: AccountSide = AccountSide.CLIENT


class ResetTaken(BaseModel):
    detail: str = "If there is an account with this address, a mail is on its way to it."


@router.post(
    "/password-resets",
    status_code=202,
    summary="Ask for a link by which to set a new password",
    responses=responses(Problem.RATE_LIMITED),
)
async def request_password_reset(
    *,
    body: ResetAsked,
    services: Svc,
    _: Anyone,
    visitor: FromWhere,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> ResetTaken:
    """The answer is the same, and the work for it is, whether anybody has this address or not. An account that is not
    active yet is mailed its activation link again. What is asked for too often is mailed no more: what came is still
    good. A visitor who asks for ever more addresses is answered, and nothing is done."""
    kind = BudgetKind.RESETS_OF_VISITOR
    own = shared_budgets(kind, visitor.counted, most=RESETS_OF_VISITOR, within=RESETS_WITHIN)
    async with services.sessions() as session:
        used_up = await use(session, *own, at=now)
        await session.commit()
    if used_up is not None:
        return ResetTaken()
    address = storable(fold_email(body.email))
    most = services.settings.policy.resets_per_address
    resets = budget(BudgetKind.RESETS_OF_ADDRESS, f"{body.side}:{address}", most=most, within=RESETS_WITHIN)
    async with services.sessions() as session:
        asked = await whose_address(session, address, body.side)
        spent_until = await use(session, resets, at=now)
        order = _order(asked, request_id)
        wanted = spent_until is None and bool(order.account_id or order.client_id)
        await order_practice_mail(session, order, at=now, wanted=wanted)
        await forget_old_uses(session, at=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return ResetTaken()


def _order(asked: Asked, request_id: UUID) -> MailOrder:
    """What whoever was found is mailed. Nobody is mailed what names nobody."""
    key = f"{Mail.PASSWORD_RESET}:{request_id}"
    if asked.account is not None and asked.account.activated_at is not None:
        account, client_id = asked.account, asked.account.client_id
        named = str(client_id) if client_id else None
        return account_mail_order(Mail.PASSWORD_RESET, key=key, account_id=str(account.id), client_id=named)
    if asked.account is not None and asked.account.side is AccountSide.STAFF:
        return account_mail_order(
            Mail.INVITATION, key=f"{Mail.INVITATION}:{request_id}", account_id=str(asked.account.id), client_id=None
        )
    if asked.client_id is not None:
        return mail_order(
            Mail.WELCOME, key=f"{Mail.WELCOME}:{request_id}", client_id=str(asked.client_id), asked_for=True
        )
    return mail_order(Mail.PASSWORD_RESET, key=key, client_id="")


class LinkView(BaseModel):
    """``side``: which rules a new password has to keep."""

    expires_at: datetime
    side: AccountSide


@router.get(
    "/password-resets/{token}",
    summary="Whether a link by which to set a new password is still good",
    responses=responses(Problem.LINK_INVALID, Problem.NOT_FOUND),
)
async def get_password_reset(
    *, token: Annotated[str, Path(max_length=200)], services: Svc, _: Anyone, now: Now
) -> LinkView:
    async with services.sessions() as session:
        known = await live_account_link(session, token, TokenKind.RESET, now=now)
    assert known.account is not None
    return LinkView(expires_at=known.token.expires_at, side=known.account.side)


class NewPassword(FactorShown):
    """``token`` of a mailed link, or ``current``: the password that is to be changed by whoever has signed in. ``code``
    or ``passkey`` goes with a link, where the account has a second factor."""

    token: Annotated[Secret | None, Field(repr=False)] = None
    current: Annotated[Password | None, Field(repr=False)] = None
    password: Annotated[Password, Field(repr=False)]

    @model_validator(mode="after")
    def _one_of_both(self) -> "NewPassword":
        if (self.token is None) == (self.current is None):
            raise ValueError("either token or current is required")
        return self


@router.post(
    "/passwords",
    summary="Set a new password; by a mailed link: answers a sign-in",
    response_model=SignedIn,
    response_model_exclude_unset=True,
    responses={
        204: {"description": "It is changed, and every other sign-in has ended", "model": None},
        **responses(Problem.LINK_INVALID, Problem.RATE_LIMITED, Problem.SECOND_FACTOR_REQUIRED),
    },
)
async def choose_password(
    *,
    body: NewPassword,
    request: Request,
    services: Svc,
    _: Anyone,
    visitor: FromWhere,
    showing: ShowingCode,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> SignedIn | Response:
    """By a link, and with a second factor: without its code nothing is set, and the link stays good."""
    after.add_task(have_delivered, services.engine)
    if body.token is not None:
        return await _by_link(request, services, body.token, body, visitor, showing=showing, now=now)
    asker = await asker_of(request)
    if asker is None:
        raise unauthenticated()
    if asker.account is None or asker.token_hash is None:
        raise refuse(Problem.NOT_ALLOWED, "Only people who have signed in have a password.")
    await must_reach(request)
    person = SignedInAs(account=asker.account, token_hash=asker.token_hash)
    await _by_current(services, person, body, request_id=request_id, now=now)
    return Response(status_code=204)


async def _by_link(
    request: Request,
    services: Services,
    token: str,
    body: NewPassword,
    visitor: Visitor,
    *,
    showing: Showing,
    now: datetime,
) -> SignedIn:
    """One use: whoever comes second at the same time finds it used. Every sign-in ends, and the others of its kind."""
    async with services.sessions() as session:
        known = await live_account_link(session, token, TokenKind.RESET, now=now)
        assert known.account is not None
        account = known.account
        address = await address_of(session, account)
        where = f"{account.side}:{address}"
        possible = await codes_possible(session, account.id) if known.has_factor else ()
    whom = Challenged.of(account, ChallengePurpose.BESIDE_LINK)
    if possible and not body.shows_factor:
        missing = factor_required(possible, NOTHING)
        raise await services.passkeys.offered(missing, whom, visitor.counted, showing=showing)
    password_hash = await services.passwords.hash(
        body.password,
        side=account.side,
        place=Waiter(who=visitor.mark),
        around=known_around(address, services.settings.letterhead.name),
    )
    tried = None
    try:
        if body.shows_factor:
            tried = await admit_code(services.sessions, account.id, shown="a mailed link", now=now)
        proof = await services.passkeys.proof(body, whom, showing=showing)
        new = await _set(
            services,
            token,
            account,
            password_hash=password_hash,
            proof=proof,
            visitor=visitor,
            showing=showing,
        )
    except Refused as refused:
        if body.shows_factor and refused.refusal.name is not Problem.LINK_INVALID:
            await record_failed_sign_in(request, where)
        raise await services.passkeys.offered(refused, whom, visitor.counted, showing=showing) from refused
    if tried is not None:
        await restore_code(services.sessions, tried, now=now)
    return signed_in(new)


async def _set(
    services: Services,
    token: str,
    asked: Account,
    *,
    password_hash: str,
    proof: Proof,
    visitor: Visitor,
    showing: Showing,
) -> NewSession:
    """Raises Refused."""
    policy, now = services.settings.policy, showing.now
    async with services.sessions() as session:
        account = await lock_account(session, asked)
        link = await session.get_one(Token, hash_of(storable(token)))
        if account.is_shut or is_spent(link, now=now):
            raise link_invalid()
        await must_show_factor(session, account, proof, showing=showing)
        await set_password(session, account, password_hash, at=now)
        link.used_at = now
        session.add(link)
        new = await begin_session(session, account, visitor, policy=policy, now=now)
        await order_account_mail(session, Mail.PASSWORD_CHANGED, account, reason=str(showing.request_id), at=now)
        await session.commit()
    return new


async def _by_current(
    services: Services, person: SignedInAs, body: NewPassword, *, request_id: UUID, now: datetime
) -> None:
    place = await must_fit(services, person, body.current or "", field="current", now=now)
    async with services.sessions() as session:
        around = known_around(await address_of(session, person.account), services.settings.letterhead.name)
    password_hash = await services.passwords.hash(body.password, side=person.account.side, place=place, around=around)
    async with services.sessions() as session:
        account = await locked(session, person)
        await set_password(session, account, password_hash, at=now, but=person.token_hash)
        await order_account_mail(session, Mail.PASSWORD_CHANGED, account, reason=str(request_id), at=now)
        await session.commit()


async def locked(session: AsyncSession, person: SignedInAs) -> Account:
    """The account, with its row locked, as long as it is as it was when its token was shown: nothing of it changes
    behind somebody who has locked it against whoever holds it. Raises Refused."""
    account = await lock_account(session, person.account)
    if account.is_shut:
        raise unauthenticated("This token is not valid, or not valid any more.")
    if account.password_hash != person.account.password_hash:
        raise wrong_fields([("current", "was changed just now")])
    return account


async def must_fit(services: Services, person: SignedInAs, password: str, *, field: str, now: datetime) -> Waiter:
    """Raises Refused where the password is not theirs. The place is for what follows."""
    admitted = await admit_current(services.sessions, str(person.account.id), now=now)
    if not await services.passwords.fits(password, person.account.password_hash, place=admitted.place):
        raise wrong_fields([(field, "is not your password")])
    await restore(services.sessions, admitted, now=now)
    return admitted.place
