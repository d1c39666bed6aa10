"""Ways for a step to break: a process that dies at a point, and answers of Stripe that are lost or not given again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.gateways.stripe import StripeGateway
from activities.ports import GatewayUnavailable, Intent, RefundMade
from models.database import Sessions

Answer = TypeVar("Answer", Intent, RefundMade)


class Death(Exception):
    """The process ends here: what was committed stays, what was not is gone."""


class NeverEnds(Exception):
    """A step fails however often it is run."""


@dataclass
class Points:
    """Places where a process may die. ``die_at`` counts from 1; a death happens once."""

    passed: list[str] = field(default_factory=list)
    die_at: tuple[int, ...] = ()

    def reach(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) in self.die_at:
            raise Death(name)

    def reset(self, *die_at: int) -> None:
        self.passed.clear()
        self.die_at = die_at


def mortal_sessions(real: Sessions, reach: Callable[[str, str], None], name: Callable[[], str]) -> Sessions:
    """Sessions whose commits are points: ``reach`` is told ``before`` and ``after``, and the ``name`` of the commit."""

    def make() -> AsyncSession:
        session = real()
        commit = session.commit

        async def mortal() -> None:
            called = name()
            reach("before", called)
            await commit()
            reach("after", called)

        session.commit = mortal  # type: ignore[method-assign]
        return session

    return cast(Sessions, make)


class MortalGateway(StripeGateway):
    """The real gateway, whose calls are points, and whose answers can be lost.

    ``breaks[call]`` are exceptions raised after the call has taken effect at Stripe, one each time. One that forbids
    the same key is a stored failure: Stripe would replay it, so the key is spoilt for good.
    """

    def __init__(self, points: Points, *, api_base: str) -> None:
        super().__init__(api_key="sk_test_activities", api_base=api_base)
        self.points = points
        self.keys: list[str] = []
        self.breaks: dict[str, list[GatewayUnavailable]] = {}
        self.spoilt: set[str] = set()
        self.meanwhile: dict[str, Callable[[], Awaitable[object]]] = {}

    async def create_intent(self, *, key: str, **asked: Any) -> Intent:
        return await self._mortal("create", super().create_intent, key, asked)

    async def confirm_intent(
        self, *, intent: str, payment_method: str, key: str, return_url: str | None = None
    ) -> Intent:
        asked = {"intent": intent, "payment_method": payment_method, "return_url": return_url}
        return await self._mortal("confirm", super().confirm_intent, key, asked)

    async def refund(self, *, key: str, **asked: Any) -> RefundMade:
        return await self._mortal("refund", super().refund, key, asked)

    async def retrieve_intent(self, *, intent: str) -> Intent | None:
        self.points.reach("before retrieve")
        return await super().retrieve_intent(intent=intent)

    async def _mortal(
        self, call: str, ask: Callable[..., Awaitable[Answer]], key: str, asked: dict[str, Any]
    ) -> Answer:
        if key in self.spoilt:
            raise GatewayUnavailable("the same failure again", ambiguous=True, retry_with_same_key=False)
        self.points.reach(f"before {call}")
        self.keys.append(key)
        answer = await ask(key=key, **asked)
        if call in self.meanwhile:
            await self.meanwhile.pop(call)()
        if self.breaks.get(call):
            broken = self.breaks[call].pop(0)
            if not broken.retry_with_same_key:
                self.spoilt.add(key)
            raise broken
        self.points.reach(f"after {call}")
        return answer
