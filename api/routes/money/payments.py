"""A client's payments and balance. Practice reads, and the client their own."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from api.access_log.declared import shows
from api.access_log.shown import shows_clients
from api.bodies import Body
from api.commands import ByKnown
from api.deps import ByTime, Known, Now, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, refuse, responses
from api.reading.versioned import MadeOf, versioned
from api.routes.money.ways_back import ReturnUrl, must_be_ours
from api.views.lists import Listed, cut, listed
from api.views.money import BalanceView, CurrencyBalance, PaymentView
from models.reads.clients.clients import visible_client
from models.reads.money.balance import credits_of_all, currency_of, payment_line
from models.reads.money.payments import all_payments_of, payments_of, visible_one
from models.tables.money.payment import Payment
from rules.accounts.accesses import AccessKind
from rules.archive.plan import money_of
from rules.refusals import Problem
from workflows.messages import PREPARE_CONFIRMATION

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)


@router.get(
    "/clients/{client_id}/payments",
    dependencies=[versioned(MadeOf.ONE)],
    summary="A client's payments, by due time",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def list_client_payments(*, client_id: UUID, services: Svc, caller: Known, page: ByTime) -> Listed[PaymentView]:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, last = cut(await payments_of(session, client_id, page), page)
    views = [PaymentView.of(row, caller=caller) for row in rows]
    return listed(views, (last.due_at, last.id) if last else None)


@router.get(
    "/clients/{client_id}/balance",
    summary="A client's credit, and what is owed",
    responses=responses(Problem.NOT_FOUND),
)
async def get_balance(*, client_id: UUID, services: Svc, caller: Known, now: Now) -> BalanceView:
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        payments = await all_payments_of(session, client_id)
        currency = await currency_of(session, client)
        credits = await credits_of_all(session, client_id)
    money = money_of(map(payment_line, payments), credits=credits, currency=currency, now=now)
    found = [CurrencyBalance.of(line) for line in money]
    [main] = [one for one in found if one.currency == currency]
    others = [one for one in found if one is not main]
    return BalanceView(**main.model_dump(), by_currency=others)


@router.get(
    "/payments/{payment_id}",
    dependencies=[versioned(MadeOf.ONE)],
    summary="One payment",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_payment(*, payment_id: UUID, services: Svc, caller: Known) -> PaymentView:
    async with services.sessions() as session:
        payment = must_find("payment", await visible_one(session, caller, payment_id))
    shows_clients(payment.client_id)
    return PaymentView.of(payment, caller=caller)


class ConfirmationBody(Body):
    """With ``return_url`` it is confirmed at once with the saved card, while the client waits. The bank's page, if any,
    leads back there with ``payment_intent``, ``payment_intent_client_secret`` and ``redirect_status``."""

    return_url: ReturnUrl | None = None


class ConfirmedView(BaseModel):
    """How it stands at Stripe: ``succeeded``, ``processing``, ``requires_action`` (the client is to go to
    ``redirect_url``), or ``requires_payment_method`` after the bank's no: another card is needed."""

    status: str
    redirect_url: str | None = None


class ConfirmationView(BaseModel):
    """What the client's browser confirms the payment with; ``status`` is Stripe's, of the PaymentIntent."""

    payment_intent: str
    client_secret: str
    status: str


@router.post(
    "/payments/{payment_id}/confirmation",
    summary="What the client needs to confirm, or pay, an open payment at Stripe; or pay it at once",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN),
)
async def confirm_payment(
    *, payment_id: UUID, command: ByKnown, body: ConfirmationBody | None = None
) -> ConfirmationView | ConfirmedView:
    async with command.services.sessions() as session:
        payment = await session.get(Payment, payment_id)
        client = await visible_client(session, command.caller, payment.client_id) if payment else None
    if payment is None or client is None:
        raise not_found("payment")
    shows_clients(client.id)
    back = must_be_ours(command.services.settings, body.return_url if body else None)
    done = await command.ask(PREPARE_CONFIRMATION, client_id=client.id, payment_id=payment_id, return_url=back)
    if done.document is None:
        raise refuse(Problem.PAYMENT_NOT_OPEN, "This payment does not wait for the client.")
    return ConfirmationView(**done.document) if back is None else ConfirmedView(**done.document)
