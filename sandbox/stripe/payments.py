"""PaymentIntents, and the charges they make."""

import re

from sandbox.store import Document
from sandbox.stripe.cards import CURRENCIES, MINIMUM_CHARGE, Asks, decline_words, spoken_amount
from sandbox.stripe.customers import attach, bank_of, card_error
from sandbox.stripe.objects import charge, emit, merged_metadata, payment_intent
from sandbox.stripe.setups import browser_may, method_for, unexpected_state, wait_for_client
from sandbox.stripe.wire import PAGING, Desk, Kind, Params, Route, StripeError, page

_INDEXED_AFTER = 60  # seconds
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELLABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


def _check_money(amount: int, currency: str) -> None:
    if currency not in CURRENCIES:
        raise StripeError(
            400,
            f"Invalid currency: {currency}. This stand-in knows: {', '.join(sorted(CURRENCIES))}",
            param="currency",
            executed=False,
        )
    if amount < 1:
        raise StripeError(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
            executed=False,
        )
    if amount > 99_999_999:
        raise StripeError(
            400,
            "Amount must be no more than 999,999.99",
            code="amount_too_large",
            param="amount",
            executed=False,
        )
    least = MINIMUM_CHARGE.get(currency, 1)
    if amount < least:
        raise StripeError(
            400,
            f"Amount must be at least {spoken_amount(least, currency)}",
            code="amount_too_small",
            param="amount",
            executed=False,
        )


def _create(desk: Desk, params: Params, _: str) -> Document:
    params["currency"] = params["currency"].lower()
    _check_money(params["amount"], params["currency"])
    if params.get("off_session") and not params.get("confirm"):
        raise StripeError(
            400,
            "You cannot set `off_session` on a PaymentIntent that is not being confirmed: pass `confirm` too.",
            param="off_session",
            executed=False,
        )
    if owner := params.get("customer"):
        desk.find("customer", owner, param="customer", status=400)
    intent = payment_intent(desk, params)
    if named := params.get("payment_method"):
        intent["payment_method"] = method_for(desk, intent, named)["id"]
        intent["status"] = "requires_confirmation"
    desk.store.put("payment_intent", intent)
    emit(desk, "payment_intent.created", intent)
    return _confirmed(desk, intent, params) if params.get("confirm") else intent


def _retrieve(desk: Desk, _: Params, id_: str) -> Document:
    intent = desk.find("payment_intent", id_, param="intent")
    browser_may(desk, intent)
    return intent


def _update(desk: Desk, params: Params, id_: str) -> Document:
    intent = _retrieve(desk, params, id_)
    if intent["status"] not in _OPEN and set(params) - {"metadata", "description", "receipt_email"}:
        raise unexpected_state("payment_intent", "update", intent["status"], _OPEN)
    for name in ("amount", "description", "receipt_email", "setup_future_usage"):
        if name in params:
            intent[name] = params[name]
    intent["currency"] = str(params.get("currency", intent["currency"])).lower()
    _check_money(intent["amount"], intent["currency"])
    if owner := params.get("customer"):
        intent["customer"] = desk.find("customer", owner, param="customer", status=400)["id"]
    if named := params.get("payment_method"):
        intent["payment_method"] = method_for(desk, intent, named)["id"]
        intent["status"] = "requires_confirmation"
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    desk.store.put("payment_intent", intent)
    return intent


def _confirm(desk: Desk, params: Params, id_: str) -> Document:
    return _confirmed(desk, _retrieve(desk, params, id_), params)


