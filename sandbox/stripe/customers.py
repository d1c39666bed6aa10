"""Customers and their cards."""

from datetime import UTC, datetime
from typing import Any

from sandbox.store import Document
from sandbox.stripe.cards import BY_NAME, BY_NUMBER, Asks, TestCard, decline_words, passes_luhn
from sandbox.stripe.objects import customer, emit, merged_metadata, payment_method
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page


def card_error(reason: str, *, param: str | None = None, more: Document | None = None) -> StripeError:
    """HTTP 402: the bank's no, in Stripe's shape."""
    code, decline_code, message = decline_words(reason)
    return StripeError(
        402,
        message,
        type_="card_error",
        code=code,
        param=param,
        more={"decline_code": decline_code, **(more or {})},
    )


# ---------------------------------------------------------------- cards


def take_method(desk: Desk, named: str) -> Document:
    """The payment method of this id; for a test name such as ``pm_card_visa``, a fresh one, as Stripe makes
    it."""
    if named in BY_NAME:
        return _from_test_card(desk, BY_NAME[named])
    return desk.find("payment_method", named, param="payment_method", status=400)


def bank_of(desk: Desk, method: Document) -> Document:
    """What the bank behind a card will do: ``declines``, ``saves``, ``asks``, ``set_up``, ``used``, ``refunds``."""
    return desk.find("bank", method["id"])


def attach(desk: Desk, method: Document, customer_id: str) -> None:
    if method["customer"] == customer_id:
        return
    method["customer"] = customer_id
    desk.store.put("payment_method", method)
    emit(desk, "payment_method.attached", method)


def _from_test_card(
    desk: Desk,
    card: TestCard,
    *,
    month: int | None = None,
    year: int | None = None,
    billing: Any = None,
    metadata: Any = None,
) -> Document:
    this_year = datetime.fromtimestamp(desk.now, UTC).year
    method = payment_method(
        desk,
        number=card.number,
        brand=card.brand,
        funding=card.funding,
        month=month or 12,
        year=year or this_year + 3,
        billing=billing,
        metadata=metadata,
    )
    desk.store.put("payment_method", method)
    desk.store.put(
        "bank",
        {
            "id": method["id"],
            "declines": card.declines,
            "saves": card.saves,
            "asks": card.asks.value,
            "set_up": card.asks is Asks.ON_SESSION,
            "used": False,
            "refunds": card.refunds,
        },
    )
    return method


def _create_method(desk: Desk, params: Params, _: str) -> Document:
    card = params.get("card")
    if not isinstance(card, dict):
        raise StripeError(400, "Missing required param: card.", code="parameter_missing", param="card", executed=False)
    if unknown := sorted(set(card) - {"number", "exp_month", "exp_year", "cvc", "token"}):
        name = f"card[{unknown[0]}]"
        raise StripeError(
            400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name, executed=False
        )
    details = {"billing": params.get("billing_details"), "metadata": params.get("metadata")}
    if token := card.get("token"):
        named = str(token).replace("tok_", "pm_card_", 1)
        if named not in BY_NAME:
            raise StripeError(400, f"No such token: '{token}'", code="resource_missing", param="card[token]")
        return _from_test_card(desk, BY_NAME[named], **details)
    month, year = _expiry(desk, card)
    return _from_test_card(desk, _numbered(card), month=month, year=year, **details)


def typed_method(desk: Desk, card: Document, expiry: str) -> Document:
    """The card that somebody typed into a page: its ``number`` and ``cvc``, and its ``expiry`` as ``12/29``."""
    month, _, year = expiry.replace(" ", "").partition("/")
    return _create_method(desk, {"card": {**card, "exp_month": month.lstrip("0"), "exp_year": year}}, "")


def _numbered(card: Document) -> TestCard:
    number = str(card.get("number", "")).replace(" ", "").replace("-", "")
    if not number:
        raise StripeError(400, "Missing required param: card[number].", code="parameter_missing", param="card[number]")
    if not (number.isascii() and number.isdigit() and passes_luhn(number)):
        raise card_error("incorrect_number", param="number")
    cvc = str(card.get("cvc", "123"))
    if not (cvc.isascii() and cvc.isdigit() and 3 <= len(cvc) <= 4):
        raise StripeError(
            402, "Your card's security code is invalid.", type_="card_error", code="invalid_cvc", param="cvc"
        )
    if number not in BY_NUMBER:
        message = (
            "Your card was declined. Your request was in test mode, but used a non test card. "
            "For a list of valid test cards, visit: https://stripe.com/docs/testing."
        )
        raise StripeError(
            402,
            message,
            type_="card_error",
            code="card_declined",
            param="number",
            more={"decline_code": "test_mode_live_card"},
        )
    return BY_NUMBER[number]


def _expiry(desk: Desk, card: Document) -> tuple[int, int]:
    month, year = checked_expiry(card.get("exp_month", ""), card.get("exp_year", ""))
    today = datetime.fromtimestamp(desk.now, UTC)
    if not today.year <= year <= today.year + 50:
        raise _bad_expiry("year")
    if (year, month) < (today.year, today.month):
        raise _bad_expiry("month")
    return month, year


def checked_expiry(month: object, year: object) -> tuple[int, int]:
    """A card's month and whole year, past ones too."""
    of_year, digits = str(month), str(year)
    if not (of_year.isascii() and of_year.isdigit() and 1 <= int(of_year) <= 12):
        raise _bad_expiry("month")
    if not (digits.isascii() and digits.isdigit() and len(digits) in (2, 4)):
        raise _bad_expiry("year")
    return int(of_year), int(digits) + (2000 if len(digits) == 2 else 0)


