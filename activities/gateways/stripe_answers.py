"""What Stripe's client library answers, in the words of ``activities.ports``: objects, and what can go wrong."""

from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx
import stripe

from activities.ports import (
    Card,
    ChargeSeen,
    Checkout,
    Decline,
    DisputeSeen,
    GatewayRejected,
    GatewayUnavailable,
    Intent,
    Redirect,
    RefundMade,
    SetupIntent,
)


def translate(problem: stripe.StripeError) -> NoReturn:
    """Raises the port's exception for the library's."""
    status = problem.http_status
    message = f"{type(problem).__name__} {status or ''} {problem.code or ''}: {problem.user_message or problem}"
    if isinstance(problem, stripe.APIConnectionError):
        refused = isinstance(problem.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
        raise GatewayUnavailable(message, ambiguous=not refused, retry_with_same_key=True) from problem
    if status == 409:
        raise GatewayUnavailable(message, ambiguous=True, retry_with_same_key=True) from problem
    if status in (401, 403):
        # A wrong or restricted key is the practice's trouble, not this payment's: it waits until that is mended.
        raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=True) from problem
    if status == 429 or isinstance(problem, stripe.RateLimitError):
        raise GatewayUnavailable(message, ambiguous=False, retry_with_same_key=False) from problem
    if status is None or status < 400 or status >= 500:
        raise GatewayUnavailable(message, ambiguous=True, retry_with_same_key=False) from problem
    raise GatewayRejected(message, code=problem.code) from problem


def _id(value: Any) -> str | None:
    """Stripe sends an id, or the whole object where it was asked to expand it."""
    if value is None or isinstance(value, str):
        return value
    return str(value.id)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def between(since: datetime, until: datetime) -> stripe.params.PaymentIntentListParamsCreated:
    """Both included. Stripe counts whole seconds."""
    return {"gte": int(since.timestamp()), "lte": int(until.timestamp())}


def metadata(told: stripe.PaymentIntent | stripe.Refund | stripe.SetupIntent, name: str) -> str | None:
    """One of the ids that an object of ours was created with; others' objects have none."""
    value = told.metadata.to_dict().get(name) if told.metadata else None
    return value if isinstance(value, str) else None


def refund_made(told: stripe.Refund) -> RefundMade:
    return RefundMade(
        id=told.id,
        status=told.status or "pending",
        amount=told.amount,
        currency=told.currency.upper(),
        intent=_id(told.payment_intent),
        charge=_id(told.charge),
        refund_id=metadata(told, "refund_id"),
        because=getattr(told, "failure_reason", None),
        created=_instant(told.created),
    )


def charge_seen(told: stripe.Charge) -> ChargeSeen:
    return ChargeSeen(
        id=told.id,
        intent=_id(told.payment_intent),
        status=told.status,
        amount=told.amount,
        amount_captured=told.amount_captured,
        amount_refunded=told.amount_refunded,
        currency=told.currency.upper(),
        disputed=told.disputed,
        created=_instant(told.created),
    )


def dispute_seen(told: stripe.Dispute) -> DisputeSeen:
    return DisputeSeen(
        id=told.id,
        intent=_id(told.payment_intent),
        amount=told.amount,
        currency=told.currency.upper(),
        status=told.status,
        reason=told.reason,
        charge=_id(told.charge),
        created=_instant(told.created),
        answer_by=_instant(told.evidence_details.due_by) if told.evidence_details.due_by else None,
    )


def lasts(told: stripe.Customer) -> bool:
    """Whether a customer is still one."""
    return not getattr(told, "deleted", False)


def setup_intent(told: stripe.SetupIntent) -> SetupIntent:
    return SetupIntent(
        id=told.id,
        customer=_id(told.customer),
        status=told.status,
        client_secret=told.client_secret,
        payment_method=_id(told.payment_method),
        usage=told.usage,
        client_id=metadata(told, "client_id"),
        error=getattr(getattr(told, "last_setup_error", None), "code", None),
    )


def checkout_told(told: stripe.checkout.Session) -> Checkout:
    return Checkout(
        id=told.id,
        mode=told.mode,
        status=told.status or "open",
        customer=_id(told.customer),
        setup_intent=_id(told.setup_intent),
        url=told.url,
        expires_at=_instant(told.expires_at),
    )


def card_of(told: stripe.PaymentMethod) -> Card | None:
    """None for a method that is no card."""
    if told.type != "card" or told.card is None:
        return None
    return Card(
        payment_method=told.id,
        brand=told.card.brand,
        last4=told.card.last4 or "",
        exp_month=told.card.exp_month,
        exp_year=told.card.exp_year,
        fingerprint=told.card.fingerprint,
        created=_instant(told.created),
        attached=told.customer is not None,
    )


def _redirect(told: stripe.PaymentIntent) -> Redirect | None:
    page = getattr(told.next_action, "redirect_to_url", None)  # of other kinds of action, Stripe sends no such field
    if page is None or page.url is None:
        return None
    return Redirect(url=page.url, return_url=page.return_url)


def intent_told(told: stripe.PaymentIntent, *, declined: Decline | None = None) -> Intent:
    error = told.last_payment_error
    method = _id(told.payment_method)
    if told.status == "requires_payment_method" and error is not None:
        declined = declined or Decline(
            code=getattr(error, "code", None),
            decline_code=getattr(error, "decline_code", None),
            message=getattr(error, "message", None) or "Declined.",
        )
        method = method or _id(getattr(error, "payment_method", None))
    return Intent(
        id=told.id,
        status=told.status,
        amount=told.amount,
        currency=told.currency.upper(),
        customer=_id(told.customer),
        payment_method=method,
        client_secret=told.client_secret,
        decline=declined,
        amount_received=told.amount_received,
        latest_charge=_id(told.latest_charge),
        payment_id=metadata(told, "payment_id"),
        created=_instant(told.created),
        redirect=_redirect(told),
    )
