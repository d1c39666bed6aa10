"""SetupIntents: saving a card for later charges."""

from sandbox.store import Document
from sandbox.stripe.cards import Asks
from sandbox.stripe.customers import attach, bank_of, card_error, refuse_spent, take_method
from sandbox.stripe.objects import emit, merged_metadata, new_id, setup_intent
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def browser_may(desk: Desk, intent: Document) -> None:
    """A browser shows the intent's client secret; a server's key needs none."""
    if desk.from_browser and desk.client_secret != intent["client_secret"]:
        raise StripeError(
            400,
            "The client_secret provided does not match any associated intent on this account.",
            param="client_secret",
        )


def method_for(desk: Desk, intent: Document, named: str) -> Document:
    """The payment method to put on an intent, after Stripe's checks of whose it is."""
    method = take_method(desk, named)
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise StripeError(
            400,
            f"The payment method supplied ({method['id']}) belongs to another Customer. "
            "Please include that Customer in the `customer` parameter.",
            param="payment_method",
        )
    refuse_spent(bank_of(desk, method))
    return method


def unexpected_state(kind: str, verb: str, status: str, allowed: tuple[str, ...]) -> StripeError:
    spoken = "PaymentIntent" if kind == "payment_intent" else "SetupIntent"
    if verb == "confirm" and status == "succeeded":
        because = "it has already succeeded after being previously confirmed."
    else:
        because = (
            f"it has a status of {status}. Only a {spoken} with one of the following statuses may be "
            f"{verb}{'' if verb.endswith('e') else 'e'}d: {', '.join(allowed)}."
            if verb != "confirm"
            else f"it has a status of {status}."
        )
    return StripeError(400, f"You cannot {verb} this {spoken} because {because}", code=f"{kind}_unexpected_state")


def wait_for_client(desk: Desk, intent: Document, params: Params) -> None:
    """Puts an intent where the client has to authenticate: at the bank's page, or by hand."""
    intent["status"] = "requires_action"
    if url := params.get("return_url"):
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": url, "url": f"{desk.base_url}/3ds/{intent['id']}"},
        }
    else:
        path = f"/stripe/_authenticate/{intent['id']}"
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": path, "source": new_id("src")},
        }


def _create(desk: Desk, params: Params, _: str) -> Document:
    if owner := params.get("customer"):
        desk.find("customer", owner, param="customer", status=400)
    intent = setup_intent(desk, params)
    if named := params.get("payment_method"):
        intent["payment_method"] = method_for(desk, intent, named)["id"]
        intent["status"] = "requires_confirmation"
    desk.store.put("setup_intent", intent)
    emit(desk, "setup_intent.created", intent)
    return confirmed(desk, intent, params) if params.get("confirm") else intent


def _retrieve(desk: Desk, _: Params, id_: str) -> Document:
    intent = desk.find("setup_intent", id_, param="intent")
    browser_may(desk, intent)
    return intent


def _update(desk: Desk, params: Params, id_: str) -> Document:
    intent = _retrieve(desk, params, id_)
    if intent["status"] not in _OPEN:
        raise unexpected_state("setup_intent", "update", intent["status"], _OPEN)
    if owner := params.get("customer"):
        intent["customer"] = desk.find("customer", owner, param="customer", status=400)["id"]
    if named := params.get("payment_method"):
        intent["payment_method"] = method_for(desk, intent, named)["id"]
        intent["status"] = "requires_confirmation"
    intent["description"] = params.get("description", intent["description"])
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    desk.store.put("setup_intent", intent)
    return intent


def _confirm(desk: Desk, params: Params, id_: str) -> Document:
    _refuse_checkouts(desk, id_, "confirm")
    return confirmed(desk, _retrieve(desk, params, id_), params)


def _refuse_checkouts(desk: Desk, id_: str, verb: str) -> None:
    if desk.store.get("checkout_setup", id_) is not None:
        raise StripeError(400, f"You cannot {verb} this SetupIntent because it belongs to a Checkout Session.")


