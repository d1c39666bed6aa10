"""What the practice does about money: credit, refunds, waivers, debts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.access_log.declared import shows
from api.access_log.shown import shows_clients
from api.bodies import Body, Currency, Reason, Whole
from api.commands import ByPractice, Command
from api.deps import ByTime, Known, Practice, Services, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, responses
from api.routes.money.second_person import WAITS, AskedView, ask_alone_or_of_another, asked_of_another
from api.views.base import PracticeOnly, View
from api.views.lists import Listed, cut, listed
from api.views.money import PaymentView
from models.reads.accounts.persons import therapist_of_payment
from models.reads.money.ledger import payment_to_act_on
from models.reads.money.payments import credits_of, refunds_of
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Refund
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import ApprovalAct, CreditSource, RefundStatus, RefundTo
from rules.refusals import Problem
from workflows.messages import RETRY_PAYMENT

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)

Amount = Annotated[Whole, Field(ge=1, le=100_000_000, description="In minor units.")]

# ---------------------------------------------------------------- credit


class CreditBody(Body):
    amount: Amount
    currency: Currency
    reason: Reason


class CreditView(View):
    """``remaining`` is what is neither used nor reserved. Told to the practice alone: ``reason``, ``given_by`` and
    ``approved_by``, the second person where one was needed."""

    id: UUID
    amount: int
    remaining: int
    currency: str
    source: CreditSource
    given_at: datetime
    reason: PracticeOnly[str | None] = None
    given_by: PracticeOnly[str | None] = None
    approved_by: PracticeOnly[str | None] = None


@router.post(
    "/clients/{client_id}/credits",
    status_code=201,
    summary="Credit an amount to a client",
    response_model_exclude_unset=True,
    responses=WAITS | responses(Problem.NOT_FOUND, Problem.SECOND_PERSON_REQUIRED),
)
async def give_credit(
    *, client_id: UUID, body: CreditBody, command: ByPractice, response: Response
) -> CreditView | AskedView:
    """It pays first, oldest first, whatever falls due."""
    client = await command.must_see_client(client_id)
    act, therapist = ApprovalAct.CREDIT, client.therapist_id
    done = await ask_alone_or_of_another(command, act, body, therapist=therapist, client_id=client_id)
    if done.approval is not None:
        return await asked_of_another(command, done.approval, response)
    return CreditView.of(await command.row(Credit, command.id_of("credit")), caller=command.caller)


@router.get(
    "/clients/{client_id}/credits",
    summary="A client's credits, oldest first",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def list_credits(*, client_id: UUID, services: Svc, caller: Known, page: ByTime) -> Listed[CreditView]:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, last = cut(await credits_of(session, client_id, page), page)
    return listed([CreditView.of(row, caller=caller) for row in rows], (last.given_at, last.id) if last else None)


# ---------------------------------------------------------------- refunds


class RefundBody(Body):
    """All that can still be given back, unless ``amount`` says less. What the card did not pay becomes credit."""

    amount: Amount | None = None
    to: RefundTo
    reason: Reason


class RefundView(View):
    """``pending``: the card's part is on its way; the credit is there at once."""

    id: UUID
    payment_id: UUID
    amount: int
    card_amount: int
    credit_amount: int
    currency: str
    status: RefundStatus
    reason: str
    asked_by: str
    approved_by: str | None
    asked_at: datetime
    finished_at: datetime | None


class RefundedView(RefundView):
    payment: PaymentView


@router.post(
    "/payments/{payment_id}/refund",
    status_code=201,
    summary="Give back what a payment took",
    response_model_exclude_unset=True,
    responses=WAITS | responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_REFUNDABLE, Problem.SECOND_PERSON_REQUIRED),
)
async def refund_payment(
    *, payment_id: UUID, body: RefundBody, command: ByPractice, response: Response
) -> RefundedView | AskedView:
    payment = await _must_see_payment(command.services, command.caller, payment_id)
    refund_id = command.id_of("refund")
    done = await ask_alone_or_of_another(
        command,
        ApprovalAct.REFUND,
        body,
        therapist=therapist_of_payment(payment),
        client_id=payment.client_id,
        payment_id=payment_id,
        refund_id=refund_id,
    )
    if done.approval is not None:
        return await asked_of_another(command, done.approval, response)
    after = PaymentView.of(await command.row(Payment, payment_id), caller=command.caller)
    return RefundedView.of(await command.row(Refund, refund_id), payment=after)


@router.get(
    "/payments/{payment_id}/refunds",
    summary="What was given back of a payment",
    responses=responses(Problem.NOT_FOUND),
)
async def list_refunds(*, payment_id: UUID, services: Svc, caller: Practice, page: ByTime) -> Listed[RefundView]:
    await _must_see_payment(services, caller, payment_id)
    async with services.sessions() as session:
        rows, last = cut(await refunds_of(session, payment_id, page), page)
    return listed([RefundView.of(row) for row in rows], (last.asked_at, last.id) if last else None)


# ---------------------------------------------------------------- let go, and tried again


class LetGoBody(Body):
    reason: Reason


@router.post(
    "/payments/{payment_id}/waive",
    summary="Take nothing for it",
    response_model_exclude_unset=True,
    responses=WAITS | responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN, Problem.SECOND_PERSON_REQUIRED),
)
async def waive_payment(
    *, payment_id: UUID, body: LetGoBody, command: ByPractice, response: Response
) -> PaymentView | AskedView:
    return await _let_go(command, ApprovalAct.WAIVE, payment_id, body, response)


@router.post(
    "/payments/{payment_id}/write-off",
    summary="Give a debt up",
    response_model_exclude_unset=True,
    responses=WAITS | responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN, Problem.SECOND_PERSON_REQUIRED),
)
async def write_off_payment(
    *, payment_id: UUID, body: LetGoBody, command: ByPractice, response: Response
) -> PaymentView | AskedView:
    return await _let_go(command, ApprovalAct.WRITE_OFF, payment_id, body, response)


async def _let_go(
    command: Command, act: ApprovalAct, payment_id: UUID, body: LetGoBody, response: Response
) -> PaymentView | AskedView:
    payment = await _must_see_payment(command.services, command.caller, payment_id)
    done = await ask_alone_or_of_another(
        command,
        act,
        body,
        therapist=therapist_of_payment(payment),
        client_id=payment.client_id,
        payment_id=payment_id,
    )
    if done.approval is not None:
        return await asked_of_another(command, done.approval, response)
    return PaymentView.of(await command.row(Payment, payment_id), caller=command.caller)


@router.post(
    "/payments/{payment_id}/retry",
    summary="Try a payment that failed, or a debt, again now",
    status_code=202,
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN),
)
async def retry_payment(*, payment_id: UUID, command: ByPractice) -> PaymentView:
    """It is tried beside this answer; look at the payment for how that ended."""
    payment = await _must_see_payment(command.services, command.caller, payment_id)
    _ = await command.ask(RETRY_PAYMENT, client_id=payment.client_id, payment_id=payment_id)
    return PaymentView.of(await command.row(Payment, payment_id), caller=command.caller)


async def _must_see_payment(services: Services, caller: Caller, payment_id: UUID) -> Payment:
    """The payment, for one who may decide about it. Raises Refused: not found."""
    async with services.sessions() as session:
        payment = must_find("payment", await payment_to_act_on(session, caller, payment_id))
    shows_clients(payment.client_id)
    return payment
