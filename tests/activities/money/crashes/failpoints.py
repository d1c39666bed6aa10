"""Named points of a payment at which a process can die, put around the real database and the real gateway.

Nothing of this is in the product: its steps are given sessions and a gateway that know where they are. The same points
serve a test that dies by an exception and a worker process that dies by SIGKILL. By part of a try, and by step:

    start_attempt    before_reserve   after_reserve    the commit that wins the payment and reserves credit
    charge_card      before_look      after_look       the commit that reads which try it is, or begins another
                     before_ask       after_ask        the call that asks which intents the payment has
                     before_create    after_create     the call that makes the intent
                     before_store     after_store      the commit that stores its id
                     before_confirm   after_confirm    the call that takes the money
                     before_close     after_close      the commit that gives a spoilt key up
                     before_retrieve  after_retrieve   the look at Stripe with which every later run begins
                     before_cancel    after_cancel     the call that calls an outdated intent off
    finish_attempt   before_record    after_record     the commit that records how it ended

Commits of other steps are numbered: ``before_owe_payment_1``. The point after a call is reached whether it was answered
or not.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, cast

from temporalio import activity

from activities.ports import GatewayUnavailable, PaymentGateway
from models.database import Sessions
from tests.care.crash_points import mortal_sessions

STEPS = ("reserve", "create", "store", "confirm", "record")
POINTS = tuple(f"{when}_{step}" for step in STEPS for when in ("before", "after"))
CLOSING = ("before_close", "after_close")

_CALLS = {
    "create_intent": "create",
    "confirm_intent": "confirm",
    "retrieve_intent": "retrieve",
    "intents_of": "ask",
    "cancel_intent": "cancel",
}
_COMMITS = {"start_attempt": "reserve", "finish_attempt": "record"}
_PARTS = ("start_attempt", "charge_card", "finish_attempt")
_TROUBLE = "trouble"

# What the running step has heard from Stripe last, and how many commits it has made.
_heard: ContextVar[str] = ContextVar("heard", default="")
_commits: ContextVar[int] = ContextVar("commits", default=0)
# Which part of a try it is in; the step's own name elsewhere.
_part: ContextVar[str] = ContextVar("part", default="")


class Failpoints:
    """At which points a workflow's steps die, each once, in their order. ``die`` is told the workflow and the point."""

    def __init__(self, die: Callable[[str, str], None]) -> None:
        self._die = die
        self._armed: dict[str, list[str]] = {}

    def arm(self, workflow: str, *points: str) -> None:
        self._armed[workflow] = list(points)

    def left(self, workflow: str) -> tuple[str, ...]:
        """The points that were not reached yet."""
        return tuple(self._armed.get(workflow, ()))

    def reach(self, point: str) -> None:
        if not activity.in_activity():
            return
        workflow = activity.info().workflow_id or ""
        waiting = self._armed.get(workflow)
        if waiting and waiting[0] == point:
            waiting.pop(0)
            self._die(workflow, point)


def _commit() -> str:
    if not activity.in_activity():
        return "commit"
    step = _part.get() or activity.info().activity_type
    if step in _COMMITS:
        return _COMMITS[step]
    if step == "charge_card":
        return {"": "look", _TROUBLE: "close"}.get(_heard.get(), "store")
    _commits.set(_commits.get() + 1)
    return f"{step}_{_commits.get()}"


class NamedGateway:
    """A gateway whose calls about payments are points."""

    def __init__(self, real: PaymentGateway, failpoints: Failpoints) -> None:
        self._real = real
        self._failpoints = failpoints

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        return self._named(_CALLS[name], method) if name in _CALLS else method

    def _named(self, point: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def named(**asked: Any) -> Any:
            self._failpoints.reach(f"before_{point}")
            try:
                answer = await method(**asked)
            except GatewayUnavailable:
                _heard.set(_TROUBLE)
                self._failpoints.reach(f"after_{point}")
                raise
            _heard.set(point)
            self._failpoints.reach(f"after_{point}")
            return answer

        return named


def with_named_parts(steps: list[Callable[..., Any]]) -> list[Callable[..., Any]]:
    """The same steps; a commit is named after the part of a try that it is of."""
    [tries] = {step.__self__ for step in steps if step.__name__ == "try_payment"}  # type: ignore[attr-defined]
    for name in _PARTS:
        setattr(tries, name, _in_part(name, getattr(tries, name)))
    return steps


def _in_part(name: str, part: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def named(asked: Any) -> Any:
        token = _part.set(name)
        try:
            return await part(asked)
        finally:
            _part.reset(token)

    return named


def named_sessions(real: Sessions, failpoints: Failpoints) -> Sessions:
    """Sessions whose commits are points, named after what the step commits."""
    return mortal_sessions(real, lambda when, name: failpoints.reach(f"{when}_{name}"), _commit)


def named_gateway(real: PaymentGateway, failpoints: Failpoints) -> PaymentGateway:
    return cast(PaymentGateway, NamedGateway(real, failpoints))
