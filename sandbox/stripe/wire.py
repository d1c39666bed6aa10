"""How Stripe's API reads and answers: nested form parameters, parameter checks, errors in Stripe's shape."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.store import Document, Store

# The version whose shapes are spoken; a caller's own Stripe-Version header is echoed.
API_VERSION = "2026-10-28.endive"

Params = dict[str, Any]
# "str", "int", "bool", "map", "list", "range" (a number, or gt/gte/lt/lte of one), or the words allowed.
Kind = str | tuple[str, ...]


class StripeError(Exception):
    """An answer other than 200. ``executed`` tells whether the endpoint had begun its work: only then is the
    answer kept under the idempotency key, as Stripe does."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.error: Document = {"message": message, "type": type_}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = "https://stripe.com/docs/error-codes/" + code.replace("_", "-")
        if param:
            self.error["param"] = param
        self.error.update(more or {})


@dataclass(kw_only=True)
class Desk:
    """What an endpoint works with during one request: the store, the moment (unix seconds), and the events it
    causes."""

    store: Store
    now: int
    version: str = API_VERSION
    request_id: str | None = None
    idempotency_key: str | None = None
    # Set when a browser asks with the publishable key: only objects whose client secret it shows are its
    # business.
    client_secret: str | None = None
    from_browser: bool = False
    # Where the stand-in is reached, as whoever asks reached it: what its own pages' addresses begin with.
    base_url: str = ""
    events: list[Document] = field(default_factory=list)

    def find(self, kind: str, id_: str, *, param: str = "id", status: int = 404) -> Document:
        found = self.store.get(kind, id_)
        if found is None or found.get("deleted"):
            raise StripeError(
                status, f"No such {_SPOKEN.get(kind, kind)}: '{id_}'", code="resource_missing", param=param
            )
        return found


_SPOKEN = {"payment_method": "PaymentMethod", "setup_intent": "setupintent", "checkout_session": "checkout.session"}

Handler = Callable[[Desk, Params, str], Document]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One call. ``path`` may hold one ``{id}``, handed to the handler (an empty string where there is
    none)."""

    method: str
    path: str
    handler: Handler
    takes: Mapping[str, Kind] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    # May a browser call it, with the publishable key and the object's client secret?
    browser: bool = False

    @property
    def call(self) -> str:
        """As Stripe's client libraries name it: ``payment_intents.confirm``, ``customers.payment_methods.list``."""
        resource, *rest = self.path.removeprefix("/v1/").replace("checkout/sessions", "checkout.sessions").split("/")
        if rest == ["search"]:
            return f"{resource}.search"
        verbs = {"GET": "retrieve", "POST": "update", "DELETE": "delete"} if rest else {"GET": "list", "POST": "create"}
        if len(rest) < 2:
            return f"{resource}.{verbs[self.method]}"
        return f"{resource}.{rest[1]}" + (".list" if self.method == "GET" else "")

    def match(self, method: str, path: str) -> str | None:
        if method != self.method:
            return None
        found = re.fullmatch(self.path.replace("{id}", "([A-Za-z0-9_]+)"), path)
        if found is None:
            return None
        return found.group(1) if found.groups() else ""


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """``a[b][0]=x`` pairs as nested values; numbered or empty brackets make a list."""
    tree: Params = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name) or [name]
        node: Any = tree
        *branches, leaf = [first, *rest]
        for step in branches:
            node = node.setdefault(step or str(len(node)), {})
            if not isinstance(node, dict):
                raise StripeError(400, f"Invalid parameter: {name}", param=first, executed=False)
        node[leaf or str(len(node))] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(inner) for name, inner in value.items()}


def check(raw: Params, *, takes: Mapping[str, Kind], needs: tuple[str, ...] = ()) -> Params:
    """The parameters in their types. Anything unknown, missing or mistyped is refused as Stripe refuses
    it."""
    known: dict[str, Kind] = {"expand": "list", **takes}
    for name in raw:
        if name == "payment_method_types" and "allowed_payment_method_types" in known:
            raise StripeError(
                400,
                "The payment_method_types parameter is no longer supported in this API version. "
                "Use allowed_payment_method_types instead.",
                code="payment_method_types_no_longer_supported",
                param=name,
                executed=False,
            )
        if name not in known:
            raise StripeError(
                400,
                f"Received unknown parameter: {name}",
                code="parameter_unknown",
                param=name,
                executed=False,
            )
    for name in needs:
        if raw.get(name) in (None, ""):
            raise StripeError(
                400, f"Missing required param: {name}.", code="parameter_missing", param=name, executed=False
            )
    return {name: _value(name, given, known[name]) for name, given in raw.items() if given != ""}


def _value(name: str, given: Any, kind: Kind) -> Any:
    if isinstance(kind, tuple):
        if given not in kind:
            raise _invalid(name, f"Invalid {name}: must be one of {', '.join(kind)}")
        return given
    if kind == "range":
        bounds = given if isinstance(given, dict) else {"eq": given}
        if not set(bounds) <= {"eq", "gt", "gte", "lt", "lte"}:
            raise _invalid(name, f"Invalid {name}")
        return {bound: _integer(name, value) for bound, value in bounds.items()}
    if kind in ("map", "list"):
        wanted = dict if kind == "map" else list
        if not isinstance(given, wanted):
            raise _invalid(name, f"Invalid {'object' if kind == 'map' else 'array'}")
        return given
    if not isinstance(given, str):
        raise _invalid(name, "Invalid string")
    if kind == "int":
        return _integer(name, given)
    if kind == "bool":
        if given not in ("true", "false"):
            raise _invalid(name, f"Invalid boolean: {given}")
        return given == "true"
    return given


def _integer(name: str, given: Any) -> int:
    if not isinstance(given, str) or not re.fullmatch(r"-?[0-9]{1,18}", given):
        raise _invalid(name, f"Invalid integer: {given}", code="parameter_invalid_integer")
    return int(given)


def _invalid(name: str, message: str, *, code: str | None = None) -> StripeError:
    return StripeError(400, message, code=code, param=name, executed=False)


PAGING: Mapping[str, Kind] = {
    "limit": "int",
    "starting_after": "str",
    "ending_before": "str",
    "created": "range",
}


def page(rows: list[Document], params: Params, *, url: str) -> Document:
    """One page of a list, newest first, as every Stripe list is. ``rows`` come oldest first."""
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise _invalid("limit", "This value must be between 1 and 100.", code="parameter_invalid_integer")
    rows = [row for row in reversed(rows) if _inside(row["created"], params.get("created", {}))]
    ids = [row["id"] for row in rows]
    if after := params.get("starting_after"):
        rows = rows[_position(ids, after, "starting_after") + 1 :]
        return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[:limit]}
    if before := params.get("ending_before"):
        rows = rows[: _position(ids, before, "ending_before")]
        return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[-limit:]}
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": rows[:limit]}


def _inside(created: int, bounds: Mapping[str, int]) -> bool:
    tests: dict[str, Callable[[int], bool]] = {
        "eq": lambda bound: created == bound,
        "gt": lambda bound: created > bound,
        "gte": lambda bound: created >= bound,
        "lt": lambda bound: created < bound,
        "lte": lambda bound: created <= bound,
    }
    return all(tests[name](bound) for name, bound in bounds.items())


def _position(ids: list[str], wanted: str, param: str) -> int:
    if wanted not in ids:
        raise StripeError(400, f"No such object: '{wanted}'", code="resource_missing", param=param)
    return ids.index(wanted)
