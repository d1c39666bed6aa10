"""Refunds of charges, whole or in part, never for more than is left; and the list of events."""

from sandbox.store import Document
from sandbox.stripe_objects import emit, merged_metadata, new_id
from sandbox.stripe_wire import PAGING, Desk, Params, Route, StripeError, page


def _create(desk: Desk, params: Params, _: str) -> Document:
    charge = _charge_of(desk, params)
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
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    refund: Document = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": desk.now,
        "currency": charge["currency"],
        "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
        "metadata": merged_metadata({}, params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "status": "succeeded",
    }
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    desk.store.put("refund", refund)
    desk.store.put("charge", charge)
    emit(desk, "refund.created", refund)
    emit(desk, "charge.refunded", charge)
    return refund


def _charge_of(desk: Desk, params: Params) -> Document:
    if id_ := params.get("charge"):
        charge = desk.find("charge", id_, param="charge", status=400)
    elif id_ := params.get("payment_intent"):
        intent = desk.find("payment_intent", id_, param="payment_intent", status=400)
        if intent["status"] != "succeeded":
            raise StripeError(400, "This PaymentIntent does not have a successful charge to refund.")
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


def _retrieve_event(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("event", id_)


def _list_events(desk: Desk, params: Params, _: str) -> Document:
    wanted = params.get("types") or ([params["type"]] if "type" in params else None)
    rows = [row for row in desk.store.all("event") if wanted is None or row["type"] in wanted]
    return page(rows, params, url="/v1/events")


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
    Route(
        method="GET",
        path="/v1/events",
        handler=_list_events,
        takes={**PAGING, "type": "str", "types": "list"},
    ),
    Route(method="GET", path="/v1/events/{id}", handler=_retrieve_event),
)
