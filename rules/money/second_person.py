"""The second person: what is above a ceiling is carried out only when somebody else has approved it.

What counts is what one person gives away alone to one client, in one currency, within a day: credit granted, money
refunded, to a card or as credit, fees waived and debts written off. So many small ones are like a large one. Amounts
are minor units.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from rules.enums import ApprovalAct, ApprovalStatus, Role
from rules.policy import Ceiling
from rules.refusals import Problem, Refusal

LAPSES_AFTER = timedelta(days=7)
ADDED_UP_OVER = timedelta(hours=24)


def ceiling_of(ceilings: Iterable[Ceiling], *, role: Role, currency: str) -> int | None:
    """Up to how much somebody of this role decides alone; None is any amount."""
    return next((one.amount for one in ceilings if (one.role, one.currency) == (role, currency)), None)


def needs_second_person(ceiling: int | None, *, amount: int, alone: int) -> bool:
    """``alone`` is what the same person gave the same client by themselves within ``ADDED_UP_OVER``."""
    return ceiling is not None and amount + alone > ceiling


def status_of(*, settled: ApprovalStatus | None, lapses_at: datetime, now: datetime) -> ApprovalStatus:
    """How an approval stands: one that nobody has settled lapses by itself."""
    return settled or (ApprovalStatus.LAPSED if now >= lapses_at else ApprovalStatus.OPEN)


def refuse_settling(status: ApprovalStatus, *, asked_by_same: bool, approve: bool) -> Refusal | None:
    """Why somebody may not settle it. Who asked may take it back, and never approve it."""
    if status is not ApprovalStatus.OPEN:
        return required(f"This was {status.value} already. Ask for it again if it is still wanted.", status=status)
    if approve and asked_by_same:
        return required("You have asked for this yourself: another person must approve it.", status=status)
    return None


def required(detail: str, *, status: ApprovalStatus | None = None, **more: int | str) -> Refusal:
    told = {**({"approval_status": status.value} if status is not None else {}), **more}
    return Refusal(name=Problem.SECOND_PERSON_REQUIRED, detail=detail, data=told)


def asked_about(order: Any, act: ApprovalAct) -> tuple[str, ...]:
    """What the API's word is about that somebody else can approve it: who asks for what. So nobody can take what
    somebody else has sent, write another amount or payment into it, and approve that."""
    said = (getattr(order, name, None) for name in ("payment_id", "amount", "currency", "to"))
    about = (order.request_id, order.client_id, order.by.actor, *said)
    return ("second person", act.value, *("" if part is None else str(part) for part in about))
