"""A new address to sign in by: asked for with the password, confirmed by a link that is mailed there."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.accounts.practice_mails import have_delivered
from api.accounts.signing_in.links import is_spent, link_invalid, live_account_link
from api.accounts.signing_in.sign_ins import spend
from api.bodies import Body, Email, Password, Secret
from api.commands import command_by_link
from api.deps import Anyone, Now, Person, RequestId, Services, Svc
from api.idempotency import AccountRoute
from api.problems import responses, wrong_fields
from api.routes.accounts.passwords import locked, must_fit
from models.reads.accounts.email_changes import open_change
from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import TokenKind
from models.tables.clients.client import Client
from models.writes.accounts.email_changes import apply_change, begin_change
from models.writes.accounts.locks import lock_account
from rules.accounts.budgets import BudgetKind, budget
from rules.accounts.caller import fold_email
from rules.accounts.limits import RESETS_WITHIN
from rules.refusals import Problem
from workflows.messages import CHANGE_DETAILS

router = APIRouter(
    prefix="/v1",
    tags=["accounts"],
    route_class=AccountRoute,
    dependencies=[shows_no_client("of the account of whoever asks")],
)


class NewAddress(Body):
    """``current``: the password."""

    email: Email
    current: Annotated[Password, Field(repr=False)]


class AddressView(BaseModel):
    email: str


@router.post(
    "/email-changes",
    status_code=202,
    summary="Ask for another address to sign in by: a link is mailed there",
    responses=responses(Problem.RATE_LIMITED),
)
async def request_email_change(
    *, body: NewAddress, services: Svc, person: Person, request_id: RequestId, now: Now, after: BackgroundTasks
) -> AddressView:
    """The answer is the same whether somebody has the new address: whoever reads its mail learns what comes of it."""
    await must_fit(services, person, body.current, field="current", now=now)
    change_id = uuid5(request_id, "email")
    async with services.sessions() as session:
        if await session.get(EmailChange, change_id) is not None:  # begun by the same request, whose answer was lost
            return AddressView(email=body.email)
        client = await session.get(Client, person.account.client_id) if person.account.client_id else None
        if body.email == (client.email if client is not None else person.account.email):
            raise wrong_fields([("email", "is your address already")])
    most = services.settings.policy.resets_per_address
    asks = budget(BudgetKind.ADDRESSES_OF_ACCOUNT, str(person.account.id), most=most, within=RESETS_WITHIN)
    await spend(services.sessions, asks, now=now)
    async with services.sessions() as session:
        account = await locked(session, person)
        await begin_change(session, account, id=change_id, email=body.email, at=now)
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return AddressView(email=body.email)


class Confirmation(Body):
    token: Annotated[Secret, Field(repr=False)]


@router.post(
    "/email-changes/confirmations",
    summary="Confirm a new address with the mailed link's token",
    responses=responses(Problem.LINK_INVALID),
)
async def confirm_email_change(
    *, body: Confirmation, services: Svc, _: Anyone, request_id: RequestId, now: Now, after: BackgroundTasks
) -> AddressView:
    """One use. The former address is told; whoever is signed in stays so."""
    async with services.sessions() as session:
        account, change = await _confirmed(session, body.token, now=now)
        email, client_id = change.email, account.client_id
        change.confirmed_at = now
        session.add(change)
        try:
            if client_id is None:
                former, account.email, account.email_folded = account.email, email, fold_email(email)
                session.add(account)
                await apply_change(session, account, change, former=former, at=now)
            await session.commit()
        except IntegrityError:
            raise link_invalid() from None
    if client_id is not None:  # the client's record is the journey's
        await _change_record(services, client_id, email, request_id=request_id)
    after.add_task(have_delivered, services.engine)
    return AddressView(email=email)


async def _confirmed(session: AsyncSession, token: str, *, now: datetime) -> tuple[Account, EmailChange]:
    """The account, locked, and the change that this link was mailed for. Both may have ended while this waited, or the
    change may have been replaced: each is looked at again. Raises Refused."""
    known = await live_account_link(session, token, TokenKind.EMAIL, now=now)
    account = await lock_account(session, known.account) if known.account else None
    await session.refresh(known.token)
    if account is None or account.is_shut or is_spent(known.token, now=now):
        raise link_invalid()
    change = await open_change(session, account.id, known.token.email_change_id)
    if change is None:
        raise link_invalid()
    return account, change


async def _change_record(services: Services, client_id: UUID, email: str, *, request_id: UUID) -> None:
    command = command_by_link(services, client_id, request_id=request_id)
    await command.ask(CHANGE_DETAILS, client_id=client_id, details={"email": email})
