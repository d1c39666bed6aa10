"""Inquiries: a bank asks about a charge, and takes nothing. A refund of all of it ends one; or it becomes a dispute."""

from sandbox.store import Document
from sandbox.stripe.disputes import movement, new_dispute
from sandbox.stripe.objects import emit
from sandbox.stripe.wire import Desk, StripeError

WAITING = ("warning_needs_response", "warning_under_review")
MOVES = ("warning_under_review", "warning_closed", "needs_response")


def open_inquiry(desk: Desk, *, payment_intent: str, reason: str) -> Document:
    """The bank asks; the money stays. A StripeError says why there is nothing to ask about."""
    made = new_dispute(desk, payment_intent=payment_intent, reason=reason)
    made.update(status="warning_needs_response", is_charge_refundable=True)
    made["payment_method_details"]["card"]["case_type"] = "inquiry"
    desk.store.put("dispute", made)
    emit(desk, "charge.dispute.created", made)
    return made


def move_inquiry(desk: Desk, found: Document, *, status: str) -> Document:
    """The practice has answered, the bank has closed it, or it takes the money now: the inquiry is a dispute then."""
    if found["status"] not in WAITING or found["status"] == status:
        raise StripeError(400, f"This inquiry cannot move so: it is {found['status']}.", param="status")
    found["status"] = status
    if status == "needs_response":
        found["is_charge_refundable"] = False
        found["payment_method_details"]["card"]["case_type"] = "chargeback"
        found["balance_transactions"].append(movement(desk, found, amount=-found["amount"]))
    desk.store.put("dispute", found)
    emit(desk, "charge.dispute.closed" if status == "warning_closed" else "charge.dispute.updated", found)
    if status == "needs_response":
        emit(desk, "charge.dispute.funds_withdrawn", found)
    return found


def end_by_refund(desk: Desk, charge: Document) -> None:
    """All of the charge was given back: its inquiry is closed."""
    for found in desk.store.all("dispute"):
        if charge["refunded"] and found["charge"] == charge["id"] and found["status"] in WAITING:
            move_inquiry(desk, found, status="warning_closed")
