"""Checkout Sessions that save a card (``mode=setup``): Stripe's own page, and the SetupIntent that it confirms."""

from sandbox.store import Document
from sandbox.stripe.objects import checkout_session, emit, setup_intent
from sandbox.stripe.setups import canceled
from sandbox.stripe.wire import PAGING, Desk, Params, Route, StripeError, page

CHECKOUT_SESSION_ID = "{CHECKOUT_SESSION_ID}"  # what Stripe puts the session's id for in a success_url
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600  # seconds that a session may live; the longest unless it is said


def _create(desk: Desk, params: Params, _: str) -> Document:
    if "currency" not in params and "allowed_payment_method_types" not in params:
        raise StripeError(
            400, "You must provide `currency` or `allowed_payment_method_types` in `setup` mode.", executed=False
        )
    if params.get("allowed_payment_method_types", ["card"]) != ["card"]:
        raise StripeError(400, "This stand-in knows cards alone.", param="allowed_payment_method_types", executed=False)
    for name in ("success_url", "cancel_url"):
        if not str(params.get(name, "https://")).startswith(("https://", "http://")):
            raise StripeError(400, "Not a valid URL", code="url_invalid", param=name, executed=False)
    expires_at = params.get("expires_at", desk.now + _LONGEST)
    if not _SHORTEST <= expires_at - desk.now <= _LONGEST:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise StripeError(400, message, param="expires_at", executed=False)
    if owner := params.get("customer"):
        desk.find("customer", owner, param="customer", status=400)
    about = params.get("setup_intent_data", {})
    if unknown := sorted(set(about) - {"metadata", "description"}):
        raise StripeError(
            400,
            f"Received unknown parameter: setup_intent_data[{unknown[0]}]",
            code="parameter_unknown",
            param=f"setup_intent_data[{unknown[0]}]",
            executed=False,
        )
    setup = setup_intent(desk, {**about, "customer": owner})
    session = checkout_session(desk, params, setup=setup, expires_at=expires_at)
    desk.store.put("setup_intent", setup)
    desk.store.put("checkout_setup", {"id": setup["id"], "session": session["id"]})
    desk.store.put("checkout_session", session)
    emit(desk, "setup_intent.created", setup)
    return session


def current(desk: Desk, id_: str) -> Document:
    """The session as it stands now: nobody ends one whose time is over, so it ends when somebody looks."""
    session = desk.find("checkout_session", id_, param="session")
    if session["status"] == "open" and session["expires_at"] <= desk.now:
        return _expired(desk, session)
    return session


def _retrieve(desk: Desk, _: Params, id_: str) -> Document:
    return current(desk, id_)


def _expire(desk: Desk, _: Params, id_: str) -> Document:
    session = current(desk, id_)
    if session["status"] != "open":
        message = f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        raise StripeError(400, message)
    return _expired(desk, session)


def _expired(desk: Desk, session: Document) -> Document:
    session.update(status="expired", url=None)
    desk.store.put("checkout_session", session)
    canceled(desk, desk.find("setup_intent", session["setup_intent"]), {"cancellation_reason": "abandoned"})
    emit(desk, "checkout.session.expired", session)
    return session


def complete(desk: Desk, setup: Document) -> Document | None:
    """The session of a SetupIntent, which is complete once the card is saved. None if it belongs to none."""
    belongs = desk.store.get("checkout_setup", setup["id"])
    if belongs is None:
        return None
    session = desk.find("checkout_session", belongs["session"])
    if session["status"] == "open" and setup["status"] == "succeeded":
        session.update(status="complete", url=None)
        desk.store.put("checkout_session", session)
        emit(desk, "checkout.session.completed", session)
    return session


def _list(desk: Desk, params: Params, _: str) -> Document:
    wanted = {name: params[name] for name in ("customer", "status") if name in params}
    rows = [current(desk, row["id"]) for row in desk.store.all("checkout_session")]
    fitting = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return page(fitting, params, url="/v1/checkout/sessions")


ROUTES = (
    Route(
        method="POST",
        path="/v1/checkout/sessions",
        handler=_create,
        takes={
            "mode": ("setup",),
            "customer": "str",
            "allowed_payment_method_types": "list",
            "currency": "str",
            "success_url": "str",
            "cancel_url": "str",
            "client_reference_id": "str",
            "expires_at": "int",
            "metadata": "map",
            "setup_intent_data": "map",
        },
        needs=("mode", "success_url"),
    ),
    Route(
        method="GET",
        path="/v1/checkout/sessions",
        handler=_list,
        takes={**PAGING, "customer": "str", "status": ("open", "complete", "expired")},
    ),
    Route(method="GET", path="/v1/checkout/sessions/{id}", handler=_retrieve),
    Route(method="POST", path="/v1/checkout/sessions/{id}/expire", handler=_expire),
)