def _confirmed(desk: Desk, intent: Document, params: Params) -> Document:
    _count_confirm(desk, intent["id"])
    if intent["status"] not in _OPEN:
        raise unexpected_state("payment_intent", "confirm", intent["status"], _OPEN)
    named = params.get("payment_method") or intent["payment_method"]
    if named is None:
        raise StripeError(
            400,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either "
            "update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
            "with a "
            "payment method.",
            code="payment_intent_unexpected_state",
            more={"payment_intent": intent},
        )
    method = method_for(desk, intent, named)
    bank = bank_of(desk, method)
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    if "setup_future_usage" in params:
        intent["setup_future_usage"] = params["setup_future_usage"]
    off_session = params.get("off_session") in ("true", "one_off", "recurring")
    if _asks(bank, off_session=off_session):
        if off_session or params.get("error_on_requires_action"):
            raise _refused(desk, intent, method, "authentication_required")
        wait_for_client(desk, intent, params)
        desk.store.put("payment_intent", intent)
        emit(desk, "payment_intent.requires_action", intent)
        return intent
    if bank["declines"]:
        raise _refused(desk, intent, method, bank["declines"])
    return _charged(desk, intent, method)


def _count_confirm(desk: Desk, id_: str) -> None:
    """Every confirm that got here is counted, also one that is refused; a replayed answer never gets here."""
    tally = desk.store.get("tally", id_) or {"id": id_, "confirms": 0}
    desk.store.put("tally", {"id": id_, "confirms": tally["confirms"] + 1})


def _asks(bank: Document, *, off_session: bool) -> bool:
    asks = Asks(bank["asks"])
    if asks is Asks.ALWAYS:
        return True
    if asks is Asks.UNLESS_SET_UP:
        return not (off_session and bank["set_up"])
    return asks is Asks.ON_SESSION and not off_session


def _charged(desk: Desk, intent: Document, method: Document) -> Document:
    made = charge(desk, intent, method, failure=None)
    desk.store.put("charge", made)
    if intent["setup_future_usage"] and intent["customer"]:
        attach(desk, method, intent["customer"])
    if method["customer"] is None:
        bank = bank_of(desk, method)
        bank["used"] = True
        desk.store.put("bank", bank)
    intent.update(
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=made["id"],
        last_payment_error=None,
        next_action=None,
    )
    desk.store.put("payment_intent", intent)
    emit(desk, "charge.succeeded", made)
    emit(desk, "payment_intent.succeeded", intent)
    return intent


def _refused(desk: Desk, intent: Document, method: Document, reason: str) -> StripeError:
    """Records the bank's no on the intent; the error to raise."""
    code, _, message = decline_words(reason)
    made = charge(desk, intent, method, failure=(code, message))
    desk.store.put("charge", made)
    refused = card_error(reason, more={"charge": made["id"], "payment_method": method})
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        latest_charge=made["id"],
        next_action=None,
        last_payment_error=dict(refused.error),
    )
    desk.store.put("payment_intent", intent)
    emit(desk, "charge.failed", made)
    emit(desk, "payment_intent.payment_failed", intent)
    refused.error["payment_intent"] = intent
    return refused


def authenticate(desk: Desk, intent: Document, *, succeeds: bool) -> Document:
    """The client has answered the bank. The intent says what came of it; a decline afterwards is no error
    here."""
    if intent["status"] != "requires_action":
        raise unexpected_state("payment_intent", "authenticate", intent["status"], ("requires_action",))
    method = desk.find("payment_method", intent["payment_method"])
    if not succeeds:
        intent.update(
            status="requires_payment_method",
            payment_method=None,
            next_action=None,
            last_payment_error={
                "type": "invalid_request_error",
                "code": "payment_intent_authentication_failure",
                "message": "The provided PaymentMethod has failed authentication. You can provide "
                "payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
                "payment_method": method,
            },
        )
        desk.store.put("payment_intent", intent)
        emit(desk, "payment_intent.payment_failed", intent)
        return intent
    reason = bank_of(desk, method)["declines"]
    if reason:
        _refused(desk, intent, method, reason)
        return intent
    return _charged(desk, intent, method)


def _cancel(desk: Desk, params: Params, id_: str) -> Document:
    intent = desk.find("payment_intent", id_, param="intent")
    if intent["status"] not in _CANCELLABLE:
        raise unexpected_state("payment_intent", "cancel", intent["status"], _CANCELLABLE)
    intent.update(
        status="canceled",
        canceled_at=desk.now,
        cancellation_reason=params.get("cancellation_reason"),
        next_action=None,
    )
    desk.store.put("payment_intent", intent)
    emit(desk, "payment_intent.canceled", intent)
    return intent


