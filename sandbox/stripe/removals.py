"""What people change and remove in the dashboard: a card's details, and customers, whose cards go with them."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe.customers import checked_expiry, told_of_deleted
from sandbox.stripe.objects import emit, merged_metadata
from sandbox.stripe.wire import Desk, Params, Route, StripeError


def _delete_customer(desk: Desk, _: Params, id_: str) -> Document:
    """For good: what was made for it is there yet, and it can be used for nothing more."""
    found = desk.find("customer", id_)
    for method in desk.store.all("payment_method"):
        if method["customer"] == id_:
            bank = desk.find("bank", method["id"])
            bank["used"], method["customer"] = True, None
            desk.store.put("bank", bank)
            desk.store.put("payment_method", method)
    emit(desk, "customer.deleted", found)
    desk.store.put("customer", {**found, "deleted": True})
    return told_of_deleted(id_)


def _update_method(desk: Desk, params: Params, id_: str) -> Document:
    method = desk.find("payment_method", id_, param="payment_method")
    if method["customer"] is None:
        raise StripeError(400, "You must save this PaymentMethod to a customer before you can update it.")
    card: dict[str, Any] = params.get("card", {})
    month, year = card.get("exp_month", method["card"]["exp_month"]), card.get("exp_year", method["card"]["exp_year"])
    method["card"]["exp_month"], method["card"]["exp_year"] = checked_expiry(month, year)
    method["billing_details"] = {**method["billing_details"], **params.get("billing_details", {})}
    method["metadata"] = merged_metadata(method["metadata"], params.get("metadata"))
    desk.store.put("payment_method", method)
    emit(desk, "payment_method.updated", method)
    return method


ROUTES = (
    Route(method="DELETE", path="/v1/customers/{id}", handler=_delete_customer),
    Route(
        method="POST",
        path="/v1/payment_methods/{id}",
        handler=_update_method,
        takes={"card": "map", "billing_details": "map", "metadata": "map"},
    ),
)