def _bad_expiry(part: str) -> StripeError:
    return StripeError(
        402,
        f"Your card's expiration {part} is invalid.",
        type_="card_error",
        code=f"invalid_expiry_{part}",
        param=f"exp_{part}",
    )


def _retrieve_method(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("payment_method", id_, param="payment_method")


def _attach_method(desk: Desk, params: Params, id_: str) -> Document:
    desk.find("customer", params["customer"], param="customer", status=400)
    method = take_method(desk, id_)
    if method["customer"] not in (None, params["customer"]):
        raise StripeError(400, "The payment method you provided has already been attached to a customer.")
    bank = bank_of(desk, method)
    refuse_spent(bank)
    if bank["declines"] and not bank["saves"]:
        raise card_error(bank["declines"])
    attach(desk, method, params["customer"])
    return method


def refuse_spent(bank: Document) -> None:
    if bank["used"]:
        raise StripeError(
            400,
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you "
            "must "
            "attach it to a Customer first.",
            param="payment_method",
        )


def _detach_method(desk: Desk, _: Params, id_: str) -> Document:
    method = desk.find("payment_method", id_, param="payment_method")
    if method["customer"] is None:
        raise StripeError(
            400,
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    bank = bank_of(desk, method)
    bank["used"] = True
    desk.store.put("bank", bank)
    owner = desk.find("customer", method["customer"])
    if owner["invoice_settings"]["default_payment_method"] == id_:
        owner["invoice_settings"]["default_payment_method"] = None
        desk.store.put("customer", owner)
    method["customer"] = None
    desk.store.put("payment_method", method)
    emit(desk, "payment_method.detached", method)
    return method


def _list_methods(desk: Desk, params: Params, id_: str) -> Document:
    owner = id_ or params.get("customer")
    if owner:
        desk.find("customer", owner, param="customer", status=404 if id_ else 400)
    rows = [row for row in desk.store.all("payment_method") if row["customer"] and row["customer"] == owner]
    return page(rows, params, url=f"/v1/customers/{id_}/payment_methods" if id_ else "/v1/payment_methods")


# ---------------------------------------------------------------- customers


def _create_customer(desk: Desk, params: Params, _: str) -> Document:
    made = customer(desk, params)
    desk.store.put("customer", made)
    if named := params.get("payment_method"):
        desk.store.put("payment_method", _attach_method(desk, {"customer": made["id"]}, named))
    _set_default(desk, made, params)
    desk.store.put("customer", made)
    emit(desk, "customer.created", made)
    return made


def _retrieve_customer(desk: Desk, _: Params, id_: str) -> Document:
    found = desk.store.get("customer", id_)
    return told_of_deleted(id_) if found and found.get("deleted") else desk.find("customer", id_)


def told_of_deleted(id_: str) -> Document:
    """All that is told of a customer that was."""
    return {"id": id_, "object": "customer", "deleted": True}


def _update_customer(desk: Desk, params: Params, id_: str) -> Document:
    found = desk.find("customer", id_)
    for name in ("email", "name", "phone", "description"):
        if name in params:
            found[name] = params[name]
    found["metadata"] = merged_metadata(found["metadata"], params.get("metadata"))
    _set_default(desk, found, params)
    desk.store.put("customer", found)
    return found


def _set_default(desk: Desk, owner: Document, params: Params) -> None:
    named = params.get("invoice_settings", {}).get("default_payment_method")
    if named is None:
        return
    if not isinstance(named, str):
        raise StripeError(400, "Invalid string", param="invoice_settings[default_payment_method]", executed=False)
    method = desk.store.get("payment_method", named) if named else None
    if named and (method is None or method["customer"] != owner["id"]):
        raise StripeError(
            400,
            f"The customer does not have a payment method with the ID {named}. "
            "The payment method must be attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
    owner["invoice_settings"]["default_payment_method"] = named or None


def _list_customers(desk: Desk, params: Params, _: str) -> Document:
    there = [row for row in desk.store.all("customer") if not row.get("deleted")]
    rows = [row for row in there if params.get("email") in (None, row["email"])]
    return page(rows, params, url="/v1/customers")


_ABOUT_A_CUSTOMER = {
    "email": "str",
    "name": "str",
    "phone": "str",
    "description": "str",
    "metadata": "map",
    "invoice_settings": "map",
}

ROUTES = (
    Route(
        method="POST",
        path="/v1/customers",
        handler=_create_customer,
        takes={**_ABOUT_A_CUSTOMER, "payment_method": "str"},
    ),
    Route(method="GET", path="/v1/customers", handler=_list_customers, takes={**PAGING, "email": "str"}),
    Route(method="GET", path="/v1/customers/{id}", handler=_retrieve_customer),
    Route(method="POST", path="/v1/customers/{id}", handler=_update_customer, takes=_ABOUT_A_CUSTOMER),
    Route(
        method="GET",
        path="/v1/customers/{id}/payment_methods",
        handler=_list_methods,
        takes={**PAGING, "type": ("card",)},
    ),
    Route(
        method="POST",
        path="/v1/payment_methods",
        handler=_create_method,
        takes={"type": ("card",), "card": "map", "billing_details": "map", "metadata": "map"},
        needs=("type",),
        browser=True,
    ),
    Route(
        method="GET",
        path="/v1/payment_methods",
        handler=_list_methods,
        takes={**PAGING, "customer": "str", "type": ("card",)},
    ),
    Route(method="GET", path="/v1/payment_methods/{id}", handler=_retrieve_method),
    Route(
        method="POST",
        path="/v1/payment_methods/{id}/attach",
        handler=_attach_method,
        takes={"customer": "str"},
        needs=("customer",),
    ),
    Route(method="POST", path="/v1/payment_methods/{id}/detach", handler=_detach_method),
)