def _list(desk: Desk, params: Params, _: str) -> Document:
    wanted = params.get("customer")
    rows = [row for row in desk.store.all("payment_intent") if wanted in (None, row["customer"])]
    return page(rows, params, url="/v1/payment_intents")


def _search(desk: Desk, params: Params, _: str) -> Document:
    """By one metadata value. Like Stripe's, it does not know yet what was made within the last minute."""
    asked = re.fullmatch(r"metadata\['(\w+)'\]:'([^']*)'", params["query"])
    if asked is None:
        raise StripeError(400, "This stand-in searches by one metadata value only.", param="query", executed=False)
    name, wanted = asked.groups()
    known = [row for row in desk.store.all("payment_intent") if desk.now - row["created"] >= _INDEXED_AFTER]
    rows = [row for row in known if row["metadata"].get(name) == wanted]
    found = page(rows, {"limit": params.get("limit", 10)}, url="/v1/payment_intents/search")
    return {**found, "object": "search_result", "next_page": None}


def _retrieve_charge(desk: Desk, _: Params, id_: str) -> Document:
    return desk.find("charge", id_)


def _list_charges(desk: Desk, params: Params, _: str) -> Document:
    wanted = {name: params[name] for name in ("customer", "payment_intent") if name in params}
    rows = [row for row in desk.store.all("charge") if all(row[k] == v for k, v in wanted.items())]
    return page(rows, params, url="/v1/charges")


_OFF_SESSION: Kind = ("true", "false", "one_off", "recurring")
_FUTURE: Kind = ("off_session", "on_session")
_ABOUT: dict[str, Kind] = {
    "customer": "str",
    "payment_method": "str",
    "description": "str",
    "metadata": "map",
    "receipt_email": "str",
    "setup_future_usage": _FUTURE,
}

ROUTES = (
    Route(
        method="POST",
        path="/v1/payment_intents",
        handler=_create,
        takes={
            **_ABOUT,
            "amount": "int",
            "currency": "str",
            "allowed_payment_method_types": "list",
            "automatic_payment_methods": "map",
            "capture_method": ("automatic", "automatic_async"),
            "confirmation_method": ("automatic",),
            "confirm": "bool",
            "off_session": _OFF_SESSION,
            "error_on_requires_action": "bool",
            "return_url": "str",
            "statement_descriptor": "str",
            "statement_descriptor_suffix": "str",
        },
        needs=("amount", "currency"),
    ),
    Route(method="GET", path="/v1/payment_intents", handler=_list, takes={**PAGING, "customer": "str"}),
    Route(
        method="GET",
        path="/v1/payment_intents/search",
        handler=_search,
        takes={"query": "str", "limit": "int"},
        needs=("query",),
    ),
    Route(
        method="GET",
        path="/v1/payment_intents/{id}",
        handler=_retrieve,
        takes={"client_secret": "str"},
        browser=True,
    ),
    Route(
        method="POST",
        path="/v1/payment_intents/{id}",
        handler=_update,
        takes={**_ABOUT, "amount": "int", "currency": "str"},
    ),
    Route(
        method="POST",
        path="/v1/payment_intents/{id}/confirm",
        handler=_confirm,
        takes={
            "payment_method": "str",
            "off_session": _OFF_SESSION,
            "error_on_requires_action": "bool",
            "return_url": "str",
            "receipt_email": "str",
            "setup_future_usage": _FUTURE,
            "client_secret": "str",
            "mandate_data": "map",
            "use_stripe_sdk": "bool",
        },
        browser=True,
    ),
    Route(
        method="POST",
        path="/v1/payment_intents/{id}/cancel",
        handler=_cancel,
        takes={
            "cancellation_reason": ("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
        },
    ),
    Route(
        method="GET",
        path="/v1/charges",
        handler=_list_charges,
        takes={**PAGING, "customer": "str", "payment_intent": "str"},
    ),
    Route(method="GET", path="/v1/charges/{id}", handler=_retrieve_charge),
)
