"""Refunds of charges, whole or in part, never for more than is left. Some fail long after they seemed to succeed."""

from sandbox.store import Document
from sandbox.stripe.cards import spoken_amount
from sandbox.stripe.disputes import end_by_refund, refuse_disputed
from sandbox.stripe.objects import emit, refund
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page


def _create(desk: Desk, params: Params, _: str) -> Document:
    charge = _charge_of(desk, params)
    refuse_disputed(desk, charge)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = params.get("amount", left)
    if amount < 1:
        raise StripeError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
            executed=False,
        )
    if amount > left:
        raise StripeError(
            400,
            f"Refund amount ({spoken_amount(amount, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({spoken_amount(left, charge['currency'])})",
            param="amount",
        )
    bank = desk.store.get("bank", charge["payment_method"]) or {}
    made = refund(desk, charge, params, amount=amount, pending=bank.get("refunds") == "waits")
    _count(charge, amount)
    desk.store.put("refund", made)
    desk.store.put("charge", charge)
    emit(desk, "refund.created", made)
    emit(desk, "charge.refunded", charge)
    end_by_refund(desk, charge)
    return made


def _count(charge: Document, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]


def settle(desk: Desk, found: Document, *, status: str | None) -> Document:
    """The bank's last word on a refund: ``succeeded`` or ``failed``, even long after it seemed to have succeeded.
    None is what the card was made for: ``pm_card_refundFail`` fails, ``pm_card_pendingRefund`` succeeds."""
    charge = desk.find("charge", found["charge"])
    if status is None:
        bank = desk.store.get("bank", charge["payment_method"]) or {}
        status = {"fails": "failed", "waits": "succeeded"}.get(bank.get("refunds") or "")
        if status is None:
            raise StripeError(
                400, "This card has no way of its own with refunds: say succeeded or failed.", param="status"
            )
    if found["status"] == "failed" or found["status"] == status:
        raise StripeError(400, f"This refund has {found['status']} already.", param="status")
    found.pop("pending_reason", None)
    found["status"] = status
    if status == "failed":
        found["failure_reason"] = "expired_or_canceled_card"
        _count(charge, -found["amount"])
        desk.store.put("charge", charge)
    desk.store.put("refund", found)
    emit(desk, "refund.updated", found)
    emit(desk, "charge.refund.updated", found)
    if status == "failed":
        emit(desk, "refund.failed", found)
    return found


def _charge_of(desk: Desk, params: Params) -> Document:
    if id_ := params.get("charge"):
        charge = desk.find("charge", id_, param="charge", status=400)
    elif id_ := params.get("payment_intent"):
        intent = desk.find("payment_intent", id_, param="payment_intent", status=400)
        if intent["status"] != "succeeded":
            raise StripeError(400, f"This PaymentIntent ({id_}) does not have a successful charge to refund.")
        charge = desk.find("charge", intent["latest_charge"])
    else:
        raise StripeError(
            400,
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            executed=False,
        )
    if not charge["captured"]:
        raise StripeError(400, f"Charge {charge['id']} did not succeed: there is nothing to refund.")
    return charge


def _retrieve(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("refund", id_)


def _list(desk: Desk, params: Params, _: str) -> Document:
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    rows = [row for row in desk.store.all("refund") if all(row[k] == v for k, v in wanted.items())]
    return page(rows, params, url="/v1/refunds")


ROUTES = (
    Route(
        method="POST",
        path="/v1/refunds",
        handler=_create,
        takes={
            "charge": "str",
            "payment_intent": "str",
            "amount": "int",
            "reason": ("duplicate", "fraudulent", "requested_by_customer"),
            "metadata": "map",
        },
    ),
    Route(
        method="GET",
        path="/v1/refunds",
        handler=_list,
        takes={**PAGING, "charge": "str", "payment_intent": "str"},
    ),
    Route(method="GET", path="/v1/refunds/{id}", handler=_retrieve),
)
