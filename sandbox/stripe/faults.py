"""Faults on demand: what may go wrong between a practice and Stripe, arranged before it happens and counted as it does.

Everything is deterministic. A fault fires on the first calls or events that fit it, as often as it was asked to; one
with a probability draws from its own seed and the number of what has fitted so far.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from sandbox.store import Document, Store
from sandbox.stripe.objects import EVENT_TYPES
from sandbox.stripe.wire import Route, StripeError

Kind = Literal[
    "lost_request",
    "lost_answer",
    "error_before",
    "error_after",
    "rate_limited",
    "conflict",
    "slow",
    "webhook_dropped",
    "webhook_doubled",
    "webhook_late",
    "webhook_reordered",
]
_LONGEST_SECONDS = 60.0  # of real time, for a slow answer

Shape = TypeVar("Shape")

_SERVER_BROKE = "An unknown error occurred"


class Fault(BaseModel, extra="forbid"):
    """One thing that is to go wrong.

    Attributes:
        call: of a call: its name (``payment_intents.confirm``, ``setup_intents.*``) or its method and path
            (``POST /v1/payment_intents/pi_1/confirm``, with ``*`` for any part).
        key: only calls whose idempotency key looks so; ``*`` for any part.
        event: of a webhook: the event's type, with ``*`` for any part.
        object: only events about objects whose id looks so.
        times: how often at most. Without it once, or for ever where there is a probability.
        seconds: how long a slow answer takes, in real time; how long a late webhook is held, on the stand-in's clock.
    """

    kind: Kind
    call: str | None = None
    key: str | None = None
    event: str | None = None
    object: str | None = None
    times: int | None = Field(default=None, ge=1, le=1_000_000)
    probability: float | None = Field(default=None, gt=0, le=1)
    seed: int = 0
    seconds: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.kind.startswith("webhook_"):
            self._must("event")
            self._must_not("call", "key")
        else:
            self._must("call")
            self._must_not("event", "object")
        if self.kind == "slow":
            self._must("seconds")
            if (self.seconds or 0) > _LONGEST_SECONDS:
                raise ValueError(f"seconds: a slow answer takes at most {_LONGEST_SECONDS:.0f}")
        elif self.kind != "webhook_late":
            self._must_not("seconds")
        if self.probability is None and self.seed:
            raise ValueError("seed: only a fault with a probability draws")
        return self

    def _must(self, name: str) -> None:
        if getattr(self, name) is None:
            raise ValueError(f"{name}: {self.kind} needs it")

    def _must_not(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: has no meaning for {self.kind}")


class Faults:
    """The faults arranged, with how many calls or events fitted each (``seen``) and how often it came (``fired``)."""

    def __init__(self, store: Store, routes: Sequence[Route]) -> None:
        self._store = store
        self._routes = routes

    def all(self) -> list[Document]:
        book = self._store.get("faults", "book")
        rows: list[Document] = book["rows"] if book else []
        return rows

    def add(self, given: Any) -> list[Document]:
        """Arranges a list of faults behind those there are: all of it, or none. A StripeError names what is wrong."""
        rows, before = self.all(), (self._store.get("faults", "book") or {}).get("made", 0)
        faults = read(list[Fault], given, of="faults")
        for position, fault in enumerate(faults):
            self._check_names(fault, f"faults[{position}]")
        for number, fault in enumerate(faults, start=before + 1):
            rows.append({"id": f"fault_{number}", **fault.model_dump(exclude_none=True), "seen": 0, "fired": 0})
        self._store.put("faults", {"id": "book", "made": before + len(faults), "rows": rows})
        self._store.commit()
        return rows

    def clear(self) -> list[Document]:
        """Ends them all. Returns them as they last were."""
        rows = self.all()
        made = (self._store.get("faults", "book") or {}).get("made", 0)
        self._store.put("faults", {"id": "book", "made": made, "rows": []})
        self._store.commit()
        return rows

    def for_call(self, route: Route, path: str, *, key: str | None) -> Document | None:
        """The fault that this call meets, counted as fired; whoever finds that it cannot come gives it back."""

        def fits(row: Document) -> bool:
            if row["kind"] == "conflict" and key is None:
                return False  # without a key there is no twin
            if "key" in row and not fnmatchcase(key or "", row["key"]):
                return False
            return "call" in row and _names(row["call"], route, path)

        found = self._claim(fits)
        self._store.commit()
        return found

    def for_event(self, event: Document) -> Document | None:
        """The fault that this event meets on its way. Kept when the caller commits."""
        about = str(event["data"]["object"].get("id", ""))

        def fits(row: Document) -> bool:
            if "event" not in row or not fnmatchcase(event["type"], row["event"]):
                return False
            return fnmatchcase(about, row.get("object", "*"))

        return self._claim(fits)

    def give_back(self, fault: Document) -> None:
        rows = self.all()
        for row in rows:
            if row["id"] == fault["id"]:
                row["fired"] -= 1
        self._keep(rows)
        self._store.commit()

    def _claim(self, fits: Callable[[Document], bool]) -> Document | None:
        rows, met = self.all(), None
        for row in rows:
            limit = row.get("times", None if "probability" in row else 1)
            if not fits(row) or (limit is not None and row["fired"] >= limit):
                continue
            row["seen"] += 1
            if "probability" not in row or _draw(row["seed"], row["seen"]) < row["probability"]:
                row["fired"] += 1
                met = row
            self._keep(rows)
            if met:
                break
        return met

    def _keep(self, rows: list[Document]) -> None:
        book = self._store.get("faults", "book") or {"made": 0}
        self._store.put("faults", {"id": "book", "made": book["made"], "rows": rows})

    def _check_names(self, fault: Fault, where: str) -> None:
        if fault.event is not None and not any(fnmatchcase(type_, fault.event) for type_ in EVENT_TYPES):
            raise _wrong(f"{where}.event", f"no event is called {fault.event}. There are: {', '.join(EVENT_TYPES)}")
        if fault.call is None:
            return
        if any(_names(fault.call, route, _example(route, fault.call)) for route in self._routes):
            return
        known = ", ".join(sorted({route.call for route in self._routes}))
        raise _wrong(f"{where}.call", f"no call is named {fault.call}. There are: {known}; or a method and a path")


def _names(pattern: str, route: Route, path: str) -> bool:
    """Does this name, or this method and path, mean a call of that route to that path?"""
    method, space, wanted = pattern.partition(" ")
    if not space:
        return fnmatchcase(route.call, pattern)
    if method != route.method:
        return False
    return fnmatchcase(path, wanted) and route.match(method, path) is not None


def _example(route: Route, pattern: str) -> str:
    """A path of this route, about the object that the pattern names if it names one."""
    own, wanted = route.path.split("/"), pattern.split("/")
    about = dict(zip(own, wanted, strict=False)).get("{id}", "*")
    return route.path.replace("{id}", "x" if "*" in about else about)


def _draw(seed: int, number: int) -> float:
    """Between 0 and 1, and always the same for the same two numbers."""
    return int.from_bytes(sha256(f"{seed}:{number}".encode()).digest()[:8]) / 2**64


def refusal(fault: Document) -> StripeError | None:
    """What is answered instead of doing it, for the faults that are such an answer."""
    match fault["kind"]:
        case "error_before":
            return StripeError(500, _SERVER_BROKE, type_="api_error", executed=False)
        case "rate_limited":
            return StripeError(
                429,
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                code="rate_limit",
                executed=False,
            )
        case "conflict":
            return StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key. Please try again later.",
                type_="idempotency_error",
                code="idempotency_key_in_use",
                executed=False,
            )
    return None


def broken() -> StripeError:
    """What a server says that broke in the middle of its work; kept under the key, as Stripe keeps it."""
    return StripeError(500, _SERVER_BROKE, type_="api_error")


def read(shape: type[Shape], given: Any, *, of: str = "") -> Shape:
    """A JSON value in its shape. A StripeError names each field that is wrong, as ``faults[1].kind``."""
    try:
        return TypeAdapter(shape).validate_python(given)
    except ValidationError as problem:
        told = []
        for error in problem.errors():
            where = of + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"])
            message = error["msg"].removeprefix("Value error, ")
            # A validator of the whole object names the field itself.
            own = re.fullmatch(r"([a-z]+): (.*)", message) if error["type"] == "value_error" else None
            told.append((f"{where}.{own[1]}", own[2]) if own else (where, message))
        first, _ = told[0]
        raise _wrong(
            first.removeprefix("."), "; ".join(f"{where.removeprefix('.')}: {what}" for where, what in told), whole=True
        ) from problem


def _wrong(where: str, what: str, *, whole: bool = False) -> StripeError:
    return StripeError(400, what if whole else f"{where}: {what}", param=where, executed=False)
