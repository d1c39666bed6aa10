"""Disputes: a client asked the bank for the money back. The bank takes it at once, and decides later who keeps it.

Inquiries: a bank asks about a charge, and takes nothing. A refund of all of it ends one; or it becomes a dispute.
"""

from sandbox.store import Document
from sandbox.stripe.objects import dispute, emit
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page

REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
_CLOSED = ("won", "lost", "warning_closed")
_WAITING = ("warning_needs_response", "warning_under_review")
INQUIRY_MOVES = ("warning_under_review", "warning_closed", "needs_response")
_REFUNDABLE = ("won", "warning_needs_response", "warning_under_review", "warning_closed")


def open_dispute(desk: Desk, *, payment_intent: str, reason: str) -> Document:
    """The bank withdraws what is left of the charge. A StripeError says why there is nothing to dispute."""
    made = _new_dispute(desk, payment_intent=payment_intent, reason=reason)
    emit(desk, "charge.dispute.created", made)
    made["balance_transactions"].append(_movement(desk, made, amount=-made["amount"]))
    desk.store.put("dispute", made)
    emit(desk, "charge.dispute.funds_withdrawn", made)
    return made


def _new_dispute(desk: Desk, *, payment_intent: str, reason: str) -> Document:
    """About what is left of the charge, which is disputed from now on."""
    if reason not in REASONS:
        raise StripeError(400, f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason", executed=False)
    intent = desk.find("payment_intent", payment_intent, param="payment_intent", status=400)
    charge = desk.find("charge", intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is None or intent["status"] != "succeeded":
        raise StripeError(
            400, f"PaymentIntent {intent['id']} has no successful charge to dispute.", param="payment_intent"
        )
    if charge["disputed"]:
        raise StripeError(400, f"Charge {charge['id']} is disputed already.", param="payment_intent")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(400, f"Charge {charge['id']} has already been refunded.", param="payment_intent")
    made = dispute(desk, charge, amount=left, reason=reason)
    charge["disputed"] = True
    desk.store.put("charge", charge)
    return made


def close_dispute(desk: Desk, found: Document, *, status: str) -> Document:
    """The bank has decided: ``won`` brings the money back, ``lost`` does not."""
    if found["status"] in _CLOSED or found["status"].startswith("warning"):
        raise StripeError(400, f"This dispute is already closed: it was {found['status']}.", param="status")
    found["status"] = status
    if status == "won":
        found["balance_transactions"].append(_movement(desk, found, amount=found["amount"]))
    desk.store.put("dispute", found)
    emit(desk, "charge.dispute.closed", found)
    if status == "won":
        emit(desk, "charge.dispute.funds_reinstated", found)
    return found


def open_inquiry(desk: Desk, *, payment_intent: str, reason: str) -> Document:
    """The bank asks; the money stays. A StripeError says why there is nothing to ask about."""
    made = _new_dispute(desk, payment_intent=payment_intent, reason=reason)
    made.update(status="warning_needs_response", is_charge_refundable=True)
    made["payment_method_details"]["card"]["case_type"] = "inquiry"
    desk.store.put("dispute", made)
    emit(desk, "charge.dispute.created", made)
    return made


def move_inquiry(desk: Desk, found: Document, *, status: str) -> Document:
    """The practice has answered, the bank has closed it, or it takes the money now: the inquiry is a dispute then."""
    if found["status"] not in _WAITING or found["status"] == status:
        raise StripeError(400, f"This inquiry cannot move so: it is {found['status']}.", param="status")
    found["status"] = status
    if status == "needs_response":
        found["is_charge_refundable"] = False
        found["payment_method_details"]["card"]["case_type"] = "chargeback"
        found["balance_transactions"].append(_movement(desk, found, amount=-found["amount"]))
    desk.store.put("dispute", found)
    emit(desk, "charge.dispute.closed" if status == "warning_closed" else "charge.dispute.updated", found)
    if status == "needs_response":
        emit(desk, "charge.dispute.funds_withdrawn", found)
    return found


def end_by_refund(desk: Desk, charge: Document) -> None:
    """All of the charge was given back: its inquiry is closed."""
    for found in desk.store.all("dispute"):
        if charge["refunded"] and found["charge"] == charge["id"] and found["status"] in _WAITING:
            move_inquiry(desk, found, status="warning_closed")


def refuse_disputed(desk: Desk, charge: Document) -> None:
    """What a bank has taken back cannot be given back once more; what it has returned can."""
    if any(row["charge"] == charge["id"] and row["status"] not in _REFUNDABLE for row in desk.store.all("dispute")):
        raise StripeError(
            400, f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def _movement(desk: Desk, about: Document, *, amount: int) -> Document:
    """What it does to the practice's balance."""
    return {
        "id": f"txn_{about['id'].removeprefix('du_')}_{len(about['balance_transactions'])}",
        "object": "balance_transaction",
        "amount": amount,
        "created": desk.now,
        "currency": about["currency"],
        "fee": 0,
        "net": amount,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": about["id"],
        "type": "adjustment",
    }


def _retrieve(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("dispute", id_)


def _close(desk: Desk, _: Params, id_: str) -> Document:
    """The practice gives in."""
    return close_dispute(desk, desk.find("dispute", id_), status="lost")


def _list(desk: Desk, params: Params, _: str) -> Document:
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    rows = [row for row in desk.store.all("dispute") if all(row[k] == v for k, v in wanted.items())]
    return page(rows, params, url="/v1/disputes")


ROUTES = (
    Route(
        method="GET",
        path="/v1/disputes",
        handler=_list,
        takes={**PAGING, "charge": "str", "payment_intent": "str"},
    ),
    Route(method="GET", path="/v1/disputes/{id}", handler=_retrieve),
    Route(method="POST", path="/v1/disputes/{id}/close", handler=_close),
)