def confirmed(desk: Desk, intent: Document, params: Params) -> Document:
    if intent["status"] not in _OPEN:
        raise unexpected_state("setup_intent", "confirm", intent["status"], _OPEN)
    named = params.get("payment_method") or intent["payment_method"]
    if named is None:
        raise StripeError(
            400,
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the "
            "SetupIntent with a "
            "payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
        )
    method = method_for(desk, intent, named)
    bank = bank_of(desk, method)
    intent.update(payment_method=method["id"], last_setup_error=None, next_action=None)
    if bank["declines"] and not bank["saves"]:
        raise _failed(desk, intent, method, bank["declines"])
    if bank["asks"] in (Asks.ALWAYS, Asks.UNLESS_SET_UP):
        wait_for_client(desk, intent, params)
        desk.store.put("setup_intent", intent)
        emit(desk, "setup_intent.requires_action", intent)
        return intent
    return _saved(desk, intent, method)


def _saved(desk: Desk, intent: Document, method: Document) -> Document:
    bank = bank_of(desk, method)
    bank["set_up"] = True
    desk.store.put("bank", bank)
    if intent["customer"]:
        attach(desk, method, intent["customer"])
    intent.update(status="succeeded", next_action=None, last_setup_error=None)
    desk.store.put("setup_intent", intent)
    emit(desk, "setup_intent.succeeded", intent)
    return intent


def _failed(desk: Desk, intent: Document, method: Document, reason: str) -> StripeError:
    """Records the bank's no on the intent; the error to raise."""
    refused = card_error(reason, more={"payment_method": method})
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=dict(refused.error),
    )
    desk.store.put("setup_intent", intent)
    emit(desk, "setup_intent.setup_failed", intent)
    refused.error["setup_intent"] = intent
    return refused


def authenticate(desk: Desk, intent: Document, *, succeeds: bool) -> Document:
    """The client has answered the bank. A failure is told by the intent's status and last_setup_error."""
    if intent["status"] != "requires_action":
        raise unexpected_state("setup_intent", "authenticate", intent["status"], ("requires_action",))
    if succeeds:
        return _saved(desk, intent, desk.find("payment_method", intent["payment_method"]))
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error={
            "type": "invalid_request_error",
            "code": "setup_intent_authentication_failure",
            "message": "The latest attempt to set up the payment method has failed because authentication failed.",
        },
    )
    desk.store.put("setup_intent", intent)
    emit(desk, "setup_intent.setup_failed", intent)
    return intent


def _cancel(desk: Desk, params: Params, id_: str) -> Document:
    _refuse_checkouts(desk, id_, "cancel")
    return canceled(desk, desk.find("setup_intent", id_, param="intent"), params)


def canceled(desk: Desk, intent: Document, params: Params) -> Document:
    if intent["status"] not in _OPEN:
        raise unexpected_state("setup_intent", "cancel", intent["status"], _OPEN)
    intent.update(status="canceled", cancellation_reason=params.get("cancellation_reason"), next_action=None)
    desk.store.put("setup_intent", intent)
    emit(desk, "setup_intent.canceled", intent)
    return intent


def _list(desk: Desk, params: Params, _: str) -> Document:
    wanted = {name: params[name] for name in ("customer", "payment_method") if name in params}
    rows = [row for row in desk.store.all("setup_intent") if all(row[k] == v for k, v in wanted.items())]
    return page(rows, params, url="/v1/setup_intents")


_ABOUT = {"customer": "str", "payment_method": "str", "description": "str", "metadata": "map"}

ROUTES = (
    Route(
        method="POST",
        path="/v1/setup_intents",
        handler=_create,
        takes={
            **_ABOUT,
            "usage": ("off_session", "on_session"),
            "allowed_payment_method_types": "list",
            "automatic_payment_methods": "map",
            "confirm": "bool",
            "return_url": "str",
        },
    ),
    Route(
        method="GET",
        path="/v1/setup_intents",
        handler=_list,
        takes={**PAGING, "customer": "str", "payment_method": "str"},
    ),
    Route(
        method="GET",
        path="/v1/setup_intents/{id}",
        handler=_retrieve,
        takes={"client_secret": "str"},
        browser=True,
    ),
    Route(method="POST", path="/v1/setup_intents/{id}", handler=_update, takes=_ABOUT),
    Route(
        method="POST",
        path="/v1/setup_intents/{id}/confirm",
        handler=_confirm,
        takes={
            "payment_method": "str",
            "return_url": "str",
            "client_secret": "str",
            "mandate_data": "map",
            "use_stripe_sdk": "bool",
        },
        browser=True,
    ),
    Route(
        method="POST",
        path="/v1/setup_intents/{id}/cancel",
        handler=_cancel,
        takes={"cancellation_reason": ("abandoned", "requested_by_customer", "duplicate")},
    ),
)
