"""Sign-ins: by address and password, on either side of the house."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.accounts.sessions import begin_session, known_device
from api.accounts.sign_ins import admit, restore
from api.accounts.tokens import hash_of, read_bearer, storable, unauthenticated
from api.bodies import Body, Password, Secret
from api.deps import Anyone, FromWhere, Known, Now, Svc
from api.idempotency import IdempotentRoute
from api.problems import Refused, refuse, responses
from api.views.accounts import SignedIn, signed_in
from models.reads.accounts.accounts import account_with_address
from models.writes.accounts.tokens import revoke_token
from rules.accounts.caller import fold_email
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)


class SignIn(Body):
    """``side``: as a client, or as somebody of the practice. ``device``: as the last sign-in from there answered it."""

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[Password, Field(repr=False)]
    side: AccountSide = AccountSide.CLIENT
    device: Annotated[Secret | None, Field(repr=False)] = None


@router.post(
    "/sessions",
    status_code=201,
    summary="Sign in",
    response_model_exclude_unset=True,
    responses=responses(Problem.RATE_LIMITED),
)
async def sign_in(*, body: SignIn, services: Svc, _: Anyone, visitor: FromWhere, now: Now) -> SignedIn:
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
        raise unauthenticated("This address and password do not fit.")
    await restore(services.sessions, admitted, now=now)
    async with services.sessions() as session:
        new = await begin_session(session, account, visitor, policy=policy, now=now, device=device)
        await session.commit()
    return signed_in(new)


@router.delete("/sessions/current", status_code=204, summary="Sign out", responses=responses())
async def sign_out(*, request: Request, services: Svc, _: Known, now: Now) -> None:
    token = read_bearer(request.headers.get("authorization")) or ""
    async with services.sessions() as session:
        ended = await revoke_token(session, hash_of(token), at=now)
        await session.commit()
    if not ended:
        raise refuse(Problem.NOT_ALLOWED, "A service key cannot be signed out.")
