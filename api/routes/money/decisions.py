"""What the practice does about money: credit, refunds, waivers, debts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter
from pydantic import BaseModel, Field

from activities.types.clients import Done
from activities.types.money import GrantOrder, LetGoOrder, RefundOrder, RetryOrder
from api.bodies import Body, Reason, Whole
from api.commands import journey_done
from api.deps import ByTime, Known, Practice, RequestId, Services, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses
from api.views.lists import Listed, cut, listed
from api.views.money import PaymentView, payment_view
from models.reads.money.ledger import payment_to_act_on
from models.reads.money.payments import credits_of, refunds_of
from models.tables.money.credit import Credit
from models.tables.money.payment import Payment
from models.tables.money.refund import Refund
from rules.accounts.caller import Caller
from rules.enums import CreditSource, RefundStatus, RefundTo
from rules.refusals import Problem
from workflows.messages import GRANT_CREDIT, REFUND, RETRY_PAYMENT, WAIVE_PAYMENT, WRITE_OFF_PAYMENT, Update

router = APIRouter(prefix="/v1", tags=["payments"], route_class=IdempotentRoute)

Amount = Annotated[Whole, Field(ge=1, le=100_000_000, description="In minor units.")]

# ---------------------------------------------------------------- credit


class CreditBody(Body):
    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    reason: Reason


class CreditView(BaseModel):
    """``remaining`` is what is neither used nor reserved. Told to the practice alone: ``reason`` and ``given_by``."""

    id: UUID
    amount: int
    remaining: int
    currency: str
    source: CreditSource
    given_at: datetime
    reason: str | None = None
    given_by: str | None = None


@router.post(
    "/clients/{client_id}/credits",
    status_code=201,
    summary="Credit an amount to a client",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def grant(
    *, client_id: UUID, body: CreditBody, services: Svc, caller: Practice, request_id: RequestId
) -> CreditView:
    """It pays first, oldest first, whatever falls due."""
    await must_see_client(services, caller, client_id)
    order = GrantOrder(
        request_id=str(request_id),
        client_id=str(client_id),
        by=caller,
        amount=body.amount,
        currency=body.currency,
        reason=body.reason,
    )
    _ = await journey_done(services, GRANT_CREDIT, order, client_id=client_id, request_id=request_id)
    async with services.sessions() as session:
        return _credit_view(await session.get_one(Credit, uuid5(request_id, "credit")), caller)


@router.get(
    "/clients/{client_id}/credits",
    summary="A client's credits, oldest first",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def credits(*, client_id: UUID, services: Svc, caller: Known, page: ByTime) -> Listed[CreditView]:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, last = cut(await credits_of(session, client_id, page), page)
    return listed([_credit_view(row, caller) for row in rows], (last.given_at, last.id) if last else None)


def _credit_view(credit: Credit, caller: Caller) -> CreditView:
    more = {"reason": credit.reason, "given_by": credit.given_by} if caller.is_practice else {}
    return CreditView(
        id=credit.id,
        amount=credit.amount,
        remaining=credit.remaining,
        currency=credit.currency,
        source=credit.source,
        given_at=credit.given_at,
        **more,
    )


# ---------------------------------------------------------------- refunds


class RefundBody(Body):
    """All that can still be given back, unless ``amount`` says less. What the card did not pay becomes credit."""

    amount: Amount | None = None
    to: RefundTo
    reason: Reason


class RefundView(BaseModel):
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
    asked_at: datetime
    finished_at: datetime | None


class RefundedView(RefundView):
    payment: PaymentView


@router.post(
    "/payments/{payment_id}/refund",
    status_code=201,
    summary="Give back what a payment took",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_REFUNDABLE),
)
async def refund(
    *, payment_id: UUID, body: RefundBody, services: Svc, caller: Practice, request_id: RequestId
) -> RefundedView:
    payment = await _must_see_payment(services, caller, payment_id)
    refund_id = uuid5(request_id, "refund")
    order = RefundOrder(
        request_id=str(request_id),
        client_id=str(payment.client_id),
        by=caller,
        refund_id=str(refund_id),
        payment_id=str(payment_id),
        to=body.to,
        reason=body.reason,
        amount=body.amount,
    )
    _ = await journey_done(services, REFUND, order, client_id=payment.client_id, request_id=request_id)
    async with services.sessions() as session:
        made = await session.get_one(Refund, refund_id)
        after = await session.get_one(Payment, payment_id)
    return RefundedView(**_refund_view(made).model_dump(), payment=payment_view(after, caller=caller))


@router.get(
    "/payments/{payment_id}/refunds",
    summary="What was given back of a payment",
    responses=responses(Problem.NOT_FOUND),
)
async def refunds(*, payment_id: UUID, services: Svc, caller: Practice, page: ByTime) -> Listed[RefundView]:
    await _must_see_payment(services, caller, payment_id)
    async with services.sessions() as session:
        rows, last = cut(await refunds_of(session, payment_id, page), page)
    return listed([_refund_view(row) for row in rows], (last.asked_at, last.id) if last else None)


def _refund_view(row: Refund) -> RefundView:
    return RefundView(
        id=row.id,
        payment_id=row.payment_id,
        amount=row.amount,
        card_amount=row.card_amount,
        credit_amount=row.credit_amount,
        currency=row.currency,
        status=row.status,
        reason=row.reason,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        finished_at=row.finished_at,
    )


# ---------------------------------------------------------------- let go, and tried again


class LetGoBody(Body):
    reason: Reason


@router.post(
    "/payments/{payment_id}/waive",
    summary="Take nothing for it",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN),
)
async def waive(
    *, payment_id: UUID, body: LetGoBody, services: Svc, caller: Practice, request_id: RequestId
) -> PaymentView:
    return await _let_go(services, caller, WAIVE_PAYMENT, payment_id, body.reason, request_id=request_id)


@router.post(
    "/payments/{payment_id}/write-off",
    summary="Give a debt up",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN),
)
async def write_off(
    *, payment_id: UUID, body: LetGoBody, services: Svc, caller: Practice, request_id: RequestId
) -> PaymentView:
    return await _let_go(services, caller, WRITE_OFF_PAYMENT, payment_id, body.reason, request_id=request_id)


async def _let_go(
    services: Services,
    caller: Caller,
    update: Update[LetGoOrder, Done],
    payment_id: UUID,
    reason: str,
    *,
    request_id: UUID,
) -> PaymentView:
    payment = await _must_see_payment(services, caller, payment_id)
    order = LetGoOrder(
        request_id=str(request_id),
        client_id=str(payment.client_id),
        by=caller,
        payment_id=str(payment_id),
        reason=reason,
    )
    _ = await journey_done(services, update, order, client_id=payment.client_id, request_id=request_id)
    return payment_view(await _must_see_payment(services, caller, payment_id), caller=caller)


@router.post(
    "/payments/{payment_id}/retry",
    summary="Try a payment that failed, or a debt, again now",
    status_code=202,
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.PAYMENT_NOT_OPEN),
)
async def retry(*, payment_id: UUID, services: Svc, caller: Practice, request_id: RequestId) -> PaymentView:
    """It is tried beside this answer; look at the payment for how that ended."""
    payment = await _must_see_payment(services, caller, payment_id)
    order = RetryOrder(
        request_id=str(request_id), client_id=str(payment.client_id), by=caller, payment_id=str(payment_id)
    )
    _ = await journey_done(services, RETRY_PAYMENT, order, client_id=payment.client_id, request_id=request_id)
    return payment_view(await _must_see_payment(services, caller, payment_id), caller=caller)


async def _must_see_payment(services: Services, caller: Caller, payment_id: UUID) -> Payment:
    """The payment, for one who may decide about it. Raises Refused: not found."""
    async with services.sessions() as session:
        payment = await payment_to_act_on(session, caller, payment_id)
    if payment is None:
        raise not_found("payment")
    return payment
